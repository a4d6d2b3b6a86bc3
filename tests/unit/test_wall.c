/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "golang/gostate.h"
#include "model/rowset.h"
#include "model/snap.h"
#include "model/wall.h"
#include "report_fake.h"

#define STACK_A 100
#define STACK_B 200
#define LENGTH  1000 /* of a stratum */

Test(wall, each_status_is_one_of_four_states)
{
	static const struct {
		uint8_t status;
		enum wall_state want;
	} t[] = {
		{ GOSTATUS_RUNNING, WALL_RUNNING }, { GOSTATUS_COPYSTACK, WALL_RUNNING },
		{ GOSTATUS_RUNNABLE, WALL_READY },  { GOSTATUS_PREEMPTED, WALL_READY },
		{ GOSTATUS_SYSCALL, WALL_SYSCALL }, { GOSTATUS_WAITING, WALL_WAITING },
		{ GOSTATUS_LEAKED, WALL_WAITING },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(wall_state_of(wall_reason(t[i].status, 14)), t[i].want, "%d",
			     t[i].status);
	cr_expect_eq(wall_reason(GOSTATUS_WAITING, 14), 14, "what it waits for stays");
	cr_expect_eq(wall_reason(GOSTATUS_RUNNING, 14), WALL_STATUS + GOSTATUS_RUNNING,
		     "an old reason is none");
}

Test(wall, shares_get_all_of_the_time)
{
	static const uint64_t parts[] = { 1, 1, 1, 7, 0, 3 };
	struct wall_shares s = { .whole = 13, .time = 1000 };
	uint64_t sum = 0, last = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		last = wall_shares__next(&s, parts[i]);
		sum += last;
		cr_expect(last >= parts[i] * 1000 / 13 - (parts[i] > 0) &&
				  last <= parts[i] * 1000 / 13 + 1,
			  "%zu: %lu", i, (unsigned long)last);
	}
	cr_expect_eq(sum, 1000, "%lu", (unsigned long)sum);
}

Test(wall, a_share_is_as_uncertain_as_the_time_and_the_samples)
{
	cr_expect_eq(wall_share_error(500, 1000, 60, 40), 50, "30 of the time, 40 of the samples");
	cr_expect_eq(wall_share_error(500, 1000, 60, 0), 30);
	cr_expect_eq(wall_share_error(0, 0, 60, 40), 40);
}

Test(wall, the_number_goes_straight_between_two_counts)
{
	struct wall_number w = { 0 };
	double mean = 77;

	cr_expect_not(wall_number__mean(&w, &mean));
	wall_number__add(&w, 1000, 10);
	cr_expect_not(wall_number__mean(&w, &mean), "one count lasts no time");
	wall_number__add(&w, 2000, 20);
	wall_number__add(&w, 5000, 20);
	cr_assert(wall_number__mean(&w, &mean));
	cr_expect_float_eq(mean, (15.0 * 1000 + 20 * 3000) / 4000, 1e-9);
	wall_number__gap(&w);
	wall_number__add(&w, 9000, 1000);
	cr_assert(wall_number__mean(&w, &mean));
	cr_expect_float_eq(mean, (15.0 * 1000 + 20 * 3000) / 4000, 1e-9, "nobody knows the gap");
}

/* Ten stay; at three looks none, two and one more are there. */
Test(wall, the_sum_is_the_number_that_was_counted_and_who_stays_is_not_changed)
{
	static const uint64_t guests[] = { 0, 2, 1 };
	const struct row_key stays = { .stack_id = STACK_A }, comes = { .stack_id = STACK_B };
	const struct rowset_row *row = NULL;
	struct rowset *rs = NULL;
	uint64_t value[2];

	cr_assert_eq(rowset__new(10, &rs), 0);
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		if (i)
			rowset__next_window(rs);
		else
			rowset__sampled(rs);
		cr_assert_eq(rowset__add(rs, &stays, 10 * LENGTH), 0);
		if (guests[i])
			cr_assert_eq(rowset__add(rs, &comes, guests[i] * LENGTH), 0);
		rowset__saw(rs, (double)(7 + 10 + guests[i])); /* some of them are not told */
		rowset__weigh(rs, 1, 1, LENGTH);
	}
	for (size_t i = 0; i < ARRAY_SIZE(value); i++) {
		row = rowset__next(rs, row);
		value[i] = row->value;
		cr_expect_eq(rowset__value(rs, row), row->value, "no average is known");
	}
	rowset__average(rs, 7 + 11.4);
	row = rowset__next(rs, NULL);
	cr_expect_eq(rowset__value(rs, row), value[0], "%lu",
		     (unsigned long)rowset__value(rs, row));
	row = rowset__next(rs, row);
	cr_expect_eq(rowset__value(rs, row), value[1] + 1200, "%lu",
		     (unsigned long)rowset__value(rs, row));
	rowset__average(rs, 0);
	cr_expect_eq(rowset__value(rs, row), 0, "never less than nothing");
	rowset__free(rs);
}

