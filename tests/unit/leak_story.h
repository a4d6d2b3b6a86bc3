/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_story: goroutines that come, wait and go over the looks of a watch, for the tests of leakset
 * and verdict.
 *
 * A story is one group, or what it is told besides: each goroutine is there from one look to
 * another, and waits anew every so often.
 */
#ifndef TESTS_UNIT_LEAK_STORY_H
#define TESTS_UNIT_LEAK_STORY_H

#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "model/leakset.h"
#include "model/verdict.h"

#define STORY_LOOKS  13
#define STORY_SECOND 1000000000ULL
#define STORY_PAUSE  (3 * STORY_SECOND) /* from look to look */
#define STORY_BEGIN  (1000 * STORY_SECOND)
#define STORY_LAST   (STORY_BEGIN + (STORY_LOOKS - 1) * STORY_PAUSE)
#define STORY_OBJECT 0xc000000000ULL

struct story {
	uint32_t nr;      /* goroutines at the first look */
	uint32_t more;    /* that come before each look ... */
	int until;        /* ... up to this one, 0: the last */
	int every;        /* ... in one of so many windows, 0: in each */
	uint32_t stay;    /* looks that one stays from its first on, 0: to the end */
	int wakes;        /* it waits anew at every so manieth look, 0: never */
	bool shared;      /* one object for all, else one for each */
	uint64_t since_s; /* before the first look, they wait since; 0: nobody knows */
	enum leak_class class;
	enum leak_role role;
	bool timer, main, unsure, leaked;
};

static inline struct leakset *story_set(void)
{
	struct leakset *ls = NULL;

	cr_assert_eq(leakset__new(&(struct leakset_opts){ 0 }, &ls), 0);
	return ls;
}

static inline void story_see(struct leakset *ls, const struct story *s, struct leak_key key,
			     uint64_t goid, int age, int look)
{
	const uint64_t object = s->shared ? STORY_OBJECT : STORY_OBJECT + 64 * goid;
	const bool waits = s->class != LEAK_RUNS && s->class != LEAK_SYSCALL;

	cr_assert_eq(leakset__see(ls,
				  &(struct leak_seen){
					  .goid = goid,
					  .wait = s->wakes ? (uint64_t)(look / s->wakes) + 1 : 1,
					  .stack_bytes = 2048,
					  .since_ns =
						  s->since_s && age == look
							  ? STORY_BEGIN - s->since_s * STORY_SECOND
							  : 0,
					  .objects = &object,
					  .nr_objects = waits,
					  .key = key,
					  .class = (uint8_t)s->class,
					  .role = (uint8_t)s->role,
					  .main = s->main,
					  .unsure = s->unsure,
					  .leaked = s->leaked }),
		     0);
}

/* One look at those of the story. base: their goids come after it. */
static inline void story_look(struct leakset *ls, const struct story *s, struct leak_key key,
			      uint64_t base, int look)
{
	for (int born = 0; born <= look; born++) {
		const bool comes = !born || ((!s->until || born <= s->until) &&
					     (!s->every || born % s->every == 0));
		const uint32_t nr = !born ? s->nr : comes ? s->more : 0;

		/* those of the first look leave one after the other */
		for (uint32_t i = 0; i < nr; i++)
			if (!s->stay || look - born < (int)(born ? s->stay : 1 + i % s->stay))
				story_see(ls, s, key, base + 1000 * (uint64_t)born + i, look - born,
					  look);
	}
}

/* The whole watch. */
static inline struct leakset *story_told(const struct story *s)
{
	struct leakset *ls = story_set();

	for (int look = 0; look < STORY_LOOKS; look++) {
		cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_PAUSE), 0);
		story_look(ls, s, (struct leak_key){ 1, 2, 3 }, 100, look);
		cr_assert_eq(leakset__seen(ls), 0);
	}
	if (s->timer && leakset__nr_groups(ls))
		leakset__timer(ls, 0, false);
	return ls;
}

static const struct verdict_opts story_opts = {
	.min_age_ns = VERDICT_MIN_AGE_NS,
	.min_count = VERDICT_MIN_COUNT,
	.min_more = VERDICT_MIN_MORE,
	.min_per_min = VERDICT_MIN_PER_MIN,
};

/* Frees the set. */
static inline struct verdict story_verdict(struct leakset *ls)
{
	struct verdict v;

	cr_assert_eq(leakset__finish(ls, story_opts.min_age_ns), 0);
	verdict_of(ls, leakset__group(ls, 0), &story_opts, &v);
	leakset__free(ls);
	return v;
}

#endif
