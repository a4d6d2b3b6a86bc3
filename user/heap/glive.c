/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/glive.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "census/climb.h"

#define PIECE_BYTES (256u << 10)
#define OBJECTS_MAX 65536u /* variables of one stack; more count as live */
/* deferred calls of one goroutine; with more, all its stack counts */
#define DEFERS_MAX 1000u
#define DEFER_MAX  256u         /* bytes of a runtime._defer */
#define STREAM_MAX (2ull << 30) /* bytes of one stack: Go's limit is 1 GB */

/* A variable on the stack whose address was taken. */
struct variable {
	uint64_t addr;
	uint32_t size, ptr_bytes;
	uint32_t frame;
	bool live;
};

struct glive {
	const struct addrspace *as;
	const struct goruntime *rt;
	uint64_t lo, hi;
	struct pcfacts *facts;
	struct gostackmaps *maps;
	uint8_t *piece; /* PIECE_BYTES */
	uint8_t *copy;  /* of a stack */
	size_t copy_room;
	/* of one goroutine: */
	struct glive_words *out;
	int err;
	const uint8_t *stack;
	uint64_t sp, end;
	struct variable *vars;
	size_t nr_vars, vars_room;
	bool vars_sorted;
	struct { /* live words that point into the stack */
		uint64_t *v;
		size_t nr, room;
	} inner;
};

void glive_words__done(struct glive_words *w)
{
	free(w->values);
	free(w->frames);
	w->values = NULL;
	w->frames = NULL;
	w->nr = w->room = 0;
}

size_t glive_g_bytes(const struct goruntime *rt)
{
	size_t bytes = gview_bytes(rt);

	if (!bytes || rt->layout.g_size <= 0 || rt->layout.g_size > (int32_t)GVIEW_BYTES_MAX)
		return 0;
	return (size_t)rt->layout.g_size > bytes ? (size_t)rt->layout.g_size : bytes;
}

int glive__new(const struct addrspace *as, const struct goruntime *rt, uint64_t lo, uint64_t hi,
	       struct glive **ret)
{
	scoped(glive) l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	*l = (struct glive){ .as = as, .rt = rt, .lo = lo, .hi = hi };
	l->piece = malloc(PIECE_BYTES);
	if (!l->piece)
		return -ENOMEM;
	err = pcfacts__new(rt->sym, rt->minor, &l->facts);
	if (!err)
		err = gostackmaps__new(rt->sym, &l->maps);
	if (err)
		return err;
	*ret = steal(l);
	return 0;
}

void glive__free(struct glive *l)
{
	if (!l)
		return;
	pcfacts__free(l->facts);
	gostackmaps__free(l->maps);
	free(l->piece);
	free(l->copy);
	free(l->vars);
	free(l->inner.v);
	free(l);
}

/* --- words --- */

static int words__grow(struct glive_words *w)
{
	size_t room = w->room ? w->room * 2 : 1024;
	void *p = reallocarray(w->values, room, sizeof(*w->values));

	if (!p)
		return -ENOMEM;
	w->values = p;
	p = reallocarray(w->frames, room, sizeof(*w->frames));
	if (!p)
		return -ENOMEM;
	w->frames = p;
	w->room = room;
	return 0;
}

static void glive__tell(struct glive *l, uint64_t value, uint32_t frame)
{
	struct glive_words *w = l->out;

	if (w->nr && w->values[w->nr - 1] == value && w->frames[w->nr - 1] == frame)
		return;
	if (w->nr >= w->max) {
		w->lost++;
		return;
	}
	if (w->nr == w->room && words__grow(w)) {
		l->err = -ENOMEM;
		return;
	}
	w->values[w->nr] = value;
	w->frames[w->nr++] = frame;
}

static void glive__inner(struct glive *l, uint64_t value)
{
	if (l->inner.nr == l->inner.room) {
		size_t room = l->inner.room ? l->inner.room * 2 : 256;
		uint64_t *p = reallocarray(l->inner.v, room, sizeof(*p));

		if (!p) {
			l->err = -ENOMEM;
			return;
		}
		l->inner.v = p;
		l->inner.room = room;
	}
	l->inner.v[l->inner.nr++] = value;
}

/* A live word. */
static void glive__word(struct glive *l, uint64_t value, uint32_t frame)
{
	if (value >= l->lo && value < l->hi && !(value >= l->sp && value < l->end))
		glive__tell(l, value, frame);
	else if (value >= l->sp && value < l->end)
		glive__inner(l, value);
}

static uint64_t glive__at(const struct glive *l, uint64_t addr)
{
	uint64_t v;

	memcpy(&v, l->stack + (addr - l->sp), sizeof(v));
	return v;
}

/* All words of [from, to), cut at the end of the stack. */
static void glive__range(struct glive *l, uint64_t from, uint64_t to, uint32_t frame)
{
	for (uint64_t at = from; at < to && at <= l->end - 8; at += 8)
		glive__word(l, glive__at(l, at), frame);
}

/* --- frames --- */

