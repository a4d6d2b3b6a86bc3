/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rowframes: a row of a snap as names: what a person and every format sees of a stack.
 *
 *	blocked	user stack root first, then `[chan receive]`: the wait in Go's newest words
 *	sched	the same stack, then `[runnable]`
 *	births	the creator's stack root first, the function with the `go` statement, then `[go main.f.func1]`
 *	exits	the same; if the birth was not seen, only the frames of the `go` statement
 *	alloc	the stack that allocates, without what led package runtime to mallocgc at its end, then type and size of the object:
 *		`[main.node 48 B]`, `[<= 64 B]`, `[64 B, estimated]`, `[64 B, by refills]`, `[64 B, sampled]` (enum alloc_measure)
 *	wakeups	as blocked, then `--`, the stack that ended the wait leaf first, and `--` and so on for who woke
 *		that one; who is no goroutine ends its stack, or stands for it: `[netpoll]`, `[timer]` (view/waker)
 *	cpu	what runs, root first, no word; `[C]` and its kind where it is no code of Go
 *	block	as Go's own block profile has it: no word, and a wait ends with the function that the program called
 *	mutex	as Go's own mutex profile: the stack of the unlock; `[not seen]` is time that others waited for one which nobody saw
 *	wall	first of all, before what --root adds: `[running]`, `[ready]`, `[waiting]` or `[syscall]`; then the stack, as of
 *		blocked or cpu, and what it waits for, or the system call with the descriptor and its peer, where that is known
 *	goroutines	user stack root first, then what it does: `[chan receive]`, `[running]`
 *
 * Ancestry (--async) stands before all that, oldest first: creator's stack, `[go f]`, creator's
 * stack, `[go g]`. Unless `full`, plumbing of the runtime (gopark, newproc, systemstack, goexit and
 * their kind) and wrappers that the compiler made are left out. What is not code stands in
 * brackets: `[truncated]` at the root of a stack that goes on, `[stack lost]`, `[no stack]`,
 * `[timer]` in place of the scheduler's frames that ran one. A pc that no table knows is
 * `0x45d2a1`.
 */
#ifndef PARKWATCH_VIEW_ROWFRAMES_H
#define PARKWATCH_VIEW_ROWFRAMES_H

#include "base/cleanup.h"
#include "model/snap.h"
#include "names/framer.h"
#include "view/waker.h"

/* of a row; beyond, the root side is cut and says [truncated] */
#define FRAMES_MAX 4096

/* the program's own line behind the `go` statement of a library; view/callsites */
struct frames_called {
	/*
	 * "called from main.connect main.go:49", in all formats; NULL: the statement is the
	 * program's own
	 */
	const char *text;
	const char *func, *file; /* NULL and "": not known */
	uint32_t line;
	const char *how; /* as called__how() */
};

struct frames {
	const struct frame *v; /* root first */
	size_t nr;
	size_t own;            /* of them, before the first `--` of wakeups; else all */
	enum waker_kind waker; /* of wakeups */
	const char *first;     /* wall: "[waiting]", before all else; else NULL. It is none of v */
	/* what --root adds: "goroutine 18", "created by main.main", "k=v", "[select]"; or NULL */
	const char *root;
	const char *created_by;      /* with PROFILE_ROOT_CREATED_BY: "main.main"; else NULL */
	struct frames_called called; /* with PROFILE_ROOT_CREATED_BY, if the namer has callsites */
	/*
	 * the wait in Go's words without brackets; "runnable", "dead"; alloc: the object; wall: the
	 * state, the wait or the system call
	 */
	const char *state;
};

#define FRAMES_ROOTS 3
/* What stands at the root of the stack: `first`, the line that called, then `root`. Returns how many. */
static inline size_t frames__roots(const struct frames *fr, const char *ret[FRAMES_ROOTS])
{
	size_t nr = 0;

	if (fr->first)
		ret[nr++] = fr->first;
	if (fr->called.text)
		ret[nr++] = fr->called.text;
	if (fr->root)
		ret[nr++] = fr->root;
	return nr;
}

/* From here on frames are of who ended the wait, or woke the one before. */
static inline bool frame_begins_waker(const struct frame *f)
{
	return f->kind == FRAME_WORD && f->name[0] == '-';
}

struct rowframer;
/*
 * namers[i] is for rt i; borrowed as long as the rowframer lives. full: plumbing and wrappers too.
 * 0 or -ENOMEM.
 */
int rowframer__new(const struct namer *namers, size_t nr_namers, bool full, struct rowframer **ret);
/*
 * From here on as Go's own profiles have stacks: no word at the end, no runtime.goexit at the root, no
 * wrapper; goroutines with the runtime's frames; a wait ends with the function that the program called.
 */
void rowframer__as_go(struct rowframer *f);
void rowframer__free(struct rowframer *f);
DEFINE_SCOPED(rowframer)
struct framer *rowframer__names(struct rowframer *f); /* borrowed */

/* *ret->v is borrowed until the next call, texts as long as f lives. 0 or -ENOMEM. */
int rowframer__row(struct rowframer *f, const struct snap *s, const struct snap_row *row,
		   struct frames *ret);

#endif
