/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/waitkeep.h"

#define MAX 8

/* Goroutines are 1, 2, ... and stand at that index less 1, as their waits do. */
struct scene {
	struct census c;
	struct census_g gs[MAX];
	struct census_wait waits[MAX];
	struct waitgraph *w;
	struct reach_keeping keeps[MAX * 2];
	size_t nr;
};

struct pair {
	uint32_t from, to;
};

/* Who waits for a channel waits for that of its number, unless it waits for that of `same`. */
static struct scene scene(const struct pair *locks, const struct pair *keeps, uint32_t same)
{
	struct scene s = { .nr = 0 };

	s.w = calloc(1, sizeof(*s.w));
	s.w->edges = calloc(MAX, sizeof(*s.w->edges));
	for (uint32_t i = 0; i < MAX; i++) {
		s.gs[i] = (struct census_g){
			.addr = 0x1000 + i, .who.goid = i + 1, .waits_at = i, .nr_waits = 1
		};
		s.waits[i] =
			(struct census_wait){ .addr = 0x100 * (i + 1), .kind = CENSUS_WAIT_CHAN };
	}
	for (; locks->from; locks++) {
		s.w->edges[s.w->nr_edges++] = (struct wait_edge){ .g = locks->from - 1,
								  .to = locks->to - 1,
								  .wait = locks->from - 1 };
		s.waits[locks->from - 1].kind = CENSUS_WAIT_MUTEX;
	}
	if (same)
		s.waits[same - 1].addr = s.waits[0].addr;
	for (; keeps->from; keeps++)
		s.keeps[s.nr++] = (struct reach_keeping){ .g = keeps->from - 1,
							  .by = keeps->to - 1,
							  .wait = keeps->from - 1,
							  .steps = 1 };
	return s;
}

/* "1>2+3": the edge, and how many others there are. */
static const char *edges_of(struct scene *s)
{
	static char text[256];
	struct wait_edge *v = NULL;
	size_t nr = 0;

	s->c = (struct census){ .gs = s->gs, .nr = MAX, .waits = s->waits, .nr_waits = MAX };
	cr_assert_eq(waitkeep_edges(&s->c, s->w, s->keeps, s->nr, &v, &nr), 0);
	text[0] = '\0';
	for (size_t i = 0; i < nr; i++) {
		cr_expect(wait_edge_keeps(&v[i]));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u>%u", i ? " " : "",
			 v[i].g + 1, v[i].to + 1);
		if (v[i].hold > WAITGRAPH_KEEPS)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "+%u",
				 v[i].hold - WAITGRAPH_KEEPS);
	}
	cr_assert_eq(waitgraph__join(s->w, &s->c, v, nr), 0);
	free(v);
	return text;
}

static const char *rings_of(const struct scene *s)
{
	static char text[256];

	text[0] = '\0';
	for (size_t i = 0; i < s->w->nr_cycles; i++)
		for (uint32_t k = 0; k < s->w->cycles[i].nr; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u",
				 k   ? ">"
				 : i ? " "
				     : "",
				 s->w->steps[s->w->cycles[i].edges_at + k].g + 1);
	return text;
}

