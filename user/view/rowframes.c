/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/rowframes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "golang/gocontention.h"
#include "golang/gofacts.h"
#include "golang/gostate.h"
#include "model/reqlabel.h"
#include "model/wall.h"
#include "view/callsites.h"
#include "view/recording.h"

#define NO_GOROUTINE "no goroutine" /* the scheduler, or a thread of C, ran */
#define NO_REQUEST   "[no request]"
#define FUNCS_MAX    256 /* names of a stack that may decide what a wait is called */

struct rowframer {
	struct framer *names;
	bool full, as_go;
	bool like_go;  /* the row that is built */
	bool wrappers; /* are in it, though it is like Go's */
	struct frame out[FRAMES_MAX];
	size_t nr_out; /* leaf first while a row is built */
};

int rowframer__new(const struct namer *namers, size_t nr_namers, bool full, struct rowframer **ret)
{
	scoped(rowframer) f = calloc(1, sizeof(*f));
	int err = f ? framer__new(namers, nr_namers, &f->names) : -ENOMEM;

	if (err)
		return err;
	f->full = full;
	*ret = steal(f);
	return 0;
}

void rowframer__as_go(struct rowframer *f)
{
	f->as_go = true;
}

void rowframer__free(struct rowframer *f)
{
	if (!f)
		return;
	framer__free(f->names);
	free(f);
}

struct framer *rowframer__names(struct rowframer *f)
{
	return f->names;
}

static void push(struct rowframer *f, const struct frame *frame)
{
	if (f->nr_out < FRAMES_MAX)
		f->out[f->nr_out++] = *frame;
}

static void push_word(struct rowframer *f, const char *word)
{
	push(f, &(struct frame){ .kind = FRAME_WORD, .name = word, .file = "" });
}

static bool is_shown(const struct rowframer *f, const struct frame *frame)
{
	if (f->like_go && !strcmp(frame->name, "runtime.goexit"))
		return false;
	if (f->like_go && frame->wrapper)
		return f->wrappers;
	return f->full || (!frame->wrapper && !frame->plumbing);
}

/* The frames of one pc that are to be shown, innermost first. */
static int push_pc(struct rowframer *f, uint16_t rt, uint64_t pc, bool is_return)
{
	size_t nr, before = f->nr_out;
	const struct frame *v;
	int err = framer__at(f->names, rt, pc, is_return, &v, &nr);

	if (err)
		return err;
	for (size_t i = 0; i < nr; i++)
		if (is_shown(f, &v[i]))
			push(f, &v[i]);
	/* If the physical frame is not shown, the outermost one that is stands for it. */
	if (f->nr_out > before)
		f->out[f->nr_out - 1].inlined = false;
	return 0;
}

/*
 * A timer's callback begins on the scheduler's stack, wherever that happened to look at timers:
 * which goroutine the thread had left before is no matter. So the frames of the runtime that led to
 * it are one word. True: they are.
 */
static bool fold_timer(struct rowframer *f, size_t from)
{
	size_t i = f->nr_out;

	while (i > from && !strncmp(f->out[i - 1].name, "runtime.", 8))
		i--;
	while (i < f->nr_out && !waker_runs_timer(&f->out[i]))
		i++;
	if (i == f->nr_out)
		return false;
	f->nr_out = i;
	push_word(f, "[timer]");
	return true;
}

/* returns: the innermost pc is a return address too. */
static int push_stack(struct rowframer *f, uint16_t rt, const struct snap_stack *s, uint64_t gopc,
		      bool returns)
{
	size_t from = f->nr_out;
	uint32_t i;
	int err = 0;

	for (i = 0; i < s->stack.nr && !err; i++)
		err = push_pc(f, rt, s->stack.pcs[i], returns || i > 0);
	if (err)
		return err;
	if (!f->full && !f->like_go && fold_timer(f, from))
		return 0;
	if (s->state != SNAP_STACK_SEEN && gopc)
		err = push_pc(f, rt, gopc, true);
	if (s->stack.truncated)
		push_word(f, "[truncated]");
	if (s->state == SNAP_STACK_LOST)
		push_word(f, "[stack lost]");
	else if (f->nr_out == from)
		push_word(f, "[no stack]");
	return err;
}