static struct profile *profile_of_wall(void)
{
	struct profile *p = NULL;

	cr_assert_eq(profile__new(&(struct profile_opts){ .event = PROFILE_WALL }, &p), 0);
	profile__begin(p, 1000);
	fake_stack(p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	fake_stack(p, STACK_B, fake_birth_stack, ARRAY_SIZE(fake_birth_stack));
	return p;
}

static void look(struct profile *p, uint8_t status, uint64_t stack_id)
{
	cr_assert_eq(profile__sample(p, &(struct profile_sample){ .stack_id = stack_id,
								  .value = LENGTH,
								  .reason = wall_reason(status, 14),
								  .counts = true }),
		     0);
}

static void ran(struct profile *p, uint64_t stack_id, bool wanted)
{
	const struct pw_cpu r = { .hdr = { .ts_ns = 1500, .kind = PW_CPU }, .ns = 10 };

	cr_assert_eq(profile__ran(p, &r, stack_id, 0, wanted), 0);
}

/* One waits; of three looks two find another running. */
static void three_looks(struct profile *p)
{
	for (int i = 0; i < 3; i++) {
		profile__window(p);
		look(p, GOSTATUS_WAITING, STACK_A);
		look(p, i ? GOSTATUS_RUNNING : GOSTATUS_SYSCALL, i ? PW_STACK_ID_NONE : STACK_B);
		profile__weigh(p, 2, 1, 2 * LENGTH); /* it came late */
	}
}

static const struct snap_row *row_of(const struct snap *s, enum wall_state state, uint64_t count)
{
	const struct snap_row *found = NULL;

	for (size_t i = 0; i < s->nr; i++)
		if (wall_state_of(s->rows[i].reason) == state && s->rows[i].count == count)
			found = &s->rows[i];
	cr_assert(found, "%s %lu", wall_state_word(state), (unsigned long)count);
	return found;
}

Test(wall, samples_say_where_those_are_that_looks_find_running)
{
	scoped(profile) p = profile_of_wall();
	scoped(snap) s = NULL;

	three_looks(p);
	for (int i = 0; i < 4; i++)
		ran(p, i ? STACK_A : STACK_B, true);
	cr_assert_eq(snap__take(p, &s), 0);
	cr_expect_eq(s->value, 2 * 3 * 2 * LENGTH, "two goroutines, all the time");
	cr_expect_eq(row_of(s, WALL_WAITING, 3)->value, 3 * 2 * LENGTH);
	cr_expect_eq(row_of(s, WALL_SYSCALL, 1)->value, 2 * LENGTH);
	cr_expect_eq(row_of(s, WALL_RUNNING, 3)->value, 3 * LENGTH);
	cr_expect_eq(row_of(s, WALL_RUNNING, 1)->value, LENGTH);
	cr_expect_eq(row_of(s, WALL_RUNNING, 1)->own.state, SNAP_STACK_SEEN);
	cr_expect(row_of(s, WALL_RUNNING, 1)->error >= 2 * LENGTH, "one sample says little");
	cr_expect_not(s->counts_least);
	cr_expect(snap_is_estimated(s));
}

Test(wall, without_samples_nobody_knows_where_they_ran)
{
	scoped(profile) p = profile_of_wall();
	scoped(snap) s = NULL;

	three_looks(p);
	cr_assert_eq(snap__take(p, &s), 0);
	cr_expect_eq(s->value, 2 * 3 * 2 * LENGTH);
	cr_expect_eq(row_of(s, WALL_RUNNING, 2)->value, 2 * 2 * LENGTH);
	cr_expect_eq(row_of(s, WALL_RUNNING, 2)->own.state, SNAP_STACK_NONE);
}

Test(wall, a_sample_that_is_not_wanted_keeps_its_share)
{
	scoped(profile) p = profile_of_wall();
	scoped(snap) s = NULL;
	struct profile_stats st;

	three_looks(p);
	ran(p, STACK_A, true);
	ran(p, STACK_B, false);
	cr_assert_eq(snap__take(p, &s), 0);
	cr_expect_eq(row_of(s, WALL_RUNNING, 1)->value, 2 * LENGTH, "half of it");
	cr_expect_eq(s->value, 2 * 3 * 2 * LENGTH - 2 * LENGTH);
	profile__stats(p, &st);
	cr_expect_eq(st.in, st.out + st.refused + st.filtered);
}

Test(wall, where_all_looks_met_as_many_all_rows_follow_the_number)
{
	const struct row_key stays = { .stack_id = STACK_A };
	struct rowset *rs = NULL;

	cr_assert_eq(rowset__new(10, &rs), 0);
	rowset__sampled(rs);
	for (int i = 0; i < 2; i++) {
		if (i)
			rowset__next_window(rs);
		cr_assert_eq(rowset__add(rs, &stays, 10 * LENGTH), 0);
		rowset__saw(rs, 10);
		rowset__weigh(rs, 1, 1, LENGTH);
	}
	rowset__average(rs, 11);
	cr_expect_eq(rowset__value(rs, rowset__next(rs, NULL)), 22 * LENGTH);
	rowset__free(rs);
}

struct told {
	uint64_t running, other, rows;
};

static void tell(void *ctx, const struct profile_cut *c, const struct row_key *key, uint64_t count,
		 uint64_t value)
{
	struct told *t = ctx;

	(void)c, (void)count;
	if (!key)
		return;
	t->rows++;
	if (wall_state_of(key->reason) == WALL_RUNNING)
		t->running += value;
	else
		t->other += value;
	cr_expect(wall_state_of(key->reason) != WALL_RUNNING || key->stack_id != PW_STACK_ID_NONE);
}

Test(wall, each_cut_shares_out_what_ran_in_it)
{
	scoped(profile) p = profile_of_wall();
	struct told t = { 0 };

	profile__tap(p, &(struct profile_tap){ .cut = tell, .ctx = &t });
	three_looks(p);
	ran(p, STACK_A, true);
	ran(p, STACK_B, true);
	profile__cut(p, 2000);
	cr_expect_eq(t.running, 2 * 2 * LENGTH, "%lu", (unsigned long)t.running);
	cr_expect_eq(t.other, 4 * 2 * LENGTH);
	cr_expect_eq(t.rows, 4);
	t = (struct told){ 0 };
	three_looks(p);
	ran(p, STACK_B, true);
	profile__cut(p, 3000);
	cr_expect_eq(t.running, 2 * 2 * LENGTH, "the second has its own: %lu",
		     (unsigned long)t.running);
	cr_expect_eq(t.other, 4 * 2 * LENGTH);
}

/* --- system calls that were told one by one --- */

/* At four looks: in a call of read twice, of write once, and running. */
static struct profile *looked_at(uint64_t *ret_stack_id)
{
	static const char *const calls[] = { "read", "write", "read", "" };
	const struct profile_opts o = { .event = PROFILE_WALL };
	struct profile *p = NULL;

