// SPDX-License-Identifier: BSD-2-Clause
#include "report/frames.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "golang/gostate.h"
#include "report/callsites.h"
#include "report/renderer.h"
#include "report/textpool.h"

#define PCS_CACHED_MAX 65536	/* pcs whose names are remembered; then all are forgotten */
#define FUNCS_MAX      256	/* names of a stack that may decide what a wait is called */

struct pc_key {			/* hashed as bytes: no padding */
	uint64_t pc;
	uint32_t rt;
	uint32_t is_return;
};

struct pc_names {
	UT_hash_handle hh;
	struct pc_key key;
	size_t nr;
	struct frame v[];	/* innermost first */
};

struct framer {
	const struct namer *namers;
	size_t nr_namers;
	bool full;
	struct textpool *texts;
	struct pc_names *names;
	struct pc_names *unkept; /* of the last pc if there was no room to keep it */
	struct frame out[FRAMES_MAX];
	size_t nr_out;		/* leaf first while a row is built */
	struct goframe scratch[GOSYM_INLINE_MAX];
};

int framer__new(const struct namer *namers, size_t nr_namers, bool full, struct framer **ret)
{
	scoped(framer) f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->namers = namers;
	f->nr_namers = nr_namers;
	f->full = full;
	err = textpool__new(&f->texts);
	if (err)
		return err;
	*ret = steal(f);
	return 0;
}

static void forget_names(struct framer *f)
{
	struct pc_names *n, *next;

	HASH_ITER(hh, f->names, n, next) {
		HASH_DEL(f->names, n);
		free(n);
	}
	free(f->unkept);
	f->unkept = NULL;
}

void framer__free(struct framer *f)
{
	if (!f)
		return;
	forget_names(f);
	textpool__free(f->texts);
	free(f);
}

const char *framer__text(struct framer *f, const char *text)
{
	return textpool__get(f->texts, text);
}

const char *framer__verbatim(struct framer *f, const char *text)
{
	return textpool__verbatim(f->texts, text);
}

/* How a goroutine gets to wait, to be made and to end: in every stack, and never of interest. */
static bool is_plumbing(const char *func)
{
	static const char *const names[] = {
		"gopark", "goparkunlock", "goexit", "goexit1", "mcall", "systemstack",
		"systemstack_switch", "newproc", "newproc1", "newproc.func1", "newcoro",
		"newcoro.func1",
	};
	size_t i;

	if (strncmp(func, "runtime.", 8))
		return false;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(func + 8, names[i]))
			return true;
	return false;
}

/* Runs one timer: Go 1.14 to 1.22 runtime/time.go runOneTimer, from 1.23 on (*timer).unlockAndRun. */
static bool runs_timer(const struct frame *f)
{
	return !strcmp(f->name, "runtime.runOneTimer") || !strcmp(f->name, "runtime.(*timer).unlockAndRun");
}

static const struct namer *namer_of(const struct framer *f, uint16_t rt)
{
	return rt < f->nr_namers ? &f->namers[rt] : NULL;
}

/* Frames of a pc in scratch; a pc that no table knows has one frame, its number. */
static size_t look_up(struct framer *f, uint16_t rt, uint64_t pc, bool is_return, char *number)
{
	const struct namer *n = namer_of(f, rt);
	int nr = n ? n->frames(n, pc, is_return, f->scratch, ARRAY_SIZE(f->scratch)) : -ENOENT;

	if (nr > 0)
		return (size_t)nr < ARRAY_SIZE(f->scratch) ? (size_t)nr : ARRAY_SIZE(f->scratch);
	snprintf(number, 24, "0x%" PRIx64, pc);
	f->scratch[0] = (struct goframe){ .func = number, .file = "" };
	return 1;
}

static struct pc_names *names_make(struct framer *f, const struct pc_key *key)
{
	char number[24];
	size_t nr = look_up(f, (uint16_t)key->rt, key->pc, key->is_return, number), i;
	struct pc_names *n = calloc(1, sizeof(*n) + nr * sizeof(n->v[0]));
	const struct namer *of = namer_of(f, (uint16_t)key->rt);

