/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/waitgraph.h"

/* Goroutines are 1, 2, ... and stand at that index less 1; locks are 0x100, 0x200, ... */
enum want { MUTEX, READ, WRITE, BEHIND, GROUP };

struct wait {
	uint64_t goid, lock;
	enum want want;
};

struct hold {
	uint64_t goid, lock;
	enum ghold_kind kind;
};

#define MAX 64

struct scene {
	struct census c;
	struct census_g gs[MAX];
	struct census_wait waits[MAX];
	struct glocks ls;
	struct glock locks[MAX];
	struct gholds hs;
	struct ghold holds[MAX];
};

static struct glock *lock_at(struct scene *s, uint64_t addr)
{
	size_t i = 0;

	while (i < s->ls.nr && s->locks[i].addr != addr)
		i++;
	if (i == s->ls.nr)
		s->locks[s->ls.nr++] = (struct glock){
			.addr = addr, .kind = CENSUS_WAIT_MUTEX, .settled = true, .locked = true
		};
	return &s->locks[i];
}

static int compare_holds(const void *a, const void *b)
{
	const struct ghold *x = a, *y = b;

	return x->lock != y->lock ? (x->lock < y->lock ? -1 : 1) : x->g < y->g ? -1 : x->g > y->g;
}

static int compare_locks(const void *a, const void *b)
{
	const struct glock *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static struct scene *scene(const struct wait *waits, size_t nr_waits, const struct hold *holds,
			   size_t nr_holds)
{
	struct scene *s = calloc(1, sizeof(*s));

	s->c = (struct census){ .gs = s->gs, .nr = 10, .waits = s->waits, .nr_waits = nr_waits };
	s->ls.v = s->locks;
	s->hs = (struct gholds){ .v = s->holds, .nr = nr_holds };
	for (size_t i = 0; i < s->c.nr; i++)
		s->gs[i] = (struct census_g){ .addr = 0x1000 * (i + 1), .who.goid = i + 1 };
	for (size_t i = 0; i < nr_waits; i++) {
		static const uint8_t sema[] = {
			[MUTEX] = 4, [READ] = 12, [WRITE] = 8, [BEHIND] = 4, [GROUP] = 8
		};
		struct glock *l = lock_at(s, waits[i].lock);

		s->waits[i] = (struct census_wait){
			.addr = waits[i].lock,
			.via = waits[i].lock + sema[waits[i].want],
			.kind = waits[i].want == MUTEX ? CENSUS_WAIT_MUTEX : CENSUS_WAIT_RWMUTEX,
			.direction = waits[i].want == READ ? CENSUS_DIR_READ : CENSUS_DIR_WRITE
		};
		s->gs[waits[i].goid - 1].waits_at = (uint32_t)i;
		s->gs[waits[i].goid - 1].nr_waits = 1;
		if (waits[i].want == GROUP) {
			s->waits[i].kind = l->kind = CENSUS_WAIT_WAITGROUP;
			l->counter = 1;
		} else if (waits[i].want != MUTEX) {
			l->kind = CENSUS_WAIT_RWMUTEX;
			l->writer = true;
		}
		if (waits[i].want == READ)
			l->readers++;
	}
	for (size_t i = 0; i < nr_holds; i++) {
		s->holds[i] = (struct ghold){ .lock = holds[i].lock,
					      .g = (uint32_t)holds[i].goid - 1,
					      .kind = (uint8_t)holds[i].kind };
		if (holds[i].kind == GHOLD_READ) {
			lock_at(s, holds[i].lock)->readers++;
			lock_at(s, holds[i].lock)->departing++;
		}
	}
	qsort(s->holds, nr_holds, sizeof(*s->holds), compare_holds);
	qsort(s->locks, s->ls.nr, sizeof(*s->locks), compare_locks);
	return s;
}

/* "1>2 3>3": the cycles, each as goids in the order of waiting. */
static const char *cycles(const struct scene *s, const struct waitgraph *w)
{
	static char text[512];

	text[0] = '\0';
	for (size_t i = 0; i < w->nr_cycles; i++)
		for (uint32_t k = 0; k < w->cycles[i].nr; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%llu",
				 k   ? ">"
				 : i ? " "
				     : "",
				 (unsigned long long)s->gs[w->steps[w->cycles[i].edges_at + k].g]
					 .who.goid);
	return text;
}

#define SCENE(w, h) scene(w, ARRAY_SIZE(w), h, ARRAY_SIZE(h))

Test(waitgraph, finds_rings_and_nothing_else)
{
	static const struct {
		const char *why;
		struct wait waits[6];
		struct hold holds[6];
		const char *want;
	} t[] = {
		{ "AB-BA",
		  { { 1, 0x200, MUTEX }, { 2, 0x100, MUTEX } },
		  { { 1, 0x100, GHOLD_MUTEX }, { 2, 0x200, GHOLD_MUTEX } },
		  "1>2" },
		{ "a cycle of three",
		  { { 1, 0x200, MUTEX }, { 2, 0x300, MUTEX }, { 3, 0x100, MUTEX } },
		  { { 1, 0x100, GHOLD_MUTEX },
		    { 2, 0x200, GHOLD_MUTEX },
		    { 3, 0x300, GHOLD_MUTEX } },
		  "1>2>3" },
		{ "a lock taken twice",
		  { { 4, 0x100, MUTEX } },
		  { { 4, 0x100, GHOLD_MUTEX } },
		  "4" },
		{ "a chain is no cycle",
		  { { 1, 0x100, MUTEX }, { 2, 0x200, MUTEX } },
		  { { 2, 0x100, GHOLD_MUTEX }, { 3, 0x200, GHOLD_MUTEX } },
		  "" },
		{ "nobody is known to hold it", { { 1, 0x100, MUTEX } }, { { 0 } }, "" },
		{ "two claim one mutex",
		  { { 1, 0x200, MUTEX }, { 2, 0x100, MUTEX } },
		  { { 1, 0x100, GHOLD_MUTEX },
		    { 3, 0x100, GHOLD_MUTEX },
		    { 2, 0x200, GHOLD_MUTEX } },
		  "" },
		{ "it waits, with a lock, for one that needs the lock to be done",
		  { { 1, 0x200, GROUP }, { 2, 0x100, MUTEX } },
		  { { 1, 0x100, GHOLD_MUTEX }, { 2, 0x200, GHOLD_GROUP } },
		  "1>2" },
		{ "it waits for itself to be done",
		  { { 1, 0x200, GROUP } },
		  { { 1, 0x200, GHOLD_GROUP } },
		  "1" },
		{ "two would be done, but one is counted",
		  { { 1, 0x200, GROUP }, { 2, 0x100, MUTEX } },
		  { { 1, 0x100, GHOLD_MUTEX },
		    { 2, 0x200, GHOLD_GROUP },
		    { 3, 0x200, GHOLD_GROUP } },
		  "" },
		{ "read, a writer comes, read again",
		  { { 1, 0x100, READ }, { 2, 0x100, WRITE } },
		  { { 1, 0x100, GHOLD_READ } },
		  "1>2" },
		{ "a reader that wants to write",
		  { { 1, 0x100, WRITE } },
		  { { 1, 0x100, GHOLD_READ } },
		  "1" },
		{ "a writer behind a writer",
		  { { 1, 0x100, BEHIND }, { 2, 0x200, MUTEX } },
		  { { 2, 0x100, GHOLD_WRITE }, { 1, 0x200, GHOLD_MUTEX } },
		  "1>2" },
		{ "a writer behind one that waits for him",
		  { { 1, 0x100, BEHIND }, { 2, 0x100, WRITE } },
		  { { 1, 0x100, GHOLD_READ } },
		  "1>2" },
		{ "two writers cannot both be next",
		  { { 1, 0x100, READ }, { 2, 0x100, WRITE }, { 3, 0x100, WRITE } },
		  { { 1, 0x100, GHOLD_READ } },
		  "" },
		{ "a mutex held as an RWMutex is another lock",
		  { { 1, 0x200, MUTEX }, { 2, 0x100, MUTEX } },
		  { { 1, 0x100, GHOLD_WRITE }, { 2, 0x200, GHOLD_MUTEX } },
		  "" },
		{ "two cycles that share one",
		  { { 1, 0x100, WRITE }, { 2, 0x200, MUTEX }, { 3, 0x200, MUTEX } },
		  { { 1, 0x200, GHOLD_MUTEX }, { 2, 0x100, GHOLD_READ }, { 3, 0x100, GHOLD_READ } },
		  "1>2 3>1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		size_t nr_waits = 0, nr_holds = 0;
		scoped(waitgraph) w = NULL;
		struct scene *s;

		while (nr_waits < 6 && t[i].waits[nr_waits].goid)
			nr_waits++;
		while (nr_holds < 6 && t[i].holds[nr_holds].goid)
			nr_holds++;
		s = scene(t[i].waits, nr_waits, t[i].holds, nr_holds);
		cr_assert_eq(waitgraph__new(&s->c, &s->ls, &s->hs, &w), 0);
		cr_expect_str_eq(cycles(s, w), t[i].want, "%s: %s", t[i].why, cycles(s, w));
		free(s);
	}
}

static const struct wait abba[] = { { 1, 0x200, MUTEX }, { 2, 0x100, MUTEX } };
static const struct hold abba_holds[] = { { 1, 0x100, GHOLD_MUTEX }, { 2, 0x200, GHOLD_MUTEX } };

Test(waitgraph, a_lock_that_is_not_locked_is_held_by_nobody)
{
	struct scene *s = SCENE(abba, abba_holds);
	scoped(waitgraph) w = NULL;

	s->locks[0].locked = false;
	cr_assert_eq(waitgraph__new(&s->c, &s->ls, &s->hs, &w), 0);
	cr_expect_eq(w->nr_cycles, 0);
	cr_expect_eq(w->unclear, 1);
	free(s);
}

Test(waitgraph, more_readers_than_the_lock_counts_are_believed_nothing)
{
	static const struct wait waits[] = { { 1, 0x100, READ }, { 2, 0x100, WRITE } };
	static const struct hold holds[] = { { 1, 0x100, GHOLD_READ }, { 3, 0x100, GHOLD_READ } };
	struct scene *s = SCENE(waits, holds);
	scoped(waitgraph) w = NULL;

	s->locks[0].departing = 1;
	cr_assert_eq(waitgraph__new(&s->c, &s->ls, &s->hs, &w), 0);
	cr_expect_eq(w->nr_cycles, 0);
	free(s);
}

Test(waitgraph, counts_who_waits_behind_a_ring)
{
	static const struct wait waits[] = { { 1, 0x200, MUTEX },
					     { 2, 0x100, MUTEX },
					     { 3, 0x100, MUTEX },
					     { 4, 0x300, MUTEX },
					     { 5, 0x400, MUTEX } };
	static const struct hold holds[] = { { 1, 0x100, GHOLD_MUTEX },
					     { 2, 0x200, GHOLD_MUTEX },
					     { 3, 0x300, GHOLD_MUTEX },
					     { 6, 0x400, GHOLD_MUTEX } };
	struct scene *s = SCENE(waits, holds);
	scoped(waitgraph) w = NULL;

	cr_assert_eq(waitgraph__new(&s->c, &s->ls, &s->hs, &w), 0);
	cr_assert_eq(w->nr_cycles, 1);
	cr_expect_eq(w->cycles[0].behind, 2);
	free(s);
}

Test(waitgraph, a_ring_stands_only_if_it_is_found_twice)
{
	struct scene *one = SCENE(abba, abba_holds), *two = SCENE(abba, abba_holds);
	struct waitgraph *w = NULL, *again = NULL;

	cr_assert_eq(waitgraph__new(&one->c, &one->ls, &one->hs, &w), 0);
	cr_assert_eq(waitgraph__new(&two->c, &two->ls, &two->hs, &again), 0);
	cr_assert_eq(waitgraph__confirm(w, &one->c, again, &two->c), 0);
	cr_expect_eq(w->nr_cycles, 1, "the same twice");

	two->gs[1].who.goid = 77; /* the struct is another goroutine's now */
	cr_assert_eq(waitgraph__confirm(w, &one->c, again, &two->c), 0);
	cr_expect_eq(w->nr_cycles, 0, "another goroutine");
	waitgraph__free(w);
	waitgraph__free(again);

	two->gs[1].who.goid = 2;
	two->gs[1].nr_waits = 0; /* it waits no more */
	cr_assert_eq(waitgraph__new(&one->c, &one->ls, &one->hs, &w), 0);
	cr_assert_eq(waitgraph__new(&two->c, &two->ls, &two->hs, &again), 0);
	cr_assert_eq(waitgraph__confirm(w, &one->c, again, &two->c), 0);
	cr_expect_eq(w->nr_cycles, 0, "one has gone on");
	waitgraph__free(w);
	waitgraph__free(again);
	free(one);
	free(two);
}

Test(waitgraph, a_ring_with_one_that_moved_is_dropped)
{
	struct scene *s = SCENE(abba, abba_holds);
	bool moved[10] = { false };
	scoped(waitgraph) w = NULL;

	cr_assert_eq(waitgraph__new(&s->c, &s->ls, &s->hs, &w), 0);
	moved[5] = true;
	waitgraph__drop(w, moved);
	cr_expect_eq(w->nr_cycles, 1);
	moved[1] = true;
	waitgraph__drop(w, moved);
	cr_expect_eq(w->nr_cycles, 0);
	free(s);
}
