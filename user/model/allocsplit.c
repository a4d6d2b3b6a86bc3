/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/allocsplit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/vec.h"

/* if less than 1 / EXACT_SHARE of the large objects is missing, all were seen */
#define EXACT_SHARE 1000

struct claim { /* on a part of what a size class handed out */
	struct profile_alloc who;
	uint64_t weight; /* bytes */
};

struct claims {
	struct claim *v;
	size_t nr, room;
};

/* What a class has of an interval: claims up to the end of it, and what was handed out. */
struct part {
	size_t stratum;
	size_t refills_end;
	uint64_t slots, refill_slots;
};

/* A stratum: intervals that follow each other and have enough samples together. */
struct class
{
	struct claims refills, samples;
	uint64_t spans;     /* of all refills */
	uint64_t objects;   /* of all samples */
	struct part *parts; /* one for each interval */
	size_t nr_parts, parts_room;
	size_t *strata; /* where the samples of each end; what follows belongs to the last one */
	size_t nr_strata, strata_room;
	uint64_t stratum_objects; /* sampled since the last one ended */
	struct part now;          /* of the interval that goes on, as what follows */
	int64_t adjust;
	bool known; /* total is */
	uint64_t total;
};

struct allocsplit {
	struct class classes[SPLIT_CLASSES];
	size_t nr_refills, nr_samples;
	uint64_t refused;
};

int allocsplit__new(struct allocsplit **ret)
{
	struct allocsplit *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

void allocsplit__free(struct allocsplit *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SPLIT_CLASSES; i++) {
		free(s->classes[i].refills.v);
		free(s->classes[i].samples.v);
		free(s->classes[i].parts);
		free(s->classes[i].strata);
	}
	free(s);
}

static int claims__add(struct claims *c, const struct profile_alloc *who, uint64_t weight)
{
	int err = vec__reserve(&c->v, &c->room, c->nr + 1, sizeof(*c->v));

	if (err)
		return err;
	c->v[c->nr++] = (struct claim){ .who = *who, .weight = weight };
	return 0;
}

static int allocsplit__claim(struct allocsplit *s, struct claims *c, size_t *nr,
			     const struct profile_alloc *who, uint64_t weight)
{
	int err = *nr < SPLIT_MAX ? claims__add(c, who, weight) : -ENOSPC;

	if (err)
		s->refused++;
	else
		++*nr;
	return err;
}

int allocsplit__refill(struct allocsplit *s, unsigned int size_class,
		       const struct profile_alloc *who, uint64_t spans, uint64_t slots)
{
	struct class *c;

	if (size_class >= SPLIT_CLASSES)
		return -EINVAL;
	c = &s->classes[size_class];
	c->spans += spans;
	c->now.refill_slots += slots;
	return allocsplit__claim(s, &c->refills, &s->nr_refills, who, slots);
}

int allocsplit__sample(struct allocsplit *s, unsigned int size_class,
		       const struct profile_alloc *who, uint64_t spent)
{
	struct class *c;

	if (size_class >= SPLIT_CLASSES)
		return -EINVAL;
	c = &s->classes[size_class];
	c->objects += who->objects;
	c->stratum_objects += who->objects;
	return allocsplit__claim(s, &c->samples, &s->nr_samples, who, spent);
}

void allocsplit__total(struct allocsplit *s, unsigned int size_class, uint64_t slots)
{
	if (size_class >= SPLIT_CLASSES)
		return;
	s->classes[size_class].known = true;
	s->classes[size_class].total = slots;
}

void allocsplit__adjust(struct allocsplit *s, unsigned int size_class, int64_t slots)
{
	if (size_class < SPLIT_CLASSES)
		s->classes[size_class].adjust += slots;
}

static uint64_t class__handed_out(const struct class *c)
{
	int64_t slots = (int64_t)c->now.refill_slots + c->adjust;

	if (c->known)
		return c->total;
	return slots > 0 ? (uint64_t)slots : 0;
}

static int class__interval(struct class *c)
{
	int err = vec__reserve(&c->parts, &c->parts_room, c->nr_parts + 1, sizeof(*c->parts));

	if (!err)
		err = vec__reserve(&c->strata, &c->strata_room, c->nr_strata + 1,
				   sizeof(*c->strata));
	if (err)
		return err;
	c->now.stratum = c->nr_strata;
	c->now.refills_end = c->refills.nr;
	c->now.slots = class__handed_out(c);
	c->parts[c->nr_parts++] = c->now;
	if (c->stratum_objects >= SPLIT_SAMPLES_ENOUGH) {
		c->strata[c->nr_strata++] = c->samples.nr;
		c->stratum_objects = 0;
	}
	c->now = (struct part){ 0 };
	c->adjust = 0;
	c->known = false;
	return 0;
}