	if (!n)
		return NULL;
	n->key = *key;
	n->nr = nr;
	for (i = 0; i < nr; i++) {
		const struct goframe *g = &f->scratch[i];
		const char *func = g->func && g->func[0] ? g->func : "?";

		n->v[i] = (struct frame){
			.kind = FRAME_CODE,
			.inlined = g->inlined,
			.name = textpool__get(f->texts, func),
			.file = textpool__get(f->texts, g->file ? g->file : ""),
			.line = g->line,
			.start_line = g->start_line,
			.pc = key->pc,
			.entry = g->entry,
			.is_return = key->is_return,
			.wrapper = g->wrapper,
			.plumbing = is_plumbing(func),
			.own = gomain__owns(of ? of->main : NULL, func, g->file ? g->file : ""),
		};
	}
	return n;
}

/* Borrowed until the next call. */
static const struct pc_names *names_of(struct framer *f, uint16_t rt, uint64_t pc, bool is_return)
{
	const struct pc_key key = { .pc = pc, .rt = rt, .is_return = is_return };
	unsigned int count;
	struct pc_names *n;

	HASH_FIND(hh, f->names, &key, sizeof(key), n);
	if (n)
		return n;
	if (HASH_COUNT(f->names) >= PCS_CACHED_MAX)
		forget_names(f);
	n = names_make(f, &key);
	if (!n)
		return NULL;
	count = HASH_COUNT(f->names);
	HASH_ADD(hh, f->names, key, sizeof(n->key), n);
	if (HASH_COUNT(f->names) == count) {
		free(f->unkept);
		f->unkept = n;
	}
	return n;
}

int framer__at(struct framer *f, uint16_t rt, uint64_t pc, bool is_return, const struct frame **ret,
	       size_t *ret_nr)
{
	const struct pc_names *n = names_of(f, rt, pc, is_return);

	if (!n)
		return -ENOMEM;
	*ret = n->v;
	*ret_nr = n->nr;
	return 0;
}

int framer__start(struct framer *f, uint16_t rt, uint64_t startpc, struct frame *ret)
{
	const struct namer *n = namer_of(f, rt);
	uint64_t pc = n && startpc ? n->unwrap_start(n, startpc) : startpc;
	const struct pc_names *names;

	if (!pc)
		return -ENOENT;
	names = names_of(f, rt, pc, false);
	if (!names)
		return -ENOMEM;
	*ret = names->v[names->nr - 1];
	if (ret->start_line)
		ret->line = ret->start_line;
	return 0;
}

static void push(struct framer *f, const struct frame *frame)
{
	if (f->nr_out < FRAMES_MAX)
		f->out[f->nr_out++] = *frame;
}

static void push_word(struct framer *f, const char *word)
{
	push(f, &(struct frame){ .kind = FRAME_WORD, .name = word, .file = "" });
}

/* The frames of one pc that are to be shown, innermost first. */
static int push_pc(struct framer *f, uint16_t rt, uint64_t pc, bool is_return)
{
	const struct pc_names *n = names_of(f, rt, pc, is_return);
	size_t i, before = f->nr_out;

	if (!n)
		return -ENOMEM;
	for (i = 0; i < n->nr; i++)
		if (f->full || (!n->v[i].wrapper && !n->v[i].plumbing))
			push(f, &n->v[i]);
	/* If the physical frame is not shown, the outermost one that is stands for it. */
	if (f->nr_out > before)
		f->out[f->nr_out - 1].inlined = false;
	return 0;
}

/*
 * A timer's callback begins on the scheduler's stack, wherever that happened to look at timers: which goroutine the thread had left
 * before is no matter. So the frames of the runtime that led to it are one word. True: they are.
 */
static bool fold_timer(struct framer *f, size_t from)
{
	size_t i = f->nr_out;

	while (i > from && !strncmp(f->out[i - 1].name, "runtime.", 8))
		i--;
	while (i < f->nr_out && !runs_timer(&f->out[i]))
		i++;
	if (i == f->nr_out)
		return false;
	f->nr_out = i;
	push_word(f, "[timer]");
	return true;
}