	cr_assert_eq(profile__new(&o, &p), 0);
	profile__begin(p, 1);
	fake_stack(p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	fake_stack(p, STACK_B, fake_birth_stack, ARRAY_SIZE(fake_birth_stack));
	*ret_stack_id = profile__stack(p, fake_wait_stack, ARRAY_SIZE(fake_wait_stack), false);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		const bool called = calls[i][0];
		const struct profile_sample s = {
			.stack_id = called ? *ret_stack_id : PW_STACK_ID_NONE,
			.value = LENGTH,
			.reason = WALL_STATUS + (called ? GOSTATUS_SYSCALL : GOSTATUS_RUNNING),
			.call = profile__label(p, calls[i]),
			.counts = true,
		};

		profile__window(p);
		cr_assert_eq(profile__sample(p, &s), 0);
		profile__weigh(p, 1, 1, LENGTH);
	}
	profile__end(p, 4 * LENGTH);
	return p;
}

static void call_sum(struct profile *p, uint64_t stack_id, uint64_t count, uint64_t ns)
{
	const struct pw_wait_key key = { .stack_id = stack_id, .gopc = PC_MAIN, .kind = PW_CALL };
	const struct pw_wait_sum sum = { count, ns };

	cr_assert_eq(profile__waits(p, 0, &key, &sum), 0);
}

static const struct snap_row *row_with(const struct snap *s, enum wall_state state,
				       const char *type, uint32_t nr_pcs)
{
	for (size_t i = 0; i < s->nr; i++)
		if (wall_state_of(s->rows[i].reason) == state && !strcmp(s->rows[i].type, type) &&
		    s->rows[i].own.stack.nr == nr_pcs)
			return &s->rows[i];
	cr_assert(false, "there is no such row: %s", type);
	return NULL;
}

Test(wall, calls_that_were_told_are_shared_out_and_the_sum_stays)
{
	const uint32_t nr = ARRAY_SIZE(fake_wait_stack), other = ARRAY_SIZE(fake_birth_stack);
	const struct snap_row *row;
	uint64_t id;
	scoped(profile) p = looked_at(&id);
	scoped(snap) s = NULL;

	cr_expect_neq(id, STACK_A, "who walks a stack and who reads it number it apart");
	call_sum(p, STACK_A, 30, 2400);
	call_sum(p, STACK_B, 5, 100); /* so short that no look met one */
	profile__calls_known(p);
	cr_assert_eq(snap__take(p, &s), 0);
	cr_expect(s->calls_known && s->calls == 35, "%lu calls", (unsigned long)s->calls);
	row = row_with(s, WALL_SYSCALL, "read", nr);
	cr_expect(row->value == 1600 && row->count == 20, "read: %lu ns",
		  (unsigned long)row->value);
	row = row_with(s, WALL_SYSCALL, "write", nr);
	cr_expect(row->value == 800 && row->count == 10, "write: %lu ns",
		  (unsigned long)row->value);
	row = row_with(s, WALL_SYSCALL, "", other);
	cr_expect(row->value == 100 && row->count == 5 && !row->error);
	cr_expect_float_eq((double)row_with(s, WALL_RUNNING, "", 0)->value, 1500, 1.01);
	cr_expect_float_eq((double)s->value, 4 * LENGTH, 1.01, "all of their time is the same");
}

Test(wall, one_call_alone_has_no_error)
{
	uint64_t id;
	scoped(profile) p = looked_at(&id);
	const struct pw_gstate open = { .start_ns = 1000, .stack_id = STACK_B, .goid = 9 };
	scoped(snap) s = NULL;
	const struct snap_row *row;

	cr_assert_eq(profile__open_wait(p, 0, &open, PC_MAIN, START_WORKER, 0), 0);
	profile__calls_known(p);
	cr_assert_eq(snap__take(p, &s), 0);
	row = row_with(s, WALL_SYSCALL, "", ARRAY_SIZE(fake_birth_stack));
	cr_expect(row->value == 3000 && row->count == 1 && !row->error, "it goes on at the end");
	cr_expect_gt(row_with(s, WALL_SYSCALL, "read", ARRAY_SIZE(fake_wait_stack))->error, 0,
		     "what nobody told is as looks say it");
}

Test(wall, what_was_told_in_part_is_no_part_of_it)
{
	uint64_t id;
	scoped(profile) p = looked_at(&id);
	scoped(snap) s = NULL;

	call_sum(p, STACK_A, 30, 2400);
	cr_assert_eq(snap__take(p, &s), 0);
	cr_expect_not(s->calls_known);
	cr_expect_eq(row_with(s, WALL_SYSCALL, "read", ARRAY_SIZE(fake_wait_stack))->value, 2000);
}
