/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/allocs.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/notes.h"
#include "heap/galloc.h"
#include "engine/alloctypes.h"
#include "golang/gosizes.h"
#include "model/allocsplit.h"

_Static_assert(SPLIT_CLASSES == GOSIZES_CLASSES && PW_SPAN_CLASSES == GOSIZES_SPAN_CLASSES,
	       "size classes");

/* One runtime of the process. */
struct source {
	enum alloc_source how;
	struct galloc heap;
	uint64_t profile_rate;
	bool counts;       /* the runtime counts what it hands out: first and last are that, by size
			      class, [0] in bytes */
	bool begun, ended; /* first and last are known; else they are the slots left in the caches
			      of its Ps, by span class */
	uint64_t first[GOSIZES_SPAN_CLASSES], last[GOSIZES_SPAN_CLASSES];
};

struct allocs {
	struct allocs_opts o;
	struct alloctypes *types;
	struct source sources[GOPROC_RUNTIMES_MAX];
	uint64_t objects;
};

/* One walk over the sums of a runtime. */
struct walk {
	struct allocs *al;
	uint16_t rt;
	const struct goruntime *go;
	const struct source *source;
	struct allocsplit *split; /* refill; borrowed, as all of these */
};

const char *alloc_source_name(enum alloc_source s)
{
	static const char *const names[] = { "auto", "refill", "runtime", "exact" };

	return names[s];
}

int allocs__new(const struct allocs_opts *o, struct allocs **ret)
{
	scoped(allocs) al = calloc(1, sizeof(*al));
	int err;

	if (!al)
		return -ENOMEM;
	al->o = *o;
	err = alloctypes__new(proc__mem(o->proc), o->profile, ALLOCS_TYPES_MAX, &al->types);
	if (err)
		return err;
	*ret = steal(al);
	return 0;
}

void allocs__free(struct allocs *al)
{
	if (!al)
		return;
	alloctypes__free(al->types);
	free(al);
}

/* The runtime takes samples only if somebody in the program could read them: cmd/link,
 * runtime.disableMemoryProfiling. */
static int allocs__find_rate(struct allocs *al, struct source *s, const struct goruntime *go,
			     struct cause *why)
{
	int err = galloc__profile_rate(proc__mem(al->o.proc), &s->heap, &s->profile_rate);

	if (err)
		return cause__set(why, err,
				  "runtime.MemProfileRate of '%s' (pid %d) is not to be found: %s",
				  proc__comm(al->o.proc), (int)proc__pid(al->o.proc),
				  strerror(-err));
	if (!s->profile_rate)
		return cause__set(why, -EOPNOTSUPP,
				  "the Go runtime (%s) of '%s' (pid %d) takes no samples: "
				  "MemProfileRate is 0, as in every "
				  "program of Go 1.17 and later that does not use runtime/pprof; "
				  "use --alloc=refill",
				  go->version, proc__comm(al->o.proc), (int)proc__pid(al->o.proc));
	return 0;
}

/* What a source needs to know of a runtime beside its probes. */
static int allocs__find(struct allocs *al, uint16_t rt, enum alloc_source how, struct cause *why)
{
	const struct goruntime *go = goproc__runtime(al->o.gp, rt);
	struct source *s = &al->sources[rt];
	int err;

	s->how = how;
	if (how == ALLOC_SOURCE_EXACT)
		return 0;
	err = galloc__find(proc__mem(al->o.proc), go, &s->heap);
	if (err)
		return cause__set(why, err,
				  "the allocator's caches of '%s' (pid %d, %s) are not as known: "
				  "%s; use --alloc=exact",
				  proc__comm(al->o.proc), (int)proc__pid(al->o.proc), go->version,
				  strerror(-err));
	s->counts = how == ALLOC_SOURCE_REFILL && s->heap.stats &&
		    !galloc__handed_out(proc__mem(al->o.proc), go, &s->heap, s->first);
	return how == ALLOC_SOURCE_RUNTIME ? allocs__find_rate(al, s, go, why) : 0;
}

static void allocs__points(const struct allocs *al, const struct source *s,
			   struct probes_points *ret)
{
	const uint32_t single = pw_points_for(PW_FOR_SINGLES);
	const uint32_t refill = al->o.no_refills ? 0 : pw_points_for(PW_FOR_REFILLS);
	struct probes_points p = { .all = single };

	if (s->how == ALLOC_SOURCE_RUNTIME)
		p.all = pw_points_for(PW_FOR_SAMPLES);
	if (s->how == ALLOC_SOURCE_REFILL) {
		p.parts[ATTACH_SINGLES] = single;
		p.parts[ATTACH_REFILLS] = s->counts ? refill : 0;
		p.all |= refill | (s->counts ? 0 : pw_points_for(PW_FOR_RELEASES));
	}
	*ret = p;
}

enum pw_alloc_root allocs__root(const struct profile *p)
{
	switch (profile__opts(p)->root) {
	case PROFILE_ROOT_GOID: return PW_ALLOC_ROOT_GOID;
	case PROFILE_ROOT_CREATED_BY: return PW_ALLOC_ROOT_GOPC;
	default: return PW_ALLOC_ROOT_NONE;
	}
}