/* returns: the innermost pc is a return address too. */
static int push_stack(struct framer *f, uint16_t rt, const struct snap_stack *s, uint64_t gopc, bool returns)
{
	size_t from = f->nr_out;
	uint32_t i;
	int err = 0;

	for (i = 0; i < s->stack.nr && !err; i++)
		err = push_pc(f, rt, s->stack.pcs[i], returns || i > 0);
	if (err)
		return err;
	if (!f->full && fold_timer(f, from))
		return 0;
	if (s->state != SNAP_STACK_SEEN && gopc)
		err = push_pc(f, rt, gopc, true);
	if (s->stack.truncated)
		push_word(f, "[truncated]");
	if (s->state == SNAP_STACK_LOST)
		push_word(f, "[stack lost]");
	else if (s->state == SNAP_STACK_NONE && !gopc)
		push_word(f, "[no stack]");
	return err;
}

/* Outermost frame of a pc: the function that is really there, whatever was inlined into it. */
static const char *function_at(struct framer *f, uint16_t rt, uint64_t pc, bool is_return)
{
	const struct pc_names *n = pc ? names_of(f, rt, pc, is_return) : NULL;

	return n ? n->v[n->nr - 1].name : "?";
}

static void push_start(struct framer *f, uint16_t rt, uint64_t startpc)
{
	struct frame frame = { .kind = FRAME_WORD, .file = "", .name = "[go ?]" }, start;

	if (!framer__start(f, rt, startpc, &start)) {
		frame.file = start.file;
		frame.line = frame.start_line = start.line;
		frame.name = textpool__format(f->texts, "[go %s]", start.name);
	}
	push(f, &frame);
}

/* How the goroutine, its parent and so on were made: `[go f]`, then the stack of who said so. */
static int push_chain(struct framer *f, uint16_t rt, const struct snap_chain *c)
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

/* The word of a wait: the reason's, unless the stack knows better. */
static const char *wait_word(struct framer *f, const struct snap_row *row)
{
	const struct namer *n = namer_of(f, row->rt);
	const char *funcs[FUNCS_MAX], *word;
	size_t nr = 0;
	uint32_t i;

	word = n ? gowait_name(n->go_minor, row->reason) : NULL;
	if (!word)
		return textpool__format(f->texts, "wait reason %" PRIu32, row->reason);
	for (i = 0; i < row->own.stack.nr; i++) {
		const struct pc_names *names =
			names_of(f, row->rt, row->own.stack.pcs[i], i > 0);

		for (size_t j = 0; names && j < names->nr && nr < FUNCS_MAX; j++)
			if (!names->v[j].wrapper)
				funcs[nr++] = names->v[j].name;
	}
	word = gowait_refine(word, funcs, nr);
	return textpool__get(f->texts, word && word[0] ? word : "waiting");
}

/* What was allocated. */
static const char *object_word(struct framer *f, const struct snap_row *row)
{
	const bool guessed = row->measure >= ALLOC_ESTIMATED;
	const char *type = row->type ? row->type : "";

	return textpool__format(f->texts, "%s%s%s%" PRIu64 " B%s%s", type, type[0] ? " " : "",
				row->measure == ALLOC_UP_TO ? "<= " : "", row->object_bytes,
				guessed ? ", " : "", guessed ? report_measure_name(row->measure) : "");
}

