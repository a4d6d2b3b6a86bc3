/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/timeline.h"

#include <criterion/criterion.h>

#include <string.h>

#define SLICES_MAX 512

struct seen {
	struct timeline_slice v[SLICES_MAX];
	size_t nr;
};

static void see(void *ctx, const struct timeline_slice *s)
{
	struct seen *to = ctx;

	cr_assert_lt(to->nr, SLICES_MAX);
	to->v[to->nr++] = *s;
}

static struct timeline *make(uint64_t window_ns, size_t max_bytes)
{
	struct timeline *t = NULL;

	cr_assert_eq(timeline__new(&(struct timeline_opts){ window_ns, max_bytes }, &t), 0);
	timeline__begin(t, 1000);
	return t;
}

static void add(struct timeline *t, uint64_t goid, uint64_t ran, uint64_t start, uint64_t ready,
		uint64_t ts)
{
	const struct pw_round r = {
		.hdr = { .goid = goid, .ts_ns = ts },
		.ran_ns = ran,
		.start_ns = start,
		.ready_ns = ready,
		.stack_id = start ? 77 : PW_STACK_ID_NONE,
		.gopc = 5,
		.reason = 3,
	};

	timeline__add(t, &r);
}

static void end(struct timeline *t, uint64_t ns)
{
	timeline__end(t, ns);
	cr_assert_eq(timeline__order(t), 0);
}

static void expect_slice(const struct timeline_slice *s, enum timeline_state state, uint64_t begin,
			 uint64_t stop)
{
	cr_expect_eq(s->state, state);
	cr_expect_eq(s->begin_ns, begin, "begins at %lu", (unsigned long)s->begin_ns);
	cr_expect_eq(s->end_ns, stop, "ends at %lu", (unsigned long)s->end_ns);
}

Test(timeline, a_round_is_three_slices)
{
	scoped(timeline) t = make(0, 0);
	struct seen seen = { .nr = 0 };

	add(t, 7, 1100, 1200, 1500, 1600);
	end(t, 2000);
	cr_assert_eq(timeline__nr(t), 1);
	cr_expect_eq(timeline__goroutine(t, 0)->goid, 7);
	cr_expect_eq(timeline__goroutine(t, 0)->gopc, 5);
	timeline__slices(t, 0, see, &seen);
	cr_assert_eq(seen.nr, 3);
	expect_slice(&seen.v[0], TIMELINE_RUNNING, 1100, 1200);
	expect_slice(&seen.v[1], TIMELINE_WAITING, 1200, 1500);
	expect_slice(&seen.v[2], TIMELINE_READY, 1500, 1600);
	cr_expect_eq(seen.v[1].stack_id, 77);
	cr_expect_eq(seen.v[1].reason, 3);
	cr_expect_not(seen.v[2].is_made);
}

Test(timeline, a_wait_that_nobody_ended_goes_on_until_it_runs)
{
	scoped(timeline) t = make(0, 0);
	struct seen seen = { .nr = 0 };

	add(t, 7, 1100, 1200, 0, 1600);
	end(t, 2000);
	timeline__slices(t, 0, see, &seen);
	cr_assert_eq(seen.nr, 2);
	expect_slice(&seen.v[1], TIMELINE_WAITING, 1200, 1600);
}

Test(timeline, one_that_was_not_seen_to_begin_to_run_ran_since_the_recording_began)
{
	scoped(timeline) t = make(0, 0);
	struct seen seen = { .nr = 0 };

	add(t, 7, 0, 1200, 1500, 1600);
	add(t, 8, 0, 1000, 1500, 1600); /* it has waited since before */
	end(t, 2000);
	timeline__slices(t, 0, see, &seen);
	cr_assert_eq(seen.nr, 3);
	expect_slice(&seen.v[0], TIMELINE_RUNNING, 1000, 1200);
	seen.nr = 0;
	timeline__slices(t, 1, see, &seen);
	cr_assert_eq(seen.nr, 2);
	expect_slice(&seen.v[0], TIMELINE_WAITING, 1000, 1500);
}

