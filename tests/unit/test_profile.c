/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>

#include "model/snap.h"
#include "report_fake.h"

#define STACK_A 100
#define STACK_B 200

static struct profile *profile_of(struct profile_opts o)
{
	struct profile *p = NULL;

	cr_assert_eq(profile__new(&o, &p), 0);
	profile__begin(p, 1000);
	fake_stack(p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	fake_stack(p, STACK_B, fake_birth_stack, ARRAY_SIZE(fake_birth_stack));
	return p;
}

static struct snap *snap_of(struct profile *p)
{
	struct snap *s = NULL;
	struct profile_stats st;

	profile__stats(p, &st);
	cr_expect_eq(st.in, st.out + st.refused + st.filtered, "in = out + all that was dropped");
	cr_assert_eq(snap__take(p, &s), 0);
	return s;
}

Test(profile, sums_waits_by_stack_and_reason)
{
	scoped(profile) p = profile_of((struct profile_opts){ .event = PROFILE_BLOCKED });
	scoped(snap) s = NULL;

	fake_wait(p, 7, STACK_A, 14, 2000, 2500, 0);
	fake_wait(p, 8, STACK_A, 14, 2000, 2100, 0);
	fake_wait(p, 8, STACK_A, 15, 2000, 2001, 0);
	s = snap_of(p);
	cr_assert_eq(s->nr, 2);
	cr_expect_eq(s->rows[0].count, 2);
	cr_expect_eq(s->rows[0].value, 600);
	cr_expect_eq(s->rows[1].value, 1);
	cr_expect_eq(s->value, 601);
	cr_expect_eq(s->rows[0].own.stack.nr, ARRAY_SIZE(fake_wait_stack));
}

Test(profile, sums_of_waits_are_the_same_rows_as_waits)
{
	static const enum profile_root roots[] = { PROFILE_ROOT_NONE, PROFILE_ROOT_CREATED_BY,
						   PROFILE_ROOT_STATE };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		scoped(profile) one = profile_of((struct profile_opts){ .event = PROFILE_BLOCKED,
									.root = roots[i] });
		scoped(profile) sum = profile_of((struct profile_opts){ .event = PROFILE_BLOCKED,
									.root = roots[i] });
		const struct pw_wait_key key = { STACK_A, PC_MAIN, START_WORKER, 14, PW_WAIT },
					 other = { STACK_A, 1, 2, 14, PW_SCHED };
		scoped(snap) a = NULL;
		scoped(snap) b = NULL;

		fake_wait(one, 7, STACK_A, 14, 2000, 2500, 0);
		fake_wait(one, 8, STACK_A, 14, 2000, 2100, 0);
		fake_wait(sum, 9, STACK_A, 14, 3000, 3001, 0);
		fake_wait(one, 9, STACK_A, 14, 3000, 3001, 0);
		cr_assert_eq(profile__waits(sum, 0, &key, &(struct pw_wait_sum){ 2, 600 }), 0);
		cr_assert_eq(profile__waits(sum, 0, &other, &(struct pw_wait_sum){ 5, 500 }), 0,
			     "of another event");
		a = snap_of(one);
		b = snap_of(sum);
		cr_assert_eq(a->nr, 1);
		cr_assert_eq(b->nr, 1);
		cr_expect_eq(b->rows[0].count, a->rows[0].count);
		cr_expect_eq(b->rows[0].value, a->rows[0].value);
		cr_expect_eq(b->rows[0].own.stack.nr, a->rows[0].own.stack.nr);
	}
}