static const char *state_word(struct framer *f, const struct snap *s, const struct snap_row *row)
{
	switch (s->event) {
	case PROFILE_BLOCKED: return wait_word(f, row);
	case PROFILE_GOROUTINES: return row->word;
	case PROFILE_ALLOC:   return object_word(f, row);
	case PROFILE_EXITS:   return "dead";
	default:	      return "runnable";
	}
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* " or main.connectUsers main.go:60", " or 2 other lines", or nothing. */
static const char *other_lines(struct framer *f, const struct callsite *c)
{
	if (c->others == 1)
		return textpool__format(f->texts, " or %s %s:%" PRIu32, c->other.func, base_of(c->other.file), c->other.line);
	return c->others ? textpool__format(f->texts, " or %" PRIu32 " other lines", c->others) : "";
}

static const char *called_text(struct framer *f, const struct callsite *site)
{
	const struct called *c = &site->called;
	const char *func = c->place.func, *file = base_of(c->place.file), *more = other_lines(f, site);

	switch (c->how) {
	case CALLED_BIRTH: case CALLED_CREATOR: case CALLED_OTHERS:
		return textpool__format(f->texts, "called from %s %s:%" PRIu32 "%s", func, file, c->place.line, more);
	case CALLED_ANCESTOR:
		return textpool__format(f->texts, "called from %s %s:%" PRIu32 "%s, which made its creator", func, file, c->place.line, more);
	case CALLED_STANDS:
		return textpool__format(f->texts, "called from ?, by a goroutine that is at %s %s:%" PRIu32, func, file, c->place.line);
	case CALLED_LIBRARY: return "called from libraries alone";
	case CALLED_UNSEEN: case CALLED_UNWATCHED: return "called from ?, not seen";
	case CALLED_OWN: break;
	}
	return NULL;
}

/* Of births and exits, and with ancestry, the stack at the `go` statement is the row's own. */
static void set_called(struct framer *f, const struct snap *s, const struct snap_row *row, struct frames_called *ret)
{
	const bool life = s->event == PROFILE_BIRTHS || s->event == PROFILE_EXITS;
	const struct snap_stack *made = life ? &row->own : row->chain.nr ? &row->chain.links[0].made : NULL;
	const struct namer *n = namer_of(f, row->rt);
	struct callsite c;

	if (!n || !n->calls || callsites__at(n->calls, row->rt, row->gopc, made, &c) || c.called.how == CALLED_OWN)
		return;
	*ret = (struct frames_called){ .text = called_text(f, &c), .file = "", .how = called__how(&c.called) };
	if (!called__known(&c.called))
		return;
	ret->func = framer__text(f, c.called.place.func);
	ret->file = framer__text(f, c.called.place.file);
	ret->line = c.called.place.line;
}

static void set_root(struct framer *f, const struct snap *s, const struct snap_row *row,
		     struct frames *ret)
{
	switch (s->root) {
	case PROFILE_ROOT_NONE:
		break;
	case PROFILE_ROOT_GOID:
		ret->root = textpool__format(f->texts, "goroutine %" PRIu64, row->goid);
		break;
	case PROFILE_ROOT_CREATED_BY:
		ret->created_by = function_at(f, row->rt, row->gopc, true);
		ret->root = textpool__format(f->texts, "created by %s", ret->created_by);
		set_called(f, s, row, &ret->called);
		break;
	case PROFILE_ROOT_LABEL:
		ret->root = row->label && row->label[0] ?
				    textpool__get(f->texts, row->label) : "no labels";
		break;
	case PROFILE_ROOT_STATE:
		ret->root = textpool__format(f->texts, "[%s]", ret->state);
		break;
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

static bool is_malloc(const struct frame *frame)
{
	return !strncmp(frame->name, "runtime.mallocgc", 16);
}

/*
 * How the runtime came to allocate (mallocgc, growslice, mapassign) is of no interest, as in Go's own heap profile: runtime/pprof
 * protomem.go. If all frames are the runtime's they stay; and so do those that show that the runtime allocated for itself while
 * it allocated for the program, to begin a garbage collection. The word is out[0].
 */
static void drop_runtime_leaves(struct framer *f)
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

int framer__row(struct framer *f, const struct snap *s, const struct snap_row *row,
		struct frames *ret)
{
	const bool life = s->event == PROFILE_BIRTHS || s->event == PROFILE_EXITS;
	struct frames r = { .state = state_word(f, s, row) };
	int err;

	f->nr_out = 0;
	if (life)
		push_start(f, row->rt, row->startpc);
	else
		push_word(f, textpool__format(f->texts, "[%s]", r.state));
	err = push_stack(f, row->rt, &row->own, life ? row->gopc : 0, s->event == PROFILE_GOROUTINES);
	if (!err && s->event == PROFILE_ALLOC && !f->full)
		drop_runtime_leaves(f);
	if (!err)
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
	*ret = r;
	return 0;
}
