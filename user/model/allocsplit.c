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

struct class
{
	struct claims refills, samples;
	uint64_t spans, slots; /* of all refills */
	uint64_t objects;      /* of all samples */
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
	c->slots += slots;
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
	int64_t slots = (int64_t)c->slots + c->adjust;

	if (c->known)
		return c->total;
	return slots > 0 ? (uint64_t)slots : 0;
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

/* Rounds at the running sum, so that the shares add up. */
static void class__share(const struct class *c, const struct claims *claims, uint64_t slot,
			 enum alloc_measure measure,
			 void (*fn)(void *ctx, const struct profile_alloc *share), void *ctx)
{
	uint64_t slots = class__handed_out(c), whole = 0, sum = 0, given = 0;

	for (size_t i = 0; i < claims->nr; i++)
		whole += claims->v[i].weight;
	for (size_t i = 0; i < claims->nr && whole; i++) {
		const struct claim *claim = &claims->v[i];
		struct profile_alloc a;
		uint64_t upto;

		sum += claim->weight;
		upto = portion(slots, sum, whole);
		if (upto == given)
			continue;
		a = share_of(claim, upto - given, slot, measure);
		given = upto;
		fn(ctx, &a);
	}
}

/* Each large object is a hit of its own: if all were seen, that is how it was. */
static bool class__saw_all(struct class *c)
{
	uint64_t slots = class__handed_out(c),
		 missing = slots > c->slots ? slots - c->slots : c->slots - slots;

	if (!c->refills.nr || missing > slots / EXACT_SHARE)
		return false;
	c->known = true;
	c->total = c->slots;
	return true;
}

int allocsplit__each(struct allocsplit *s, const uint64_t slot[SPLIT_CLASSES],
		     void (*fn)(void *ctx, const struct profile_alloc *share), void *ctx)
{
	static const struct profile_alloc nobody = { .stack_id = PW_STACK_ID_NONE };

	for (size_t i = 0; i < SPLIT_CLASSES; i++) {
		struct class *c = &s->classes[i];

		if (!slot[i] || !class__handed_out(c))
			continue;
		/* handed out of spans that were there before, and no window saw it */
		if (!c->samples.nr && !c->refills.nr && claims__add(&c->refills, &nobody, 1))
			return -ENOMEM;
		if (!i && class__saw_all(c))
			class__share(c, &c->refills, slot[i], ALLOC_EXACT, fn, ctx);
		else if (class__trusts_samples(c) || !c->refills.nr)
			class__share(c, &c->samples, slot[i], ALLOC_ESTIMATED, fn, ctx);
		else
			class__share(c, &c->refills, slot[i], ALLOC_BY_REFILLS, fn, ctx);
	}
	return 0;
}

uint64_t allocsplit__refused(const struct allocsplit *s)
{
	return s->refused;
}
