/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/allocs.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/notes.h"
#include "base/vec.h"
#include "heap/galloc.h"
#include "engine/allocgains.h"
#include "engine/alloctypes.h"
#include "golang/gosizes.h"
#include "model/allocsplit.h"
#include "model/reqlabel.h"

_Static_assert(SPLIT_CLASSES == GOSIZES_CLASSES && PW_SPAN_CLASSES == GOSIZES_SPAN_CLASSES,
	       "size classes");

/* What the runtime handed out in an interval, by size class. */
struct handed_out {
	bool known;
	uint64_t slots[GOSIZES_CLASSES];
};

/* One runtime of the process. */
struct source {
	enum alloc_source how;
	struct galloc heap;
	uint64_t profile_rate;
	bool counts;       /* the runtime counts what it hands out: first and last are that, by size
			      class, [0] in bytes */
	bool begun, ended; /* first and last are known; else they are the slots left in the caches
			      of its Ps, by span class */
	uint64_t first[GOSIZES_SPAN_CLASSES], last[GOSIZES_SPAN_CLASSES]; /* of this interval */
	uint64_t given_back[PW_SPAN_CLASSES];
	struct handed_out *handed; /* of each interval that has ended; only where it counts */
	size_t nr_handed, room;
	struct allocsplit *split; /* refill, when recording has ended */
};

struct allocs {
	struct allocs_opts o;
	struct alloctypes *types;
	struct allocgains *gains;
	struct source sources[GOPROC_RUNTIMES_MAX];
	uint64_t objects, refused;
	uint32_t unseen; /* of requests: the label of what no window saw; else PROFILE_LABEL_NONE */
};

/* One walk over the sums of a runtime. */
struct walk { /* borrowed */
	struct allocs *al;
	uint16_t rt;
	const struct goruntime *go;
	const struct source *source;
	int err;
};

const char *alloc_source_name(enum alloc_source s)
{
	static const char *const names[] = { "auto", "refill", "runtime", "exact" };

	return names[s];
}

int allocs__new(const struct allocs_opts *o, struct allocs **ret)
{
	scoped(allocs) al = calloc(1, sizeof(*al));
	char text[REQLABEL_TEXT_MAX + 1];
	int err;

	if (!al)
		return -ENOMEM;
	al->o = *o;
	if (profile_root_is_of_requests(profile__opts(o->profile)->root)) {
		reqlabel__put(&(struct reqlabel){ .why = REQLABEL_NO_LOOK }, text, sizeof(text));
		al->unseen = profile__label(o->profile, text);
	}
	err = alloctypes__new(proc__mem(o->proc), o->profile, ALLOCS_TYPES_MAX, &al->types);
	if (!err)
		err = allocgains__new(&al->gains);
	if (err)
		return err;
	*ret = steal(al);
	return 0;
}

void allocs__free(struct allocs *al)
{
	if (!al)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(al->sources); i++) {
		free(al->sources[i].handed);
		allocsplit__free(al->sources[i].split);
	}
	allocgains__free(al->gains);
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
	case PROFILE_ROOT_ROUTE:
	case PROFILE_ROOT_TRACE:
	case PROFILE_ROOT_SPAN:
	case PROFILE_ROOT_REQUEST: return PW_ALLOC_ROOT_RECORD;
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
				  "the sums by size class are of all goroutines: filters need "
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

static struct walk walk_of(struct allocs *al, uint16_t rt)
{
	return (struct walk){
		.al = al, .rt = rt, .go = goproc__runtime(al->o.gp, rt), .source = &al->sources[rt]
	};
}

static void learn(void *ctx, const struct pw_alloc_key *key, const struct pw_alloc_sum *sum)
{
	const struct walk *w = ctx;

	(void)sum;
	(void)alloctypes__get(w->al->types, w->go, w->rt, key->type);
}

int allocs__learn(struct allocs *al, uint16_t rt, struct attach *a)
{
	struct walk w = walk_of(al, rt);

	return attach__allocs_each(a, learn, &w);
}

/* --- intervals --- */

static void gain(void *ctx, const struct pw_alloc_key *key, const struct pw_alloc_sum *sum)
{
	struct walk *w = ctx;

	learn(ctx, key, sum);
	if (sum->objects && !w->err)
		w->err = allocgains__add(w->al->gains, w->rt, key, sum);
}

