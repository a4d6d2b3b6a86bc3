/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "leaks_fake.h"
#include "view/leak_incident.h"
#include "view/leak_limit.h"

#define LOOKS     7
#define EACH      3  /* more that send at each look */
#define HOLDERS   50 /* goid of the first */
#define SENDERS   100
#define NR_MAX    (EACH * LOOKS + 8)
#define LIMIT     0xc000000000
#define OTHER     0xc000009000
#define CHAN_SEND 15 /* Go 1.22 to 1.24 */

/* main.worker sends at line 18; those who got through stand at line 20. */
static uint64_t pcs[] = { PC_GOPARK,   START_WORKER, PC_GOEXIT, PC_GOPARK,
			  PC_CHANRECV, PC_WORKER,    PC_GOEXIT };
static struct census_stack stacks[] = { { .pcs_at = 0, .nr_pcs = 3 },
					{ .pcs_at = 3, .nr_pcs = 4 } };

struct scene {
	struct census c;
	struct census_g gs[NR_MAX];
	struct census_wait waits[NR_MAX];
};

struct story {
	const char *why;
	uint32_t holders, places;
	uint16_t elem_size;
	bool go_on; /* the holders: they have just got there */
	bool joined;
};

static void put(struct scene *s, uint64_t goid, bool sends, uint8_t stops)
{
	const uint32_t i = (uint32_t)s->c.nr++;

	s->gs[i] = (struct census_g){ .who = { goid, 1, PC_MAIN, START_GOWRAP },
				      .stack = !sends,
				      .sp = 0x9f00,
				      .stack_lo = 0x9000,
				      .stack_hi = 0x9800,
				      .waits_at = i,
				      .nr_waits = 1,
				      .m = -1,
				      .p = -1,
				      .status = GOSTATUS_WAITING,
				      .reason = sends ? CHAN_SEND : FAKE_CHAN_RECEIVE,
				      .stops = stops };
	s->waits[i] =
		(struct census_wait){ .addr = sends ? LIMIT : OTHER + 96 * goid,
				      .kind = CENSUS_WAIT_CHAN,
				      .direction = sends ? CENSUS_DIR_SEND : CENSUS_DIR_RECEIVE };
}

static void look_at(struct leaks *l, struct scene *s, const struct story *t, int look)
{
	*s = (struct scene){ .c = fake_census };
	s->c.gs = s->gs;
	s->c.waits = s->waits;
	s->c.stacks = stacks;
	s->c.nr_stacks = ARRAY_SIZE(stacks);
	s->c.pcs = pcs;
	s->c.nr_pcs = ARRAY_SIZE(pcs);
	s->c.nr = s->c.unsettled = s->c.refused = 0;
	s->c.taken_ns = FAKE_NOW_NS + (uint64_t)look * 10 * FAKE_SECOND;
	for (uint32_t i = 0; i < t->holders; i++)
		put(s, HOLDERS + i, false, (uint8_t)(t->go_on ? look : 1));
	for (uint64_t i = 0; i < EACH * (uint64_t)look; i++)
		put(s, SENDERS + i, true, 1);
	s->c.nr_waits = s->c.nr;
	fake_look(l, &s->c);
}

static void facts(struct leaks *l, const struct story *t)
{
	struct gchan limit = { .addr = LIMIT,
			       .settled = true,
			       .elem_size = t->elem_size,
			       .len = t->places,
			       .cap = t->places };
	struct gchans chans = { .v = &limit, .nr = 1 };

	fake_facts(l, &chans);
}

static bool senders_are_behind(const struct leaks *l)
{
	for (size_t i = 0; i < l->nr; i++)
		if (!strcmp(l->entries[i].reason, "chan send"))
			return leak_incident__is_folded(l, &l->entries[i], false) &&
			       leak_entry__counts(&l->entries[0], false) &&
			       !strcmp(l->entries[0].reason, "chan receive");
	return false;
}

Test(leak_limit, has_its_places_taken_by_those_who_passed_the_send)
{
	static const struct verdict_opts opts = { .min_age_ns = VERDICT_MIN_AGE_NS,
						  .min_count = VERDICT_MIN_COUNT,
						  .min_more = VERDICT_MIN_MORE,
						  .min_per_min = VERDICT_MIN_PER_MIN };
	static const struct story t[] = {
		{ "as many as there are places", 3, 3, 0, false, true },
		{ "one has a place and is elsewhere", 2, 3, 0, false, false },
		{ "one is there without a place", 4, 3, 0, false, false },
		{ "elements that say something are no places", 3, 3, 8, false, false },
		{ "places become free", 3, 3, 0, true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct scene s;
		scoped(leaks) l = NULL;

		cr_assert_eq(leaks__new(&dump_namer, 1, &l), 0);
		for (int look = 0; look < LOOKS; look++)
			look_at(l, &s, &t[i], look);
		facts(l, &t[i]);
		cr_assert_eq(leaks__finish(l, &opts), 0);
		cr_expect_eq(senders_are_behind(l), t[i].joined, "%s", t[i].why);
	}
}