static int glive__variable(struct glive *l, const struct variable *v)
{
	if (l->nr_vars == l->vars_room) {
		size_t room = l->vars_room ? l->vars_room * 2 : 64;
		struct variable *p = reallocarray(l->vars, room, sizeof(*p));

		if (!p)
			return -ENOMEM;
		l->vars = p;
		l->vars_room = room;
	}
	if (l->nr_vars && l->vars[l->nr_vars - 1].addr > v->addr)
		l->vars_sorted = false;
	l->vars[l->nr_vars++] = *v;
	return 0;
}

static void glive__variables(struct glive *l, const struct gostackmap *m, uint64_t sp,
			     uint32_t frame)
{
	for (uint32_t i = 0; i < m->nr_objects; i++) {
		const struct gostackobj *o = &m->objects[i];
		struct variable v = { sp + o->off, o->size, o->ptr_bytes, frame, false };

		if (v.addr >= l->end || v.size > l->end - v.addr)
			continue; /* no such stack: the walk ends soon */
		if (l->nr_vars >= OBJECTS_MAX)
			glive__range(l, v.addr, v.addr + v.ptr_bytes, frame);
		else if (glive__variable(l, &v))
			l->err = -ENOMEM;
	}
}

static void glive__frame(struct glive *l, const struct gostackmap *m, uint64_t sp, bool whole,
			 uint32_t frame)
{
	uint64_t words = (l->end - sp) / 8;

	if (m->nr_words < words)
		words = m->nr_words;
	if (m->whole || whole) {
		glive__range(l, sp, sp + words * 8, frame);
		return;
	}
	for (uint64_t i = 0; i < words; i++) {
		if (!m->bits[i / 64]) {
			i |= 63;
			continue;
		}
		if (gostackmap_live(m, i))
			glive__word(l, glive__at(l, sp + 8 * i), frame);
	}
	glive__variables(l, m, sp, frame);
}

bool glive_is_injected(struct gosym *sym, const struct pcfact *fact, const struct gostackmap *map)
{
	struct goframe f[GOSYM_INLINE_MAX];
	int nr;

	if (fact->role == PC_INJECTED)
		return true;
	if (!map->whole)
		return false;
	nr = gosym__frames(sym, fact->pc, true, f, ARRAY_SIZE(f));
	return nr > 0 && (!strcmp(f[nr - 1].func, "runtime.asyncPreempt") ||
			  !strncmp(f[nr - 1].func, "runtime.debugCall", 17));
}

static int glive__stack_word(void *live, uint64_t addr, uint64_t *ret)
{
	const struct glive *l = live;

	if (addr < l->sp || addr > l->end - 8)
		return -EFAULT;
	*ret = glive__at(l, addr);
	return 0;
}

/* From the frame that the context names to the outermost. Where the tables end the rest of the
 * stack counts whole. */
static void glive__walk(struct glive *l, struct climb at)
{
	bool stopped = false, whole = false;

	for (uint32_t frame = 0;; frame++) { /* each goes up the stack */
		const struct gostackmap *m = gostackmaps__get(l->maps, at.pc, stopped);
		const struct pcfact *fact;

		if (m->spdelta < 0 || at.sp > l->end || l->end - at.sp < 8 ||
		    (uint64_t)m->spdelta > l->end - at.sp - 8)
			break;
		glive__frame(l, m, at.sp, whole, frame);
		fact = pcfacts__get(l->facts, at.pc);
		if (fact->role == PC_GOEXIT)
			return;
		stopped = glive_is_injected(l->rt->sym, fact, m);
		whole = m->args_open;
		if (fact->spdelta < 0 || climb__up(&at, l->facts, fact, glive__stack_word, l))
			break;
	}
	glive__range(l, at.sp, l->end, GLIVE_FRAME_ANY);
}

/* --- variables that live pointers point at --- */

static int compare_variables(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static struct variable *glive__variable_at(struct glive *l, uint64_t addr)
{
	size_t lo = 0, hi = l->nr_vars;

	if (!hi || addr < l->vars[0].addr)
		return NULL;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->vars[mid].addr <= addr)
			lo = mid;
		else
			hi = mid;
	}
	return addr - l->vars[lo].addr < l->vars[lo].size ? &l->vars[lo] : NULL;
}

static void glive__follow(struct glive *l)
{
	if (!l->vars_sorted)
		qsort(l->vars, l->nr_vars, sizeof(*l->vars), compare_variables);
	while (l->inner.nr && !l->err) {
		struct variable *v = glive__variable_at(l, l->inner.v[--l->inner.nr]);

		if (!v || v->live)
			continue;
		v->live = true;
		glive__range(l, v->addr, v->addr + v->ptr_bytes, v->frame);
	}
}

/* --- all of it --- */

