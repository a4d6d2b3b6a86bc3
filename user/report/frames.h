/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames: a row of a snap as names: what a person and every format sees of a stack.
 *
 *	blocked	user stack root first, then `[chan receive]`: the wait in Go's newest words
 *	sched	the same stack, then `[runnable]`
 *	births	the creator's stack root first, the function with the `go` statement, then `[go main.f.func1]`
 *	exits	the same; if the birth was not seen, only the frames of the `go` statement
 *	alloc	the stack that allocates, without what led package runtime to mallocgc at its end, then type and size of the object:
 *		`[main.node 48 B]`, `[<= 64 B]`, `[64 B, estimated]`, `[64 B, by refills]`, `[64 B, sampled]` (enum alloc_measure)
 *	goroutines	user stack root first, then what it does: `[chan receive]`, `[running]`
 *
 * Ancestry (--async) stands before all that, oldest first: creator's stack, `[go f]`, creator's stack, `[go g]`.
 * Unless `full`, plumbing of the runtime (gopark, newproc, systemstack, goexit and their kind) and wrappers that
 * the compiler made are left out. What is not code stands in brackets: `[truncated]` at the root of a stack that goes
 * on, `[stack lost]`, `[no stack]`, `[timer]` in place of the scheduler's frames that ran one. A pc that no table knows is `0x45d2a1`.
 * Packages are called as Go's own tracebacks call them: gopkg.in/yaml%2ev3 (report/name_match).
 * Names come from the target: control characters and what is not UTF-8 are replaced by '?', so a name is always one line.
 */
#ifndef PARKWATCH_REPORT_FRAMES_H
#define PARKWATCH_REPORT_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"
#include "model/snap.h"
#include "report/namer.h"

#define FRAMES_MAX 4096		/* of a row; beyond, the root side is cut and says [truncated] */

enum frame_kind {
	FRAME_CODE,		/* a function at a pc */
	FRAME_WORD,		/* a word in brackets */
};

/* Texts are interned: equal texts have equal pointers. They live as long as the framer. */
struct frame {
	enum frame_kind kind;
	bool inlined;		/* into the frame before it (root side), of which it shares the pc */
	const char *name;
	const char *file;	/* "" for words and unknown pcs */
	uint32_t line, start_line; /* 0 unknown */
	uint64_t pc;		/* of the physical frame, as in the stack; 0 for words */
	uint64_t entry;		/* of the physical function; 0 unknown */
	bool is_return;		/* pc is a return address */
	bool wrapper;		/* made by the compiler, of no interest (goframe.wrapper) */
	bool plumbing;		/* of the runtime, of no interest: gopark, goexit */
	bool own;		/* the program's own: golang/gomain */
};

struct frames_called {		/* the program's own line behind the `go` statement of a library; report/callsites */
	const char *text;	/* "called from main.connect main.go:49", in all formats; NULL: the statement is the program's own */
	const char *func, *file; /* NULL and "": not known */
	uint32_t line;
	const char *how;	/* as called__how() */
};

struct frames {
	const struct frame *v;	/* root first */
	size_t nr;
	const char *root;	/* what --root adds: "goroutine 18", "created by main.main", "k=v", "[select]"; or NULL */
	const char *created_by;	/* with PROFILE_ROOT_CREATED_BY: "main.main"; else NULL */
	struct frames_called called; /* with PROFILE_ROOT_CREATED_BY, if the namer has callsites */
	const char *state;	/* the wait in Go's words without brackets; "runnable", "dead"; alloc: the object */
};

/* What stands at the root of the stack: the line that called, then `root`. Returns how many. */
static inline size_t frames__roots(const struct frames *fr, const char *ret[2])
{
	size_t nr = 0;

	if (fr->called.text)
		ret[nr++] = fr->called.text;
	if (fr->root)
		ret[nr++] = fr->root;
	return nr;
}

struct framer;
/* namers[i] is for rt i; borrowed as long as the framer lives. */
int framer__new(const struct namer *namers, size_t nr_namers, bool full, struct framer **ret);
void framer__free(struct framer *f);
DEFINE_SCOPED(framer)

/* *ret->v is borrowed until the next call. 0 or -ENOMEM. */
int framer__row(struct framer *f, const struct snap *s, const struct snap_row *row, struct frames *ret);

/*
 * All frames of one pc, innermost first, whatever `full` says: at least one. *ret is borrowed until the next call. 0 or -ENOMEM.
 */
int framer__at(struct framer *f, uint16_t rt, uint64_t pc, bool is_return, const struct frame **ret, size_t *ret_nr);
/* The function that a goroutine really runs, as a frame at its first line. -ENOENT: startpc 0; -ENOMEM. */
int framer__start(struct framer *f, uint16_t rt, uint64_t startpc, struct frame *ret);

/* A text of the framer's pool, cleaned as names are: equal texts, equal pointers. Never NULL. */
const char *framer__text(struct framer *f, const char *text);
const char *framer__verbatim(struct framer *f, const char *text);	/* the same, but control characters stay */

#endif