int allocsplit__interval(struct allocsplit *s)
{
	int err = 0;

	for (size_t i = 0; i < SPLIT_CLASSES && !err; i++)
		err = class__interval(&s->classes[i]);
	return err;
}

/* --- shares --- */

/* Some of the claims of a class, borrowed. */
struct some {
	const struct claim *v;
	size_t nr;
};

static struct some class__samples(const struct class *c, const struct part *p)
{
	const size_t last = c->nr_strata ? c->nr_strata - 1 : 0,
		     stratum = p->stratum < last ? p->stratum : last,
		     begin = stratum ? c->strata[stratum - 1] : 0,
		     end = stratum < last ? c->strata[stratum] : c->samples.nr;

	return (struct some){ c->samples.v + begin, end - begin };
}

/* All of them, if it has none of its own. */
static struct some class__refills(const struct class *c, size_t interval)
{
	const size_t begin = interval ? c->parts[interval - 1].refills_end : 0,
		     end = c->parts[interval].refills_end;

	return begin < end ? (struct some){ c->refills.v + begin, end - begin }
			   : (struct some){ c->refills.v, c->refills.nr };
}

static bool class__trusts_samples(const struct class *c)
{
	return c->samples.nr && (c->objects >= SPLIT_SAMPLES_FEW || c->objects >= c->spans);
}

/* part of whole, of total; without overflow. */
static uint64_t portion(uint64_t total, uint64_t part, uint64_t whole)
{
	return (uint64_t)((unsigned __int128)total * part / whole);
}

/* One claim's share. In class 0 slots are bytes, and objects have their own sizes. */
static struct profile_alloc share_of(const struct claim *claim, uint64_t slots, uint64_t slot,
				     enum alloc_measure measure)
{
	struct profile_alloc a = claim->who;

	a.measure = measure;
	a.bytes = slots * slot;
	if (slot > 1)
		a.object_bytes = slot;
	/* some share slots: as many to the byte as in the samples */
	a.objects = measure == ALLOC_BY_REFILLS && slot > 1
			    ? slots
			    : portion(a.bytes, claim->who.objects, claim->weight);
	return a;
}

struct sharing {
	uint64_t slots, slot;
	enum alloc_measure measure;
	void (*fn)(void *ctx, const struct profile_alloc *share);
	void *ctx;
};

/* Rounds at the running sum, so that the shares add up. */
static void share(const struct sharing *s, struct some claims)
{
	uint64_t whole = 0, sum = 0, given = 0;

	for (size_t i = 0; i < claims.nr; i++)
		whole += claims.v[i].weight;
	for (size_t i = 0; i < claims.nr && whole; i++) {
		const struct claim *claim = &claims.v[i];
		struct profile_alloc a;
		uint64_t upto;

		sum += claim->weight;
		upto = portion(s->slots, sum, whole);
		if (upto == given)
			continue;
		a = share_of(claim, upto - given, s->slot, s->measure);
		given = upto;
		s->fn(s->ctx, &a);
	}
}

/* Each large object is a hit of its own: if all were seen, that is how it was. */
static bool class__saw_all(const struct class *c)
{
	uint64_t slots = 0, seen = 0;

	for (size_t i = 0; i < c->nr_parts; i++) {
		slots += c->parts[i].slots;
		seen += c->parts[i].refill_slots;
	}
	return c->refills.nr && (slots > seen ? slots - seen : seen - slots) <= slots / EXACT_SHARE;
}

static void class__each(const struct class *c, size_t interval, struct sharing *s, bool large)
{
	static const struct claim nobody = { .who.stack_id = PW_STACK_ID_NONE, .weight = 1 };
	const struct part *p = &c->parts[interval];

	s->slots = p->slots;
	s->measure = ALLOC_BY_REFILLS;
	if (large && class__saw_all(c)) {
		s->measure = ALLOC_EXACT;
		s->slots = p->refill_slots;
		share(s, class__refills(c, interval));
	} else if (class__trusts_samples(c) || (c->samples.nr && !c->refills.nr)) {
		s->measure = ALLOC_ESTIMATED;
		share(s, class__samples(c, p));
	} else if (c->refills.nr) {
		share(s, class__refills(c, interval));
	} else { /* handed out of spans that were there before, and no window saw it */
		share(s, (struct some){ &nobody, 1 });
	}
}

void allocsplit__each(const struct allocsplit *s, size_t interval,
		      const uint64_t slot[SPLIT_CLASSES],
		      void (*fn)(void *ctx, const struct profile_alloc *share), void *ctx)
{
	for (size_t i = 0; i < SPLIT_CLASSES; i++) {
		struct sharing sharing = { .slot = slot[i], .fn = fn, .ctx = ctx };

		if (slot[i] && interval < s->classes[i].nr_parts)
			class__each(&s->classes[i], interval, &sharing, !i);
	}
}

uint64_t allocsplit__refused(const struct allocsplit *s)
{
	return s->refused;
}