/* Outermost frame of a pc: the function that is really there, whatever was inlined into it. */
static const char *function_at(struct rowframer *f, uint16_t rt, uint64_t pc, bool is_return)
{
	const struct frame *v;
	size_t nr;

	return pc && !framer__at(f->names, rt, pc, is_return, &v, &nr) ? v[nr - 1].name : "?";
}

static void push_start(struct rowframer *f, uint16_t rt, uint64_t startpc)
{
	struct frame frame = { .kind = FRAME_WORD, .file = "", .name = "[go ?]" }, start;

	if (!framer__start(f->names, rt, startpc, &start)) {
		frame.file = start.file;
		frame.line = frame.start_line = start.line;
		frame.name = framer__format(f->names, "[go %s]", start.name);
	}
	push(f, &frame);
}

/* How the goroutine, its parent and so on were made: `[go f]`, then the stack of who said so. */
static int push_chain(struct rowframer *f, uint16_t rt, const struct snap_chain *c)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < c->nr && !err; i++) {
		push_start(f, rt, c->links[i].startpc);
		err = push_stack(f, rt, &c->links[i].made, c->links[i].gopc, false);
	}
	if (c->truncated)
		push_word(f, "[truncated]");
	return err;
}

static enum gowait wait_of(struct rowframer *f, const struct snap_row *row)
{
	const struct namer *n = framer__namer(f->names, row->rt);

	return n ? gowait_of(n->go_minor, row->reason) : GOWAIT_UNKNOWN;
}

/* The word of a wait: the reason's, unless the stack knows better. */
static const char *wait_word(struct rowframer *f, const struct snap_row *row)
{
	const enum gowait wait = wait_of(f, row);
	const char *funcs[FUNCS_MAX];
	size_t nr = 0;
	uint32_t i;

	if (wait == GOWAIT_UNKNOWN)
		return framer__format(f->names, "wait reason %" PRIu32, row->reason);
	for (i = 0; i < row->own.stack.nr; i++) {
		const struct frame *v;
		size_t nr_v;

		if (framer__at(f->names, row->rt, row->own.stack.pcs[i], i > 0, &v, &nr_v))
			continue;
		for (size_t j = 0; j < nr_v && nr < FUNCS_MAX; j++)
			if (!v[j].wrapper)
				funcs[nr++] = v[j].name;
	}
	return framer__text(f->names, gostate_word((enum gostate)gowait_refine(wait, funcs, nr)));
}

/* What was allocated. */
static const char *object_word(struct rowframer *f, const struct snap_row *row)
{
	const bool guessed = row->measure >= ALLOC_ESTIMATED;
	const char *type = row->type ? row->type : "";

	return framer__format(f->names, "%s%s%s%" PRIu64 " B%s%s", type, type[0] ? " " : "",
			      row->measure == ALLOC_UP_TO ? "<= " : "", row->object_bytes,
			      guessed ? ", " : "",
			      guessed ? report_measure_name(row->measure) : "");
}

/* What it does: of one that waits or is in a system call as closely as it is known. */
static const char *wall_word(struct rowframer *f, const struct snap_row *row)
{
	const enum wall_state state = wall_state_of(row->reason);

	if (state == WALL_WAITING && row->reason < WALL_STATUS)
		return wait_word(f, row);
	if (state == WALL_SYSCALL && row->type && row->type[0])
		return framer__text(f->names, row->type);
	return wall_state_word(state);
}