/* Its probes can be placed, and what it needs besides is there. */
static int allocs__try(struct allocs *al, uint16_t rt, enum alloc_source how,
		       const struct plan *plan, struct probes_points *ret, struct cause *why)
{
	const struct goruntime *go = goproc__runtime(al->o.gp, rt);
	int err;

	if (how == ALLOC_SOURCE_REFILL && !al->o.no_refills && !go->regabi &&
	    allocs__root(al->o.profile) != PW_ALLOC_ROOT_NONE)
		return cause__set(
			why, -EOPNOTSUPP,
			"%s does not say which goroutine refills: --root needs --alloc=exact",
			go->version);
	if (how == ALLOC_SOURCE_REFILL && al->o.some)
		return cause__set(why, -EOPNOTSUPP,
				  "the sums by size class are of all goroutines: --goid needs "
				  "--alloc=exact or runtime");
	err = allocs__find(al, rt, how, why);
	if (err)
		return err;
	if (how == ALLOC_SOURCE_REFILL && al->o.no_refills && !al->sources[rt].counts)
		return cause__set(why, -EOPNOTSUPP,
				  "%s: where the runtime counts what it hands out is not found",
				  go->version);
	allocs__points(al, &al->sources[rt], ret);
	return plan__check_points(plan, &ret->all, why);
}

int allocs__choose(void *ctx, uint16_t rt, const struct plan *plan, struct probes_points *ret,
		   struct cause *why)
{
	struct allocs *al = ctx;
	enum alloc_source how = al->o.source;

	if (how != ALLOC_SOURCE_AUTO)
		return allocs__try(al, rt, how, plan, ret, why);
	for (how = ALLOC_SOURCE_REFILL; how < ALLOC_SOURCE_EXACT; how++) {
		struct cause not = { "" };

		if (!allocs__try(al, rt, how, plan, ret, &not ))
			return 0;
		note_info("not %s: %s", alloc_source_name(how), not .text);
	}
	return allocs__try(al, rt, ALLOC_SOURCE_EXACT, plan, ret, why);
}

bool allocs__has(const struct allocs *al, enum alloc_source how)
{
	for (size_t i = 0; i < goproc__nr_runtimes(al->o.gp); i++)
		if (al->sources[i].how == how)
			return true;
	return false;
}

enum alloc_source allocs__source(const struct allocs *al, uint16_t rt)
{
	return al->sources[rt].how;
}

static bool allocs__read_heap(struct allocs *al, uint16_t rt, uint64_t *ret)
{
	const struct goruntime *go = goproc__runtime(al->o.gp, rt);
	const struct source *s = &al->sources[rt];

	if (s->counts)
		return !galloc__handed_out(proc__mem(al->o.proc), go, &s->heap, ret);
	return !galloc__free_slots(proc__mem(al->o.proc), go, &s->heap, ret);
}

void allocs__begin(struct allocs *al, uint16_t rt)
{
	struct source *s = &al->sources[rt];

	s->begun = s->how == ALLOC_SOURCE_REFILL && allocs__read_heap(al, rt, s->first);
}

void allocs__look(struct allocs *al, uint16_t rt)
{
	struct source *s = &al->sources[rt];

	if (s->begun && s->counts)
		s->ended = allocs__read_heap(al, rt, s->last) || s->ended;
}

void allocs__skip(struct allocs *al, uint16_t rt)
{
	struct source *s = &al->sources[rt];
	uint64_t now[GOSIZES_SPAN_CLASSES] = { 0 };

	if (!s->begun || !s->counts || !allocs__read_heap(al, rt, now))
		return;
	for (size_t i = 0; i < GOSIZES_CLASSES; i++)
		s->first[i] = s->ended ? s->first[i] + (now[i] - s->last[i]) : now[i];
}

void allocs__end(struct allocs *al, uint16_t rt)
{
	struct source *s = &al->sources[rt];

	if (s->begun && !s->counts)
		s->ended = allocs__read_heap(al, rt, s->last);
	else
		allocs__look(al, rt);
}

static void learn(void *ctx, const struct pw_alloc_key *key, const struct pw_alloc_sum *sum)
{
	const struct walk *w = ctx;

	(void)sum;
	(void)alloctypes__get(w->al->types, w->go, w->rt, key->type);
}

int allocs__learn(struct allocs *al, uint16_t rt, struct attach *a)
{
	struct walk w = { .al = al, .rt = rt, .go = goproc__runtime(al->o.gp, rt) };

	return attach__allocs_each(a, learn, &w);
}

/* Into the profile, unless the runtime's own goroutines did it. */
static void keep(void *ctx, const struct profile_alloc *a)
{
	const struct walk *w = ctx;

	if (ingest__is_system_stack(w->al->o.intake, w->rt, a->stack_id))
		return;
	if (!profile__alloc(w->al->o.profile, w->rt, a))
		w->al->objects += a->objects;
}