Test(profile, counts_only_time_inside_the_window)
{
	static const struct {
		const char *why;
		uint64_t from, to, count, value;
	} t[] = {
		{ "began before", 500, 1200, 1, 200 },
		{ "wholly before", 500, 900, 0, 0 },
		{ "inside", 1100, 1200, 1, 100 },
		{ "ends after", 1900, 5000, 1, 100 },
		{ "wholly after", 2500, 5000, 0, 0 },
		{ "covers it", 0, UINT64_MAX, 1, 1000 },
		{ "ends before it begins", 1500, 1400, 1, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(profile) p = profile_of((struct profile_opts){ .event = PROFILE_BLOCKED });
		scoped(snap) s = NULL;

		profile__end(p, 2000);
		fake_wait(p, 7, STACK_A, 14, t[i].from, t[i].to, 0);
		s = snap_of(p);
		cr_expect_eq(s->count, t[i].count, "%s", t[i].why);
		cr_expect_eq(s->value, t[i].value, "%s", t[i].why);
	}
}

Test(profile, after_a_gap_it_is_as_new_and_what_was_stays)
{
	scoped(profile) p = profile_of((struct profile_opts){ .event = PROFILE_BLOCKED });
	const struct pw_gstate stays = { .start_ns = 1000, .stack_id = STACK_B, .goid = 7 };
	scoped(snap) s = NULL;

	profile__end(p, 2000);
	profile__open_wait(p, 0, &stays, 0, 0, 0);
	profile__again(p);
	profile__begin(p, 5000);
	fake_wait(p, 8, STACK_A, 14, 5000, 5300, 0);
	fake_wait(p, 7, STACK_B, 0, 5000, 5020, 0);
	profile__end(p, 6000);
	fake_wait(p, 10, STACK_A, 14, 3000, 4000, 0); /* within the gap */
	s = snap_of(p);
	cr_expect_eq(s->value, 1000 + 300 + 20);
	cr_expect_eq(s->count, 3);
	cr_expect_eq(s->windows, 0, "no estimate");
}

Test(profile, open_waits_count_up_to_the_end)
{
	scoped(profile) p =
		profile_of((struct profile_opts){ .event = PROFILE_BLOCKED, .min_ns = 50 });
	scoped(snap) s = NULL;

	profile__end(p, 2000);
	profile__open_wait(p, 0,
			   &(struct pw_gstate){
				   .start_ns = 1500, .stack_id = STACK_A, .goid = 7, .reason = 14 },
			   0, 0, 0);
	profile__open_wait(p, 0,
			   &(struct pw_gstate){ .start_ns = 1000, .stack_id = STACK_B, .goid = 9 },
			   0, 0, 0);
	profile__open_wait(p, 0,
			   &(struct pw_gstate){ .start_ns = 0, .stack_id = STACK_A, .goid = 8 }, 0,
			   0, 0);
	profile__open_wait(p, 0,
			   &(struct pw_gstate){ .start_ns = 1960, .stack_id = STACK_A, .goid = 6 },
			   0, 0, 0);
	profile__open_wait(p, 0,
			   &(struct pw_gstate){ .start_ns = 2100, .stack_id = STACK_A, .goid = 5 },
			   0, 0, 0);
	s = snap_of(p);
	cr_expect_eq(s->count, 2);
	cr_expect_eq(s->value, 500 + 1000);
}

Test(profile, latency_uses_the_ready_side_of_an_open_entry)
{
	scoped(profile) p = profile_of((struct profile_opts){ .event = PROFILE_SCHED });
	const struct pw_sched w = {
		.hdr = { .ts_ns = 1300, .goid = 7, .kind = PW_SCHED, .size = sizeof(w) },
		.start_ns = 1290,
		.stack_id = STACK_A,
		.reason = 14,
	};
	scoped(snap) s = NULL;

	profile__end(p, 2000);
	fake_wait(p, 7, STACK_A, 14, 1100, 1300, 0); /* a wait is no latency */
	profile__apply(p, &w.hdr, 0);
	profile__open_wait(p, 0,
			   &(struct pw_gstate){ .start_ns = 1500,
						.stack_id = STACK_B,
						.ready_ns = 1998,
						.ready_stack_id = STACK_A,
						.ready_reason = 14,
						.goid = 8 },
			   0, 0, 0);
	s = snap_of(p);
	cr_assert_eq(s->nr, 1);
	cr_expect_eq(s->count, 2);
	cr_expect_eq(s->value, 12);
}

/* Go charges an unlock with the time of all who wait, so it may be longer than the recording. */
Test(profile, an_unlock_counts_whole_where_it_is)
{
	scoped(profile) p = profile_of((struct profile_opts){ .event = PROFILE_MUTEX });
	struct pw_mutex r = { .hdr = { .kind = PW_MUTEX }, .stack_id = STACK_A };
	const struct pw_wait_key key = { .stack_id = STACK_A, .kind = PW_MUTEX },
				 other = { .stack_id = STACK_A, .kind = PW_WAIT };
	const struct pw_wait_sum sum = { .count = 3, .ns = 70 };
	scoped(snap) s = NULL;

	profile__end(p, 2000);
	for (r.hdr.ts_ns = 999; r.hdr.ts_ns < 2002; r.hdr.ts_ns += 1002) { /* it began at 1000 */
		r.start_ns = r.hdr.ts_ns - 5000;
		cr_assert_eq(profile__apply(p, &r.hdr, 0), 0);
	}
	r.hdr.ts_ns = 1500;
	r.start_ns = 1500 - 5000ULL;
	cr_assert_eq(profile__apply(p, &r.hdr, 0), 0);
	cr_assert_eq(profile__waits(p, 0, &key, &sum), 0);
	cr_assert_eq(profile__waits(p, 0, &other, &sum), 0);
	s = snap_of(p);
	cr_expect_eq(s->count, 4);
	cr_expect_eq(s->value, 5070);
}

Test(profile, of_block_only_what_has_ended_counts)
{
	scoped(profile) p = profile_of((struct profile_opts){ .event = PROFILE_BLOCK });
	const struct pw_block r = { .hdr = { .kind = PW_BLOCK, .ts_ns = 1500 },
				    .stack_id = STACK_A,
				    .start_ns = 1400 };
	const struct pw_gstate open = { .start_ns = 1200, .stack_id = STACK_A, .goid = 9 };
	scoped(snap) s = NULL;

	cr_assert_eq(profile__apply(p, &r.hdr, 0), 0);
	profile__end(p, 2000);
	cr_assert_eq(profile__open_wait(p, 0, &open, 0, 0, 0), 0);
	s = snap_of(p);
	cr_expect_eq(s->count, 1);
	cr_expect_eq(s->value, 100);
}

Test(profile, samples_are_an_estimate_of_their_number)
{
	scoped(profile) p = profile_of((struct profile_opts){ .event = PROFILE_CPU });
	struct pw_cpu r = { .hdr = { .kind = PW_CPU }, .ns = 10 };
	scoped(snap) s = NULL;
	struct profile_stats st;

	profile__end(p, 2000);
	for (r.hdr.ts_ns = 995; r.hdr.ts_ns < 1400; r.hdr.ts_ns++) /* it began at 1000 */
		profile__cpu(p, &r, STACK_A, 0);
	s = snap_of(p);
	cr_assert_eq(s->nr, 1);
	cr_expect_eq(s->count, 400);
	cr_expect_eq(s->value, 4000, "each stands for as much, the first as well");
	cr_expect_eq(s->error, 392, "1.96 of the root of 400, by 10");
	cr_expect_eq(s->rows[0].error, 562, "ten rows hold at once: 2.81 of it");
	cr_expect(snap_is_estimated(s));
	profile__stats(p, &st);
	cr_expect_eq(st.filtered, 5);
	cr_expect_eq(st.in, st.out + st.filtered);
}

Test(profile, births_and_exits_count_by_the_creation_stack)
{
	scoped(profile) births = profile_of((struct profile_opts){ .event = PROFILE_BIRTHS });
	scoped(profile) exits = profile_of((struct profile_opts){ .event = PROFILE_EXITS });
	scoped(snap) b = NULL;
	scoped(snap) e = NULL;

	for (uint64_t goid = 10; goid < 15; goid++) {
		fake_birth(births, goid, 1, STACK_B, START_WORKER);
		fake_birth(exits, goid, 1, STACK_B, START_WORKER);
	}
	fake_exit(exits, 12, PC_MAIN, START_WORKER);
	fake_exit(exits, 13, PC_MAIN, START_WORKER);
	fake_exit(exits, 3, PC_MAIN, START_WORKER); /* born before recording */
	b = snap_of(births);
	cr_assert_eq(b->nr, 1);
	cr_expect_eq(b->rows[0].value, 5);
	e = snap_of(exits);
	cr_assert_eq(e->nr, 2);
	cr_expect_eq(e->rows[0].own.state, SNAP_STACK_SEEN);
	cr_expect_eq(e->rows[0].value, 2);
	cr_expect_eq(e->rows[1].own.state, SNAP_STACK_NONE);
	cr_expect_eq(e->rows[1].gopc, PC_MAIN);
}

Test(profile, root_splits_rows)
{
	static const struct {
		enum profile_root root;
		size_t rows;
	} t[] = {
		{ PROFILE_ROOT_NONE, 1 },  { PROFILE_ROOT_GOID, 3 },
		{ PROFILE_ROOT_LABEL, 2 }, { PROFILE_ROOT_CREATED_BY, 1 },
		{ PROFILE_ROOT_STATE, 1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(profile) p = profile_of((struct profile_opts){ .root = t[i].root });
		scoped(snap) s = NULL;

		cr_assert_eq(profile__label(p, "k=v"), profile__label(p, "k=v"));
		fake_wait(p, 7, STACK_A, 14, 1100, 1200, profile__label(p, "k=v"));
		fake_wait(p, 8, STACK_A, 14, 1100, 1200, profile__label(p, ""));
		fake_wait(p, 9, STACK_A, 14, 1100, 1200, 0);
		s = snap_of(p);
		cr_expect_eq(s->nr, t[i].rows, "root %zu", i);
		cr_expect_eq(s->count, 3);
	}
}

Test(profile, async_gives_each_wait_its_ancestry)
{
	scoped(profile) p = profile_of((struct profile_opts){ .async = true });
	const struct goroutine k = { .goid = 1, .gopc = PC_RUNMAIN, .startpc = START_MAIN };
	scoped(snap) s = NULL;

	profile__known(p, 0, &k);
	fake_birth(p, 7, 1, STACK_B, START_WORKER);
	fake_wait(p, 7, STACK_A, 14, 1100, 1200, 0);
	/* nothing seen of it: its own gopc is all */
	fake_wait(p, 99, STACK_A, 14, 1100, 1200, 0);
	s = snap_of(p);
	cr_assert_eq(s->nr, 2);
	cr_expect_eq(s->rows[0].chain.nr, 1);
	cr_expect_eq(s->rows[0].chain.links[0].gopc, PC_MAIN);
	cr_assert_eq(s->rows[1].chain.nr, 2);
	cr_expect_eq(s->rows[1].chain.links[0].made.stack.nr, ARRAY_SIZE(fake_birth_stack));
	cr_expect_eq(s->rows[1].chain.links[1].gopc, PC_RUNMAIN);
}

Test(profile, by_creation_site_births_say_how_it_was_reached)
{
	scoped(profile) p = profile_of((struct profile_opts){ .root = PROFILE_ROOT_CREATED_BY });
	const struct goroutine k = { .goid = 1, .gopc = PC_RUNMAIN, .startpc = START_MAIN };
	scoped(snap) s = NULL;

	profile__known(p, 0, &k);
	fake_birth(p, 7, 1, STACK_B, START_WORKER);
	fake_birth(p, 8, 1, STACK_B, START_WORKER);
	fake_birth(p, 9, 7, STACK_B, START_WORKER);
	fake_wait(p, 7, STACK_A, 14, 1100, 1200, 0);
	s = snap_of(p);
	cr_assert_eq(s->nr, 1, "births are no rows");
	cr_expect_eq(s->rows[0].chain.nr, 0);
	cr_assert_eq(s->nr_made, 2);
	cr_expect_eq(s->made[0].gopc, PC_MAIN);
	cr_expect_eq(s->made[0].count, 2);
	cr_expect_eq(s->made[0].chain.nr, 2);
	cr_expect_eq(s->made[0].chain.links[0].made.stack.nr, ARRAY_SIZE(fake_birth_stack));
	cr_expect_eq(s->made[1].count, 1);
	cr_expect_eq(s->made[1].chain.nr, 3);
}

Test(profile, by_creation_site_more_births_than_there_is_room_for_are_counted_too)
{
	scoped(profile) p = profile_of((struct profile_opts){ .root = PROFILE_ROOT_CREATED_BY });
	struct profile_stats stats;
	scoped(snap) s = NULL;

	for (uint64_t goid = 1; goid <= PROFILE_MAKERS_MAX + 10; goid++)
		fake_birth(p, goid, 0, STACK_B, START_WORKER);
	s = snap_of(p);
	cr_assert_eq(s->nr_made, 1);
	cr_expect_eq(s->made[0].count, PROFILE_MAKERS_MAX + 10);
	profile__stats(p, &stats);
	cr_expect_eq(stats.goroutines_refused, 0);
}

Test(profile, a_stack_may_come_after_its_events_or_never)
{
	scoped(profile) p = profile_of((struct profile_opts){ .event = PROFILE_BLOCKED });
	scoped(snap) s = NULL;

	fake_wait(p, 7, 777, 14, 1100, 1200, 0);
	fake_wait(p, 7, 888, 14, 1100, 1200, 0);
	fake_wait(p, 7, PW_STACK_ID_NONE, 14, 1100, 1200, 0);
	fake_stack(p, 777, fake_wait_stack, 3);
	s = snap_of(p);
	cr_assert_eq(s->nr, 3);
	cr_expect_eq(s->rows[0].own.state, SNAP_STACK_SEEN);
	cr_expect_eq(s->rows[1].own.state, SNAP_STACK_NONE);
	cr_expect_eq(s->rows[2].own.state, SNAP_STACK_LOST);
	cr_expect_eq(s->stacks_lost, 1);
}

Test(profile, refuses_rows_beyond_its_bound_and_counts_them)
{
	scoped(profile) p =
		profile_of((struct profile_opts){ .root = PROFILE_ROOT_GOID, .max_rows = 10 });
	struct profile_stats st;
	scoped(snap) s = NULL;

	for (uint64_t goid = 1; goid <= 25; goid++)
		fake_wait(p, goid, STACK_A, 14, 1100, 1200, 0);
	fake_wait(p, 3, STACK_A, 14, 1200, 1300, 0); /* has its row */
	profile__stats(p, &st);
	cr_expect_eq(st.refused, 15);
	cr_expect_eq(st.out, 11);
	s = snap_of(p);
	cr_expect_eq(s->nr, 10);
}

Test(profile, rows_are_in_the_same_order_whatever_order_records_came_in)
{
	uint64_t other[] = { PC_GOPARK, PC_LOCK, PC_MAIN };
	scoped(profile) a = profile_of((struct profile_opts){ .root = PROFILE_ROOT_GOID });
	scoped(profile) b = profile_of((struct profile_opts){ .root = PROFILE_ROOT_GOID });
	scoped(snap) x = NULL;
	scoped(snap) y = NULL;

	fake_stack(a, 500, other, 3);
	for (uint64_t i = 0; i < 40; i++)
		fake_wait(a, i % 8, i % 3 ? STACK_A : 500, 14 + i % 2, 1100, 1200 + i, 0);
	for (uint64_t i = 40; i-- > 0;)
		fake_wait(b, i % 8, i % 3 ? STACK_A : 500, 14 + i % 2, 1100, 1200 + i, 0);
	fake_stack(b, 500, other, 3);
	x = snap_of(a);
	y = snap_of(b);
	cr_assert_eq(x->nr, y->nr);
	for (size_t i = 0; i < x->nr; i++) {
		cr_expect_eq(x->rows[i].goid, y->rows[i].goid);
		cr_expect_eq(x->rows[i].reason, y->rows[i].reason);
		cr_expect_eq(x->rows[i].value, y->rows[i].value);
		cr_expect_eq(x->rows[i].own.stack.nr, y->rows[i].own.stack.nr);
	}
}

Test(profile, labels_beyond_the_bound_are_counted)
{
	scoped(profile) p = profile_of((struct profile_opts){ .root = PROFILE_ROOT_LABEL });
	struct profile_stats st;
	char text[32];

	for (int i = 0; i < PROFILE_LABELS_MAX; i++) {
		snprintf(text, sizeof(text), "k=%d", i);
		cr_assert_neq(profile__label(p, text), PROFILE_LABEL_NONE);
	}
	cr_expect_eq(profile__label(p, "one=more"), PROFILE_LABEL_NONE);
	profile__stats(p, &st);
	cr_expect_eq(st.labels_refused, 1);
}