Test(timeline, lost_threads_new_ones_and_ends)
{
	const struct pw_round left = { .hdr = { .goid = 1, .ts_ns = 1400 },
				       .ran_ns = 1100,
				       .left_ns = 1300 };
	const struct pw_round new = { .hdr = { .goid = 2, .ts_ns = 1400 },
				      .ready_ns = 1150,
				      .waker_goid = 1 };
	const struct pw_round ends = { .hdr = { .goid = 2, .ts_ns = 1450 },
				       .ran_ns = 1400,
				       .is_ended = 1 };
	scoped(timeline) t = make(0, 0);
	struct seen seen = { .nr = 0 };

	timeline__add(t, &left);
	timeline__add(t, &new);
	timeline__add(t, &ends);
	end(t, 2000);
	timeline__slices(t, 0, see, &seen);
	cr_assert_eq(seen.nr, 2);
	expect_slice(&seen.v[0], TIMELINE_RUNNING, 1100, 1300);
	expect_slice(&seen.v[1], TIMELINE_READY, 1300, 1400);
	cr_expect_not(seen.v[1].is_made);
	seen.nr = 0;
	timeline__slices(t, 1, see, &seen);
	cr_assert_eq(seen.nr, 2);
	expect_slice(&seen.v[0], TIMELINE_READY, 1150, 1400);
	cr_expect(seen.v[0].is_made);
	cr_expect_eq(seen.v[0].waker, 0, "it ran then");
	expect_slice(&seen.v[1], TIMELINE_RUNNING, 1400, 1450);
}

Test(timeline, arrows_come_only_from_who_is_seen_to_run)
{
	static const struct {
		const char *why;
		uint64_t ready_ns;
		bool runs;
	} t[] = {
		{ "before it ran", 1050, false },     { "when it began", 1100, true },
		{ "while it ran", 1199, true },       { "when it waited", 1200, false },
		{ "when it was ready", 1550, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct pw_round woken = { .hdr = { .goid = 9, .ts_ns = 1900 },
						.start_ns = 1000,
						.ready_ns = t[i].ready_ns,
						.waker_goid = 7 };
		scoped(timeline) tl = make(0, 0);
		struct seen seen = { .nr = 0 };

		add(tl, 7, 1100, 1200, 1500, 1600);
		timeline__add(tl, &woken);
		end(tl, 2000);
		timeline__slices(tl, 1, see, &seen);
		cr_assert_eq(seen.nr, 2);
		cr_expect_eq(seen.v[1].waker, t[i].runs ? 0 : TIMELINE_NOBODY, "%s", t[i].why);
		cr_expect_eq(seen.v[1].waker_goid, 7);
	}
}

Test(timeline, what_goes_on_at_the_end_ends_there)
{
	static const struct pw_gstate
		runs = { .goid = 1, .ran_ns = 1500, .tid = 9 },
		waits = { .goid = 2, .ran_ns = 1400, .start_ns = 1500, .stack_id = 77 },
		woken = { .goid = 3, .ran_ns = 1400, .start_ns = 1500, .ready_ns = 1700 },
		left = { .goid = 4, .ran_ns = 1400, .left_ns = 1800, .tid = 9 },
		gone = { .goid = 5, .ran_ns = 1400 };
	static const struct {
		const struct pw_gstate *g;
		size_t nr;
		enum timeline_state last;
		uint64_t since;
	} t[] = {
		{ &runs, 1, TIMELINE_RUNNING, 1500 },
		{ &waits, 2, TIMELINE_WAITING, 1500 },
		{ &woken, 3, TIMELINE_READY, 1700 },
		{ &left, 2, TIMELINE_READY, 1800 },
	};
	scoped(timeline) tl = make(0, 0);

	timeline__end(tl, 2000);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		timeline__open(tl, 0, t[i].g, 5, 6);
	timeline__open(tl, 0, &gone, 5, 6);
	cr_assert_eq(timeline__order(tl), 0);
	cr_assert_eq(timeline__nr(tl), ARRAY_SIZE(t));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct seen seen = { .nr = 0 };

		timeline__slices(tl, i, see, &seen);
		cr_assert_eq(seen.nr, t[i].nr, "goroutine %zu", i + 1);
		expect_slice(&seen.v[seen.nr - 1], t[i].last, t[i].since, 2000);
	}
}