/* All objects of a key that is a bucket have one size class; whether one size, the sum says. */
static void fill_size(const struct walk *w, const struct pw_alloc_key *key,
		      const struct pw_alloc_sum *sum, bool pointers, struct profile_alloc *ret)
{
	uint64_t mean = sum->bytes / sum->objects;

	if (sum->bytes % sum->objects == 0 && pw_alloc_bucket(mean) == key->size) {
		ret->measure = ALLOC_EXACT;
		ret->object_bytes = mean;
	} else {
		ret->measure = ALLOC_UP_TO;
		ret->object_bytes = gosizes_spent(w->go->minor, key->size, pointers);
	}
}

/* A single allocation, always or in a window. */
static void take_single(const struct walk *w, const struct pw_alloc_key *key,
			const struct pw_alloc_sum *sum, struct profile_alloc *a)
{
	struct alloctype type = alloctypes__get(w->al->types, w->go, w->rt, key->type);
	unsigned int spc = gosizes_span_class(w->go->minor, key->size, type.pointers);
	uint64_t spent = gosizes_spent(w->go->minor, key->size, type.pointers);

	a->type = type.name;
	if (!w->split) {
		fill_size(w, key, sum, type.pointers, a);
		keep((void *)w, a);
	} else {
		a->object_bytes = spent;
		(void)allocsplit__sample(w->split, spc / 2, a, spent * sum->objects);
	}
}

/* One of the runtime's samples stands for as many as it is likely to have passed over: Go
 * runtime/pprof scaleHeapSample. */
static void take_sample(const struct walk *w, const struct pw_alloc_key *key,
			struct profile_alloc *a)
{
	double rate = (double)w->source->profile_rate;
	double scale = rate > 1 ? 1 / (1 - exp(-(double)key->size / rate)) : 1;

	a->objects = (uint64_t)((double)a->objects * scale + 0.5);
	a->bytes = (uint64_t)((double)a->bytes * scale + 0.5);
	a->measure = rate > 1 ? ALLOC_SAMPLED : ALLOC_EXACT;
	keep((void *)w, a);
}

static void take(void *ctx, const struct pw_alloc_key *key, const struct pw_alloc_sum *sum)
{
	const struct walk *w = ctx;
	struct profile_alloc a = {
		.stack_id = key->stack_id,
		.root = key->root,
		.object_bytes = key->size,
		.measure = ALLOC_EXACT,
		.objects = sum->objects,
		.bytes = sum->bytes,
	};

	if (!sum->objects)
		return;
	switch (key->source) {
	case PW_POINT_REFILL:
		if (w->split)
			(void)allocsplit__refill(w->split, (unsigned int)key->size / 2, &a,
						 sum->bytes, sum->objects);
		break;
	case PW_POINT_LARGE:
		if (w->split)
			(void)allocsplit__refill(w->split, 0, &a, sum->objects, sum->bytes);
		break;
	case PW_POINT_SAMPLE:
		if (key->size)
			take_sample(w, key, &a);
		break;
	default: take_single(w, key, sum, &a);
	}
}

/*
 * What the Ps had at hand when recording began was handed out as well, what they have at its end
 * was not, and neither what they gave back. Of a program that has ended nothing is known at the
 * end: as much as in the beginning is the best guess.
 */
static int adjust(struct walk *w, struct attach *a)
{
	uint64_t back[PW_SPAN_CLASSES];
	int err = attach__given_back(a, back);

	for (unsigned int i = 2; i < GOSIZES_SPAN_CLASSES && !err; i++) {
		int64_t slots = -(int64_t)back[i];

		if (w->source->begun && w->source->ended)
			slots += (int64_t)(w->source->first[i] - w->source->last[i]);
		allocsplit__adjust(w->split, i / 2, slots);
	}
	return err;
}

/* The runtime has counted. */
static void set_totals(const struct walk *w)
{
	const struct source *s = w->source;

	for (unsigned int i = 0; i < GOSIZES_CLASSES && s->begun && s->ended; i++)
		allocsplit__total(w->split, i,
				  s->last[i] > s->first[i] ? s->last[i] - s->first[i] : 0);
}

static int allocs__split(struct walk *w, struct attach *a)
{
	uint64_t slot[SPLIT_CLASSES];
	scoped(allocsplit) split = NULL;
	int err = allocsplit__new(&split);

	if (err)
		return err;
	w->split = split;
	for (unsigned int i = 0; i < SPLIT_CLASSES; i++)
		slot[i] = i ? gosizes_slot(w->go->minor, i) : 1;
	err = attach__allocs_each(a, take, w);
	if (!err && w->source->counts)
		set_totals(w);
	else if (!err)
		err = adjust(w, a);
	if (!err)
		err = allocsplit__each(split, slot, keep, w);
	return err;
}

int allocs__finish(struct allocs *al, uint16_t rt, struct attach *a)
{
	struct walk w = {
		.al = al, .rt = rt, .go = goproc__runtime(al->o.gp, rt), .source = &al->sources[rt]
	};

	return w.source->how == ALLOC_SOURCE_REFILL ? allocs__split(&w, a)
						    : attach__allocs_each(a, take, &w);
}

uint64_t allocs__objects(const struct allocs *al)
{
	return al->objects;
}