/* Every word of [from, to), a piece at a time. */
static int glive__stream(struct glive *l, uint64_t from, uint64_t to)
{
	if (to < from || to - from > STREAM_MAX)
		return -EFAULT;
	while (from < to && !l->err) {
		size_t len = to - from < PIECE_BYTES ? (size_t)(to - from) : PIECE_BYTES;
		int err = addrspace__read(l->as, from, l->piece, len);

		if (err)
			return err;
		l->stack = l->piece;
		l->sp = from;
		l->end = from + len;
		for (uint64_t at = from; at < l->end; at += 8) {
			uint64_t v = glive__at(l, at);

			if (v >= l->lo && v < l->hi)
				glive__tell(l, v, GLIVE_FRAME_ANY);
		}
		from += len;
	}
	return l->err;
}

/* The whole stack from l->sp on in one place. */
static int glive__copy(struct glive *l, const uint8_t *stack, size_t len)
{
	size_t size = (size_t)(l->end - l->sp);

	if (stack && len >= size) {
		l->stack = stack;
		return 0;
	}
	if (size > l->copy_room) {
		free(l->copy);
		l->copy_room = 0;
		l->copy = malloc(size + size / 2);
		if (!l->copy)
			return -ENOMEM;
		l->copy_room = size + size / 2;
	}
	l->stack = l->copy;
	return addrspace__read(l->as, l->sp, l->copy, size);
}

/*
 * Whether the word of a g at a multiple of 8 is one that a number may make look like an address:
 * since when it waits, and how it is tracked: in Go 1.21 trackingSeq is where 192 of 256 makes
 * 0xc0'0000'0000 of it; behind it runnableStamp (trackingStamp from Go 1.20 on) and runnableTime
 * (Go 1.17 to 1.27 runtime/runtime2.go).
 */
static bool is_number(const struct glive *l, size_t at)
{
	const int32_t since = l->rt->layout.g_waitsince, seq = l->rt->objects.g_trackingseq;

	return (since >= 0 && at == (size_t)since) ||
	       (seq >= 0 && at >= ((size_t)seq & ~7ull) && at < ((size_t)seq & ~7ull) + 24);
}

/* The end of its stack may be the start of an object. */
static void glive__g(struct glive *l, const struct gview *v, const uint8_t *g)
{
	for (size_t at = 0; at + 8 <= (size_t)l->rt->layout.g_size; at += 8) {
		uint64_t value;

		memcpy(&value, g + at, sizeof(value));
		if (value != v->stack_hi && !is_number(l, at))
			glive__word(l, value, GLIVE_FRAME_G);
	}
}

/*
 * Records of deferred calls may lie on the stack, and no map tells of them (Go runtime/mgcmark.go
 * scanstack); up to Go 1.17 the arguments lie behind them. false: not all could be made out.
 */
static bool glive__defers(struct glive *l, const uint8_t *g)
{
	const struct goobjects *lay = &l->rt->objects;
	uint64_t d = 0;
	int32_t args;

	if (lay->g_defer < 0 || lay->g_defer > (int32_t)GVIEW_BYTES_MAX - 8 ||
	    lay->defer_size <= 0 || lay->defer_size > (int32_t)DEFER_MAX || lay->defer_link < 0 ||
	    lay->defer_link > lay->defer_size - 8)
		return false;
	memcpy(&d, g + lay->g_defer, sizeof(d));
	for (size_t i = 0; d; i++) {
		uint8_t raw[DEFER_MAX];
		bool inside = d >= l->sp && d < l->end;

		if (i == DEFERS_MAX || d % 8 ||
		    (inside ? l->end - d < (uint64_t)lay->defer_size
			    : addrspace__read(l->as, d, raw, (size_t)lay->defer_size)))
			return false;
		if (inside) {
			memcpy(raw, l->stack + (d - l->sp), (size_t)lay->defer_size);
			memcpy(&args, raw + (lay->defer_siz < 0 ? 0 : lay->defer_siz),
			       sizeof(args));
			if (lay->defer_siz < 0 || args < 0)
				args = 0;
			glive__range(l, d, d + (uint64_t)lay->defer_size + (uint64_t)args,
				     GLIVE_FRAME_G);
		}
		memcpy(&d, raw + lay->defer_link, sizeof(d));
	}
	return true;
}

int glive__add(struct glive *l, const struct gview *v, const uint8_t *g, const uint8_t *stack,
	       size_t len, struct glive_words *out)
{
	const uint64_t hi = v->stack_hi & ~7ull;
	struct climb at;
	int err;

	l->out = out;
	l->err = 0;
	l->nr_vars = l->inner.nr = 0;
	l->vars_sorted = true;
	l->sp = l->end = 0;
	if (!climb__begin(&at, v, goruntime_has_link(l->rt)) || hi - at.sp > GLIVE_STACK_MAX) {
		glive__g(l, v, g);
		l->inner.nr = 0;
		return glive__stream(l, v->stack_lo & ~7ull, hi);
	}
	l->sp = at.sp;
	l->end = hi;
	err = glive__copy(l, stack, len);
	if (err)
		return err;
	glive__g(l, v, g);
	if (glive__defers(l, g))
		glive__walk(l, at);
	else
		glive__range(l, l->sp, l->end, GLIVE_FRAME_ANY);
	glive__follow(l);
	return l->err;
}