static const char *state_word(struct rowframer *f, const struct snap *s, const struct snap_row *row)
{
	switch (s->event) {
	case PROFILE_BLOCKED:
	case PROFILE_BLOCK:
	case PROFILE_WAKEUPS: return wait_word(f, row);
	case PROFILE_GOROUTINES: return row->word;
	case PROFILE_ALLOC: return object_word(f, row);
	case PROFILE_EXITS: return "dead";
	case PROFILE_CPU:
	case PROFILE_MUTEX: return "running";
	case PROFILE_WALL: return wall_word(f, row);
	default: return "runnable";
	}
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* " or main.connectUsers main.go:60", " or 2 other lines", or nothing. */
static const char *other_lines(struct rowframer *f, const struct callsite *c)
{
	if (c->others == 1)
		return framer__format(f->names, " or %s %s:%" PRIu32, c->other.func,
				      base_of(c->other.file), c->other.line);
	return c->others ? framer__format(f->names, " or %" PRIu32 " other lines", c->others) : "";
}

static const char *called_text(struct rowframer *f, const struct callsite *site)
{
	const struct called *c = &site->called;
	const char *func = c->place.func, *file = base_of(c->place.file),
		   *more = other_lines(f, site);

	switch (c->how) {
	case CALLED_BIRTH:
	case CALLED_CREATOR:
	case CALLED_OTHERS:
		return framer__format(f->names, "called from %s %s:%" PRIu32 "%s", func, file,
				      c->place.line, more);
	case CALLED_ANCESTOR:
		return framer__format(f->names,
				      "called from %s %s:%" PRIu32 "%s, which made its creator",
				      func, file, c->place.line, more);
	case CALLED_STANDS:
		return framer__format(f->names,
				      "called from ?, by a goroutine that is at %s %s:%" PRIu32,
				      func, file, c->place.line);
	case CALLED_LIBRARY: return "called from libraries alone";
	case CALLED_UNSEEN:
	case CALLED_UNWATCHED: return "called from ?, not seen";
	case CALLED_OWN: break;
	}
	return NULL;
}

/* Of births and exits, and with ancestry, the stack at the `go` statement is the row's own. */
static void set_called(struct rowframer *f, const struct snap *s, const struct snap_row *row,
		       struct frames_called *ret)
{
	const bool life = s->event == PROFILE_BIRTHS || s->event == PROFILE_EXITS;
	const bool made_by = s->event != PROFILE_WAKEUPS && row->chain.nr;
	const struct snap_stack *made = life      ? &row->own
					: made_by ? &row->chain.links[0].made
						  : NULL;
	const struct namer *n = framer__namer(f->names, row->rt);
	struct callsite c;

	if (!n || !n->calls || callsites__at(n->calls, row->rt, row->gopc, made, &c) ||
	    c.called.how == CALLED_OWN)
		return;
	*ret = (struct frames_called){ .text = called_text(f, &c),
				       .file = "",
				       .how = called__how(&c.called) };
	if (!called__known(&c.called))
		return;
	ret->func = framer__text(f->names, c.called.place.func);
	ret->file = framer__text(f->names, c.called.place.file);
	ret->line = c.called.place.line;
}

/* Of the request that it works for, what the root asks for. */
static const char *request_root(struct rowframer *f, enum profile_root root,
				const struct snap_row *row)
{
	char buf[REQLABEL_TEXT_MAX + 1];
	struct reqlabel l;

	reqlabel__get(row->label ? row->label : "", buf, &l);
	if (l.why)
		return NO_REQUEST;
	if (root == PROFILE_ROOT_ROUTE)
		return l.route[0] ? framer__text(f->names, l.route) : "[no route]";
	if (root == PROFILE_ROOT_TRACE)
		return l.trace_id[0] ? framer__format(f->names, "trace %s", l.trace_id)
				     : "[no trace]";
	if (l.span[0])
		return framer__format(f->names, "span %s", l.span);
	return l.span_id[0] ? framer__format(f->names, "span %s", l.span_id) : "[no span]";
}

static void set_root(struct rowframer *f, const struct snap *s, const struct snap_row *row,
		     struct frames *ret)
{
	switch (s->root) {
	case PROFILE_ROOT_NONE: break;
	case PROFILE_ROOT_GOID:
		ret->root = row->goid ? framer__format(f->names, "goroutine %" PRIu64, row->goid)
				      : NO_GOROUTINE;
		break;
	case PROFILE_ROOT_CREATED_BY:
		if (!row->gopc && (s->event == PROFILE_CPU || s->event == PROFILE_WALL)) {
			ret->created_by = ret->root = NO_GOROUTINE;
			break;
		}
		ret->created_by = function_at(f, row->rt, row->gopc, true);
		ret->root = framer__format(f->names, "created by %s", ret->created_by);
		set_called(f, s, row, &ret->called);
		break;
	case PROFILE_ROOT_LABEL:
		ret->root = row->label && row->label[0] ? framer__text(f->names, row->label)
							: "no labels";
		break;
	case PROFILE_ROOT_STATE: ret->root = framer__format(f->names, "[%s]", ret->state); break;
	case PROFILE_ROOT_ROUTE:
	case PROFILE_ROOT_TRACE:
	case PROFILE_ROOT_SPAN: ret->root = request_root(f, s->root, row); break;
	case PROFILE_ROOT_REQUEST: break;
	}
}

static void reverse(struct frame *v, size_t nr)
{
	for (size_t i = 0; i < nr / 2; i++) {
		struct frame t = v[i];

		v[i] = v[nr - 1 - i];
		v[nr - 1 - i] = t;
	}
}

/* All frames of its stack, whatever is shown of it, say who it is. */
static enum waker_kind kind_of_waker(struct rowframer *f, const struct snap_row *row,
				     const struct snap_stack *s)
{
	struct frame all[PW_STACK_MAX];
	size_t nr = 0;

	if (s->state == SNAP_STACK_NONE)
		return waker_of_wait(wait_of(f, row));
	for (uint32_t i = 0; i < s->stack.nr; i++) {
		const struct frame *v;
		size_t nr_v;

		if (nr < ARRAY_SIZE(all) &&
		    !framer__at(f->names, row->rt, s->stack.pcs[i], i > 0, &v, &nr_v))
			all[nr++] = v[nr_v - 1];
	}
	return waker_of_stack(all, nr);
}

/* One stack of who wakes, outermost first; how ready was called is of no interest. */
static int push_waker(struct rowframer *f, const struct snap_row *row, const struct snap_stack *s,
		      enum waker_kind kind)
{
	const size_t from = f->nr_out;
	const char *word = waker_kind_word(kind);
	size_t calls = 0;
	int err = 0;

	if (s->state != SNAP_STACK_NONE)
		err = push_stack(f, row->rt, s, 0, false);
	while (!f->full && from + calls < f->nr_out && waker_is_ready(&f->out[from + calls]))
		calls++;
	memmove(&f->out[from], &f->out[from + calls],
		(f->nr_out - from - calls) * sizeof(f->out[0]));
	f->nr_out -= calls;
	for (size_t i = from; i < f->nr_out; i++)
		f->out[i].apart = f->out[i].inlined || (i > from && f->out[i - 1].inlined);
	if (word && (f->nr_out == from || strcmp(f->out[f->nr_out - 1].name, word)))
		push_word(f, word);
	reverse(&f->out[from], f->nr_out - from);
	push_word(f, "--");
	return err;
}

/* Who ended the wait, the last of them first. */
static int push_wakers(struct rowframer *f, const struct snap_row *row, struct frames *r)
{
	static const struct snap_stack nobody = { .state = SNAP_STACK_NONE };
	int err = 0;

	r->waker =
		row->chain.nr ? kind_of_waker(f, row, &row->chain.links[0].made) : WAKER_NOT_SEEN;
	for (uint32_t i = row->chain.nr; i > 1 && !err; i--) {
		const struct snap_stack *s = &row->chain.links[i - 1].made;

		err = push_waker(f, row, s, kind_of_waker(f, row, s));
	}
	return err ? err
		   : push_waker(f, row, row->chain.nr ? &row->chain.links[0].made : &nobody,
				r->waker);
}

static bool is_malloc(const struct frame *frame)
{
	return !strncmp(frame->name, "runtime.mallocgc", 16);
}

/*
 * How the runtime came to allocate (mallocgc, growslice, mapassign) is of no interest, as in Go's
 * own heap profile: runtime/pprof protomem.go. If all frames are the runtime's they stay; and so do
 * those that show that the runtime allocated for itself while it allocated for the program, to
 * begin a garbage collection. The word is out[0].
 */
static void drop_runtime_leaves(struct rowframer *f)
{
	size_t end = 1, inner = 0;
	bool nested = false;

	for (; end < f->nr_out && !strncmp(f->out[end].name, "runtime.", 8); end++) {
		if (!is_malloc(&f->out[end]))
			continue;
		nested = nested || (inner && inner + 1 < end);
		if (!nested)
			inner = end;
	}
	if (nested)
		end = inner + 1;
	if (end == f->nr_out)
		return;
	memmove(&f->out[1], &f->out[end], (f->nr_out - end) * sizeof(f->out[0]));
	f->nr_out -= end - 1;
}

/*
 * Where Go's stack begins, the names of one pc are told apart, without wrappers; the pcs behind it are kept as they are: runtime/mprof.go
 * fpTracebackPartialExpand.
 */
static void drop_wrappers_of_leaf(struct rowframer *f)
{
	const uint64_t pc = f->nr_out ? f->out[0].pc : 0;
	size_t from = 0, to = 0;

	for (; from < f->nr_out && f->out[from].pc == pc; from++)
		if (!f->out[from].wrapper)
			f->out[to++] = f->out[from];
	memmove(&f->out[to], &f->out[from], (f->nr_out - from) * sizeof(f->out[0]));
	f->nr_out -= from - to;
}

/* The word is out[0]. One frame at least stays. */
static void drop_leaves_as_go(struct rowframer *f, enum profile_event event)
{
	size_t from = 1;

	while ((event == PROFILE_BLOCKED || profile_event_is_contention(event)) &&
	       from + 1 < f->nr_out && gocontention_leads(f->out[from].name))
		from++;
	if (from == f->nr_out)
		return;
	memmove(&f->out[0], &f->out[from], (f->nr_out - from) * sizeof(f->out[0]));
	f->nr_out -= from;
	if (f->wrappers)
		drop_wrappers_of_leaf(f);
}

/* Of contention every format has Go's own stacks. */
static void set_likeness(struct rowframer *f, const struct snap *s, const struct snap_row *row)
{
	const struct namer *n = framer__namer(f->names, row->rt);
	const bool contention = profile_event_is_contention(s->event);

	f->like_go = f->as_go || contention;
	f->wrappers = contention && n && gofacts_has(n->go_minor, GO_CONTENTION_HAS_WRAPPERS);
}

/* The word at the end of a stack; of wall only where it is more than the state, which stands first. */
static void push_state(struct rowframer *f, const struct snap *s, const struct snap_row *row,
		       struct frames *r)
{
	const bool wall = s->event == PROFILE_WALL;
	const char *state = wall ? wall_state_word(wall_state_of(row->reason)) : "";

	if (wall)
		r->first = framer__format(f->names, "[%s]", state);
	if (s->event != PROFILE_CPU && strcmp(r->state, state) != 0)
		push_word(f, framer__format(f->names, "[%s]", r->state));
}

int rowframer__row(struct rowframer *f, const struct snap *s, const struct snap_row *row,
		   struct frames *ret)
{
	const bool life = s->event == PROFILE_BIRTHS || s->event == PROFILE_EXITS;
	const bool wakeups = s->event == PROFILE_WAKEUPS;
	struct frames r = { .state = state_word(f, s, row) };
	size_t wakers;
	int err = 0;

	set_likeness(f, s, row);
	f->nr_out = 0;
	if (wakeups && push_wakers(f, row, &r))
		return -ENOMEM;
	wakers = f->nr_out;
	if (life)
		push_start(f, row->rt, row->startpc);
	else
		push_state(f, s, row, &r);
	if (s->event == PROFILE_MUTEX && row->own.state == SNAP_STACK_NONE)
		push_word(f, "[not seen]");
	else
		err = push_stack(f, row->rt, &row->own, life ? row->gopc : 0,
				 s->event == PROFILE_GOROUTINES);
	if (!err && s->event == PROFILE_ALLOC && !f->full)
		drop_runtime_leaves(f);
	if (!err && f->like_go && s->event != PROFILE_CPU)
		drop_leaves_as_go(f, s->event);
	if (!err && !wakeups)
		err = push_chain(f, row->rt, &row->chain);
	if (err)
		return err;
	if (f->nr_out == FRAMES_MAX) {
		f->nr_out--;
		push_word(f, "[truncated]");
	}
	reverse(f->out, f->nr_out);
	set_root(f, s, row, &r);
	r.v = f->out;
	r.nr = f->nr_out;
	r.own = r.nr > wakers ? r.nr - wakers : 0;
	*ret = r;
	return 0;
}