Test(timeline, the_window_is_the_last_part)
{
	struct timeline_span span;
	scoped(timeline) t = make(400, 0);
	struct seen seen = { .nr = 0 };

	add(t, 7, 1100, 1200, 1300, 1400);
	add(t, 7, 1400, 1500, 1700, 1800);
	end(t, 2000);
	timeline__span(t, &span);
	cr_expect_eq(span.begin_ns, 1600);
	cr_expect_eq(span.end_ns, 2000);
	cr_expect_not(span.full);
	timeline__slices(t, 0, see, &seen);
	cr_assert_eq(seen.nr, 2);
	expect_slice(&seen.v[0], TIMELINE_WAITING, 1600, 1700);
	expect_slice(&seen.v[1], TIMELINE_READY, 1700, 1800);
}

Test(timeline, when_the_bytes_are_used_up_the_oldest_go_and_it_is_said)
{
	struct timeline_span span;
	scoped(timeline) t = make(1000000, 8 * 1024);
	size_t nr = 0;

	for (uint64_t i = 0; i < 1000; i++)
		add(t, 1 + i % 3, 1000 + 10 * i, 1002 + 10 * i, 1005 + 10 * i, 1010 + 10 * i);
	end(t, 1000 + 10 * 1000);
	timeline__span(t, &span);
	cr_expect(span.full);
	cr_expect_gt(span.begin_ns, 1000 + 10 * 800);
	for (size_t i = 0; i < timeline__nr(t); i++) {
		struct seen seen = { .nr = 0 };

		timeline__slices(t, i, see, &seen);
		for (size_t k = 0; k < seen.nr; k++) {
			cr_expect_geq(seen.v[k].begin_ns, k ? seen.v[k - 1].end_ns : span.begin_ns);
			nr++;
		}
	}
	cr_expect_gt(nr, 3 * 80, "%zu slices", nr);
}

/* Times of several processors may differ by some hundred ns. */
Test(timeline, slices_never_overlap_whatever_the_times_say)
{
	const struct pw_round late = { .hdr = { .goid = 7, .ts_ns = 1500 },
				       .ran_ns = 1100,
				       .left_ns = 1600 };
	scoped(timeline) t = make(0, 0);
	struct seen seen = { .nr = 0 };

	timeline__add(t, &late);
	add(t, 7, 1490, 1480, 1470, 1550);
	end(t, 2000);
	timeline__slices(t, 0, see, &seen);
	cr_assert_gt(seen.nr, 0);
	for (size_t i = 0; i < seen.nr; i++) {
		cr_expect_lt(seen.v[i].begin_ns, seen.v[i].end_ns);
		cr_expect_geq(seen.v[i].begin_ns, i ? seen.v[i - 1].end_ns : 1000);
	}
}

Test(timeline, goroutines_are_counted_by_state)
{
	static struct timeline_count v[TIMELINE_STEPS];
	scoped(timeline) t = make(0, 0);

	add(t, 7, 1000, 1500, 1750, 2000);
	add(t, 8, 1000, 1250, 0, 2000);
	end(t, 2000);
	timeline__counts(t, v);
	cr_expect_eq(v[0].at_ns, 1000);
	cr_expect_eq(v[0].nr[TIMELINE_RUNNING], 2);
	cr_expect_eq(v[249].nr[TIMELINE_RUNNING], 2);
	cr_expect_eq(v[250].nr[TIMELINE_RUNNING], 1);
	cr_expect_eq(v[250].nr[TIMELINE_WAITING], 1);
	cr_expect_eq(v[600].nr[TIMELINE_WAITING], 2);
	cr_expect_eq(v[999].nr[TIMELINE_READY], 1);
	cr_expect_eq(v[999].at_ns, 1999);
}

Test(timeline, losses_and_gaps_are_marked)
{
	scoped(timeline) t = make(0, 0);

	timeline__lost(t, 1100, 0);
	timeline__lost(t, 1200, 5);
	timeline__lost(t, 1300, 5);
	timeline__lost(t, 1400, 6);
	timeline__end(t, 1500);
	timeline__begin(t, 1700);
	end(t, 2000);
	cr_assert_eq(timeline__nr_marks(t), 3);
	cr_expect_eq(timeline__mark(t, 0)->begin_ns, 1100);
	cr_expect_eq(timeline__mark(t, 0)->end_ns, 1200);
	cr_expect_eq(timeline__mark(t, 0)->lost, 5);
	cr_expect_eq(timeline__mark(t, 1)->lost, 1);
	cr_expect_eq(timeline__mark(t, 2)->begin_ns, 1500);
	cr_expect_eq(timeline__mark(t, 2)->end_ns, 1700);
	cr_expect_eq(timeline__mark(t, 2)->lost, 0);
}