int allocs__read(struct allocs *al, uint16_t rt, struct attach *a)
{
	struct walk w = walk_of(al, rt);
	int err = attach__allocs_each(a, gain, &w);

	return err ? err : w.err;
}

bool allocs__may_cut(const struct allocs *al)
{
	for (size_t i = 0; i < goproc__nr_runtimes(al->o.gp); i++)
		if (al->sources[i].how == ALLOC_SOURCE_REFILL && !al->sources[i].counts)
			return false;
	return allocgains__has_room(al->gains);
}

static int source__interval(struct source *s)
{
	struct handed_out *h;
	int err = vec__reserve(&s->handed, &s->room, s->nr_handed + 1, sizeof(*s->handed));

	if (err)
		return err;
	h = &s->handed[s->nr_handed++];
	h->known = s->counts && s->begun && s->ended;
	for (size_t i = 0; i < GOSIZES_CLASSES; i++)
		h->slots[i] = h->known ? galloc__grown(&s->first[i], s->last[i]) : 0;
	return 0;
}

static int allocs__interval(struct allocs *al, uint64_t end_ns)
{
	int err = 0;

	for (size_t i = 0; i < goproc__nr_runtimes(al->o.gp) && !err; i++)
		err = source__interval(&al->sources[i]);
	return err ? err : allocgains__interval(al->gains, end_ns);
}

void allocs__cut(struct allocs *al, uint64_t now_ns)
{
	/* reports name the ends of intervals: whole milliseconds */
	(void)allocs__interval(al,
			       now_ns - (now_ns - profile__first_ns(al->o.profile)) % NS_PER_MS);
}

int allocs__last(struct allocs *al, uint16_t rt, struct attach *a)
{
	struct source *s = &al->sources[rt];
	int err = s->how == ALLOC_SOURCE_REFILL && !s->counts ? attach__given_back(a, s->given_back)
							      : 0;

	return err ? err : allocs__read(al, rt, a);
}

void allocs__one(void *self, const struct pw_alloc *a, uint32_t label)
{
	struct allocs *al = self;
	struct pw_alloc_key key = a->key;

	/* now, while the target lives */
	(void)alloctypes__get(al->types, goproc__runtime(al->o.gp, a->hdr.rt), a->hdr.rt, key.type);
	key.root = label;
	if (!allocgains__may_part(al->gains) && !allocgains__knows(al->gains, a->hdr.rt, &key))
		key.root = PROFILE_LABEL_NONE; /* too many requests */
	if (allocgains__more(al->gains, a->hdr.rt, &key, &a->sum, a->hdr.ts_ns))
		al->refused += a->sum.objects;
}

/* --- into the profile --- */