Test(waitkeep, closes_rings_and_nothing_else)
{
	static const struct {
		const char *why;
		struct pair locks[6], keeps[8];
		uint32_t same; /* waits for the channel of 1 too */
		const char *edges, *cycles;
	} t[] = {
		{ "the holder waits for who waits for it",
		  { { 2, 1 } },
		  { { 1, 2 } },
		  0,
		  "1>2",
		  "2>1" },
		{ "somebody has it who waits for nobody known",
		  { { 2, 1 } },
		  { { 1, 2 }, { 1, 3 } },
		  0,
		  "",
		  "" },
		{ "three, two channels",
		  { { 3, 1 } },
		  { { 1, 2 }, { 2, 3 } },
		  0,
		  "1>2 2>3",
		  "3>1>2" },
		{ "three, two locks", { { 2, 1 }, { 3, 2 } }, { { 1, 3 } }, 0, "1>3", "2>1>3" },
		{ "the way is not closed", { { 3, 1 } }, { { 1, 2 }, { 2, 4 } }, 0, "", "" },
		{ "one of the cycle could be woken by another: none of it counts",
		  { { 3, 1 } },
		  { { 1, 2 }, { 2, 3 }, { 2, 5 } },
		  0,
		  "",
		  "" },
		{ "channels alone are no cycle", { { 3, 4 } }, { { 1, 2 }, { 2, 1 } }, 0, "", "" },
		{ "who waits for the same channel ends no wait",
		  { { 3, 1 } },
		  { { 1, 2 }, { 2, 1 } },
		  2,
		  "",
		  "" },
		{ "nor does it open the cycle",
		  { { 3, 1 } },
		  { { 1, 2 }, { 1, 3 } },
		  2,
		  "1>3",
		  "3>1" },
		{ "many wait for the lock and have it: one cycle",
		  { { 2, 1 }, { 3, 1 }, { 4, 1 } },
		  { { 1, 4 }, { 1, 3 }, { 1, 2 } },
		  0,
		  "1>2+2",
		  "2>1" },
		{ "each cycle has a lock",
		  { { 4, 1 } },
		  { { 1, 2 }, { 2, 1 }, { 1, 4 }, { 2, 4 } },
		  0,
		  "1>4+1 2>4+1",
		  "4>1" },
		{ "many call Done and wait for who waits: one cycle",
		  { { 1, 2 }, { 1, 3 }, { 1, 4 } },
		  { { 2, 1 }, { 3, 1 }, { 4, 1 } },
		  0,
		  "2>1 3>1 4>1",
		  "1>2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct scene s = scene(t[i].locks, t[i].keeps, t[i].same);
		const char *edges = edges_of(&s);

		cr_expect_str_eq(edges, t[i].edges, "%s: %s", t[i].why, edges);
		cr_expect_str_eq(rings_of(&s), t[i].cycles, "%s: %s", t[i].why, rings_of(&s));
		waitgraph__free(s.w);
	}
}

Test(waitkeep, prefers_who_has_code_for_it_unless_that_leaves_no_lock_in_the_ring)
{
	static const struct {
		const char *why;
		struct pair locks[4], keeps[6];
		struct pair able[3];
		const char *edges, *cycles;
	} t[] = {
		{ "of those that wait for the lock",
		  { { 2, 1 }, { 3, 1 } },
		  { { 1, 2 }, { 1, 3 } },
		  { { 1, 3 } },
		  "1>3+1",
		  "3>1" },
		{ "of one further away",
		  { { 3, 1 } },
		  { { 1, 2 }, { 1, 3 }, { 2, 3 } },
		  { { 1, 2 } },
		  "1>2+1 2>3",
		  "3>1>2" },
		{ "not for a cycle of channels",
		  { { 3, 1 } },
		  { { 1, 2 }, { 1, 3 }, { 2, 1 }, { 2, 3 } },
		  { { 1, 2 }, { 2, 1 } },
		  "1>3+1 2>3+1",
		  "3>1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct scene s = scene(t[i].locks, t[i].keeps, 0);
		const char *edges;

		for (size_t k = 0; k < s.nr; k++)
			for (size_t a = 0; a < ARRAY_SIZE(t[i].able); a++)
				s.keeps[k].able |= s.keeps[k].g + 1 == t[i].able[a].from &&
						   s.keeps[k].by + 1 == t[i].able[a].to;
		edges = edges_of(&s);
		cr_expect_str_eq(edges, t[i].edges, "%s: %s", t[i].why, edges);
		cr_expect_str_eq(rings_of(&s), t[i].cycles, "%s: %s", t[i].why, rings_of(&s));
		waitgraph__free(s.w);
	}
}

Test(waitkeep, counts_who_waits_behind_such_a_ring)
{
	struct scene s = scene((const struct pair[]){ { 2, 1 }, { 3, 1 }, { 4, 1 }, { 0, 0 } },
			       (const struct pair[]){ { 1, 2 }, { 1, 3 }, { 0, 0 } }, 0);

	cr_expect_str_eq(edges_of(&s), "1>2+1");
	cr_assert_eq(s.w->nr_cycles, 1);
	cr_expect_eq(s.w->cycles[0].behind, 2);
	waitgraph__free(s.w);
}

Test(waitkeep, keeps_no_edge_that_is_not_there_a_moment_later)
{
	static const struct pair locks[] = { { 2, 1 }, { 0, 0 } }, keeps[] = { { 1, 2 }, { 0, 0 } };
	struct scene one = scene(locks, keeps, 0), two = scene(locks, keeps, 0);

	edges_of(&one);
	edges_of(&two);
	cr_assert_eq(waitgraph__confirm(one.w, &one.c, two.w, &two.c), 0);
	cr_expect_eq(one.w->nr_edges, 2);
	cr_expect_eq(one.w->nr_cycles, 1);
	two.waits[0].via = 7; /* it waits for it anew */
	cr_assert_eq(waitgraph__confirm(one.w, &one.c, two.w, &two.c), 0);
	cr_expect_eq(one.w->nr_edges, 1, "the lock's edge");
	cr_expect_eq(one.w->nr_cycles, 0);
	waitgraph__free(one.w);
	waitgraph__free(two.w);
}