/* Into the profile, unless the runtime's own goroutines did it. */
static void keep(void *ctx, const struct profile_alloc *share)
{
	const struct walk *w = ctx;
	struct profile_alloc copy = *share, *a = &copy;

	if (a->stack_id == PW_STACK_ID_NONE)
		a->root = w->al->unseen;
	if (ingest__is_system_stack(w->al->o.intake, w->rt, a->stack_id) ||
	    !ingest__wants_stack(w->al->o.intake, w->rt, a->stack_id))
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
static void take_single(const struct walk *w, const struct allocgain *g, struct profile_alloc *a)
{
	const struct pw_alloc_key *key = g->key;
	struct alloctype type = alloctypes__get(w->al->types, w->go, w->rt, key->type);
	unsigned int spc = gosizes_span_class(w->go->minor, key->size, type.pointers);
	uint64_t spent = gosizes_spent(w->go->minor, key->size, type.pointers);

	a->type = type.name;
	if (!w->source->split) {
		fill_size(w, key, &g->last, type.pointers, a);
		keep((void *)w, a);
	} else {
		a->object_bytes = spent;
		(void)allocsplit__sample(w->source->split, spc / 2, a, spent * a->objects);
	}
}

static uint64_t scaled(uint64_t n, double scale)
{
	return (uint64_t)((double)n * scale + 0.5);
}

/*
 * One of the runtime's samples stands for as many as it is likely to have passed over: Go
 * runtime/pprof scaleHeapSample. Rounds at the running sum.
 */
static void take_sample(const struct walk *w, const struct allocgain *g, struct profile_alloc *a)
{
	double rate = (double)w->source->profile_rate;
	double scale = rate > 1 ? 1 / (1 - exp(-(double)g->key->size / rate)) : 1;

	a->objects = scaled(g->after.objects, scale) - scaled(g->before.objects, scale);
	a->bytes = scaled(g->after.bytes, scale) - scaled(g->before.bytes, scale);
	a->measure = rate > 1 ? ALLOC_SAMPLED : ALLOC_EXACT;
	keep((void *)w, a);
}

static void take(void *ctx, const struct allocgain *g)
{
	const struct walk *w = ctx;
	const struct pw_alloc_key *key = g->key;
	struct allocsplit *split = w->source->split;
	struct profile_alloc a = {
		.stack_id = key->stack_id,
		.root = key->root,
		.object_bytes = key->size,
		.measure = ALLOC_EXACT,
		.objects = g->after.objects - g->before.objects,
		.bytes = g->after.bytes - g->before.bytes,
	};

	switch (key->source) {
	case PW_POINT_REFILL:
		if (split)
			(void)allocsplit__refill(split, (unsigned int)key->size / 2, &a, a.bytes,
						 a.objects);
		break;
	case PW_POINT_LARGE:
		if (split)
			(void)allocsplit__refill(split, 0, &a, a.objects, a.bytes);
		break;
	case PW_POINT_SAMPLE:
		if (key->size)
			take_sample(w, g, &a);
		break;
	default: take_single(w, g, &a);
	}
}

/*
 * What the Ps had at hand when recording began was handed out as well, what they have at its end
 * was not, and neither what they gave back. Of a program that has ended nothing is known at the
 * end: as much as in the beginning is the best guess.
 */
static void adjust(const struct source *s)
{
	for (unsigned int i = 2; i < GOSIZES_SPAN_CLASSES; i++) {
		int64_t slots = -(int64_t)s->given_back[i];

		if (s->begun && s->ended)
			slots += (int64_t)(s->first[i] - s->last[i]);
		allocsplit__adjust(s->split, i / 2, slots);
	}
}

static int allocs__split(struct allocs *al, uint16_t rt)
{
	struct source *s = &al->sources[rt];
	struct walk w = walk_of(al, rt);
	int err = allocsplit__new(&s->split);

	for (size_t i = 0; i < allocgains__nr(al->gains) && !err; i++) {
		const struct handed_out *h = &s->handed[i];

		allocgains__each(al->gains, i, rt, take, &w);
		for (unsigned int c = 0; c < GOSIZES_CLASSES && h->known; c++)
			allocsplit__total(s->split, c, h->slots[c]);
		if (!s->counts)
			adjust(s);
		err = allocsplit__interval(s->split);
	}
	return err;
}

static void allocs__keep(struct allocs *al, uint16_t rt, size_t interval)
{
	struct walk w = walk_of(al, rt);
	uint64_t slot[SPLIT_CLASSES];

	for (unsigned int i = 0; i < SPLIT_CLASSES; i++)
		slot[i] = i ? gosizes_slot(w.go->minor, i) : 1;
	if (w.source->split)
		allocsplit__each(w.source->split, interval, slot, keep, &w);
	else
		allocgains__each(al->gains, interval, rt, take, &w);
}

int allocs__finish(struct allocs *al)
{
	const uint16_t nr_rt = (uint16_t)goproc__nr_runtimes(al->o.gp);
	int err = allocs__interval(al, UINT64_MAX);
	size_t nr = err ? 0 : allocgains__nr(al->gains);

	for (uint16_t rt = 0; rt < nr_rt && !err; rt++)
		if (al->sources[rt].how == ALLOC_SOURCE_REFILL)
			err = allocs__split(al, rt);
	for (size_t i = 0; i < nr && !err; i++) {
		for (uint16_t rt = 0; rt < nr_rt; rt++)
			allocs__keep(al, rt, i);
		if (i + 1 < nr)
			profile__cut(al->o.profile, allocgains__end_ns(al->gains, i));
	}
	return err;
}

uint64_t allocs__refused(const struct allocs *al)
{
	return al->refused;
}

uint64_t allocs__objects(const struct allocs *al)
{
	return al->objects;
}
