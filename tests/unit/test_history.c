/* SPDX-License-Identifier: BSD-2-Clause */
/* What looks saw, kept: the clock is turned by the tests. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "look_fake.h"

#define LOOK_NS (10 * NS_PER_SEC)
#define HOUR_NS (3600 * NS_PER_SEC)
#define UNIX_NS (1700000000 * NS_PER_SEC)
/* Not at the beginning of an hour. */
#define BEGIN_NS (1000 * HOUR_NS + 1234 * NS_PER_SEC)

/* So many goroutines of one kind, with ids from first on; if they wait, for wait_ns. */
struct crowd {
	const char *made, *blocked;
	enum gostate state;
	uint64_t first, nr, wait_ns;
};

static struct tally *tally; /* of the history that is fed now */

static int look(struct history *h, uint64_t now_ns, const struct crowd *v, size_t nr)
{
	tally__begin(tally, now_ns);
	for (size_t i = 0; i < nr; i++) {
		const uint32_t row = tally__row(tally, v[i].made, v[i].blocked, v[i].state);

		for (uint64_t g = 0; g < v[i].nr; g++)
			tally__add(tally, &(struct tally_g){ .id = v[i].first + g,
							     .wait_ns = v[i].wait_ns,
							     .stack_bytes = 2048,
							     .row = row,
							     .state = v[i].state });
	}
	return look_ends(h, tally, now_ns, UNIX_NS + now_ns);
}

static struct crowd receivers(uint64_t first, uint64_t nr)
{
	return (struct crowd){ "main.main main.go:10",
			       "main.worker main.go:20",
			       (enum gostate)GOWAIT_CHAN_RECEIVE,
			       first,
			       nr,
			       TALLY_UNKNOWN };
}

static struct history *new_history(void)
{
	struct history *h = NULL;

	cr_assert_eq(history__new(&h), 0);
	tally__free(tally);
	cr_assert_eq(tally__new(&tally), 0);
	return h;
}

/* --- cells --- */

Test(history, tells_who_came_who_went_and_who_waits)
{
	scoped(history) h = new_history();
	const struct crowd a[] = { receivers(1, 10) }, b[] = { receivers(4, 20) };
	const struct history_cell *c;
	const struct history_entry *e;

	cr_assert_eq(look(h, BEGIN_NS, a, 1), 0);
	c = history__cell(h, HISTORY_10S, 0);
	cr_assert(c && c->looks == 1 && c->total.sum == 10);
	cr_expect_eq(c->total.births, 0, "nobody saw them come");
	cr_assert_eq(look(h, BEGIN_NS + LOOK_NS, b, 1), 0);
	c = history__cell(h, HISTORY_10S, 0);
	e = history_cell__find(c, 0);
	cr_assert(e);
	cr_expect_eq(e->sum, 20);
	cr_expect_eq(e->births, 13);
	cr_expect_eq(e->exits, 3);
	cr_expect_eq(e->blocked_ns, 20 * LOOK_NS);
	cr_expect_eq(e->stack_sum, 20 * 2048);
	cr_expect_eq(e->oldest_s, 10, "those that stayed");
	cr_expect_eq(c->states[HISTORY_WAITING], 20);
	cr_expect_eq(c->unix_ns, UNIX_NS + (BEGIN_NS + LOOK_NS) / LOOK_NS * LOOK_NS);
	cr_expect_eq(history__cell(h, HISTORY_10S, 1)->total.sum, 10);
}

/* The sums of the cells of a ring that has all looks. */
static struct history_entry sums(const struct history *h, enum history_ring r, size_t *ret_looks)
{
	struct history_entry s = { .row = 0 };

	*ret_looks = 0;
	for (size_t age = 0; age < history_cells(r); age++) {
		const struct history_cell *c = history__cell(h, r, age);

		for (size_t i = 0; c && i < c->nr; i++) {
			s.sum += c->v[i].sum;
			s.births += c->v[i].births;
			s.exits += c->v[i].exits;
			s.blocked_ns += c->v[i].blocked_ns;
			s.stack_sum += c->v[i].stack_sum;
		}
		*ret_looks += c ? c->looks : 0;
	}
	return s;
}

Test(history, cells_of_all_rings_add_up_to_what_came_in)
{
	scoped(history) h = new_history();
	uint64_t goroutines = 0, births = 0, first = 1, last = 100;

	for (int i = 0; i < 59; i++) {
		const struct crowd v[] = {
			receivers(first, last - first),
			{ "main.main main.go:11", "main.spin main.go:30", GOSTATE_RUNNING, 1000000,
			  (uint64_t)i % 3, TALLY_UNKNOWN },
		};

		cr_assert_eq(look(h, BEGIN_NS + (uint64_t)i * LOOK_NS, v, 2), 0);
		goroutines += last - first + (uint64_t)i % 3;
		first += 2;
		last += 5;
		births += i < 58 ? 5 : 0;
		births += i && i % 3 ? 1 : 0;
	}
	for (int r = 0; r < HISTORY_RINGS; r++) {
		size_t looks;
		const struct history_entry s = sums(h, (enum history_ring)r, &looks);

		cr_expect_eq(looks, 59, "ring %d", r);
		cr_expect_eq(s.sum, goroutines, "ring %d", r);
		cr_expect_eq(s.births, births, "ring %d: %u, not %lu", r, s.births, births);
		cr_expect_eq(s.exits, 58 * 2 + 19 * 2, "ring %d: %u", r, s.exits);
		cr_expect_eq(s.stack_sum, goroutines * 2048, "ring %d", r);
	}
	cr_expect_eq(history__cell(h, HISTORY_1H, 0)->total.sum, goroutines);
}

Test(history, the_floor_of_a_row_is_its_lowest_look)
{
	scoped(history) h = new_history();
	static const uint64_t nr[] = { 7, 5, 9 };
	const uint64_t begin = 1000 * HOUR_NS;
	const struct history_cell *c;

	for (size_t i = 0; i < 3; i++) {
		const struct crowd v[] = { receivers(1, nr[i]) };

		cr_assert_eq(look(h, begin + i * LOOK_NS, v, 1), 0);
	}
	c = history__cell(h, HISTORY_1MIN, 0);
	cr_expect_eq(history_cell__floor(c, history_cell__find(c, 0)), 5);
	cr_assert_eq(look(h, begin + 3 * LOOK_NS, NULL, 0), 0);
	cr_expect_eq(history_cell__floor(c, history_cell__find(c, 0)), 0, "one look saw none");
}

Test(history, time_that_nobody_looked_has_no_cells)
{
	scoped(history) h = new_history();
	const struct crowd v[] = { receivers(1, 10) };

	cr_assert_eq(look(h, BEGIN_NS, v, 1), 0);
	cr_assert_eq(look(h, BEGIN_NS + 300 * NS_PER_SEC, v, 1), 0);
	cr_expect(history__cell(h, HISTORY_10S, 0));
	cr_expect_null(history__cell(h, HISTORY_10S, 1));
	cr_expect(history__cell(h, HISTORY_10S, 30));
	cr_expect_eq(history__cell(h, HISTORY_10S, 0)->total.blocked_ns, 0,
		     "nobody knows what they did");
	cr_assert_eq(look(h, BEGIN_NS + 1000 * HOUR_NS, v, 1), 0);
	for (size_t age = 1; age < history_cells(HISTORY_1H); age++)
		cr_expect_null(history__cell(h, HISTORY_1H, age));
	cr_expect_null(history__cell(h, HISTORY_1H, history_cells(HISTORY_1H)));
}

Test(history, a_look_of_before_the_last_one_is_refused_and_counted)
{
	scoped(history) h = new_history();
	const struct crowd v[] = { receivers(1, 10) };

	cr_assert_eq(look(h, BEGIN_NS, v, 1), 0);
	cr_expect_eq(look(h, BEGIN_NS - 1, v, 1), -EINVAL);
	cr_expect_eq(look(h, BEGIN_NS, v, 1), 0, "the same moment is none before");
	cr_expect_eq(history__counts(h).backwards, 1);
	cr_expect_eq(history__cell(h, HISTORY_10S, 0)->looks, 2);
}

Test(history, goids_in_any_order_are_the_same_goroutines)
{
	scoped(history) h = new_history();
	const struct crowd a[] = { receivers(1, 10), receivers(100, 10) },
			   b[] = { receivers(100, 10), receivers(1, 11) };

	cr_assert_eq(look(h, BEGIN_NS, a, 2), 0);
	cr_assert_eq(look(h, BEGIN_NS + LOOK_NS, b, 2), 0);
	cr_expect_eq(history__cell(h, HISTORY_10S, 0)->total.births, 1);
	cr_expect_eq(history__cell(h, HISTORY_10S, 0)->total.exits, 0);
}

/* --- bounds --- */

Test(history, two_days_take_no_more_memory_than_one)
{
	scoped(history) h = new_history();
	uint64_t after[4] = { 0 };

	/* 20 rows, one of which is another one every minute: rows come and go */
	for (size_t i = 0; i < 4ULL * 24 * 360; i++) {
		struct crowd v[20];
		char made[20][32];

		for (size_t k = 0; k < 20; k++) {
			snprintf(made[k], sizeof(made[k]), "main.f%zu f.go:%zu", k,
				 k ? 1 : i / 6 % 100000);
			v[k] = (struct crowd){ made[k],
					       "main.wait f.go:2",
					       (enum gostate)GOWAIT_SELECT,
					       1 + i % 7 + k * 100,
					       10,
					       TALLY_UNKNOWN };
		}
		cr_assert_eq(look(h, BEGIN_NS + i * LOOK_NS, v, 20), 0);
		after[i / (24 * 360)] = history__counts(h).bytes;
		if (i % (12 * 360) == 12 * 360 - 1)
			fprintf(stderr, "%zu rows %lu bytes %lu\n", i / 360,
				history__counts(h).rows, history__counts(h).bytes);
	}
	cr_expect_leq(after[1], 2000000, "%lu bytes after two days", after[1]);
	cr_expect_leq(after[3], after[1] + after[1] / 50, "%lu bytes after 2 days, %lu after 4",
		      after[1], after[3]);
	cr_expect_leq(history__counts(h).rows, HISTORY_ROWS_MAX);
}

Test(history, twenty_rows_take_a_quarter_of_a_megabyte)
{
	scoped(history) h = new_history();

	for (size_t i = 0; i < 50ULL * 360; i++) {
		struct crowd v[20];
		char made[20][32];

		for (size_t k = 0; k < 20; k++) {
			snprintf(made[k], sizeof(made[k]), "main.f%zu f.go:1", k);
			v[k] = (struct crowd){ made[k],
					       "main.wait f.go:2",
					       (enum gostate)GOWAIT_SELECT,
					       1 + k * 100,
					       10,
					       TALLY_UNKNOWN };
		}
		cr_assert_eq(look(h, BEGIN_NS + i * LOOK_NS, v, 20), 0);
	}
	cr_expect_leq(history__counts(h).bytes, 260000, "%lu", history__counts(h).bytes);
}

Test(history, a_program_of_a_hundred_thousand_places_is_bounded_and_counted)
{
	scoped(history) h = new_history();
	uint64_t id = 1;

	for (size_t i = 0; i < 200; i++) {
		tally__begin(tally, BEGIN_NS + i * 600 * NS_PER_SEC);
		for (size_t k = 0; k < 100000 / 200 * 20; k++) {
			char made[400];

			snprintf(made, sizeof(made), "%0*zu", 390, i * 10000 + k);
			memmove(made, made + 300, 91); /* what differs is in the first bytes */
			tally__add(tally, &(struct tally_g){
						  .id = id++,
						  .wait_ns = TALLY_UNKNOWN,
						  .row = tally__row(tally, made, made,
								    (enum gostate)GOWAIT_SELECT),
						  .state = (enum gostate)GOWAIT_SELECT });
		}
		cr_assert_eq(look_ends(h, tally, BEGIN_NS + i * 600 * NS_PER_SEC, UNIX_NS), 0);
		cr_assert_eq(history__cell(h, HISTORY_10S, 0)->total.sum, 10000,
			     "all are in the sum");
	}
	cr_expect_leq(history__counts(h).rows, HISTORY_ROWS_MAX);
	cr_expect_gt(history__counts(h).over_rows, 0);
	cr_expect_leq(history__counts(h).bytes, 8u << 20, "%lu bytes", history__counts(h).bytes);
	for (size_t age = 1; age < history_cells(HISTORY_1H); age++) {
		const struct history_cell *c = history__cell(h, HISTORY_1H, age);
		uint64_t sum = 0;

		if (!c)
			continue;
		cr_expect_leq(c->nr, HISTORY_HOUR_ROWS);
		for (size_t i = 0; i < c->nr; i++)
			sum += c->v[i].sum;
		cr_expect_eq(sum + c->other.sum, c->total.sum, "nothing is lost");
	}
}

/* --- alarms --- */

/* What alarms came within some hours of looks of this story, and when the first one did. */
struct story {
	/* Fills v with the crowds of this moment; returns how many. at_s: since the beginning. */
	size_t (*tell)(uint64_t at_s, struct crowd v[4]);
	uint64_t hours;
};
struct told {
	size_t storms, leaks;
	double first_h;
	struct history_alarm first;
};

static struct told told_of(const struct story *s)
{
	scoped(history) h = new_history();
	struct told t = { .first_h = -1 };

	for (uint64_t at_s = 0; at_s < s->hours * 3600; at_s += 10) {
		struct crowd v[4];
		const size_t nr = s->tell(at_s, v);
		const struct history_alarm *a;
		size_t alarms;

		cr_assert_eq(look(h, BEGIN_NS + at_s * NS_PER_SEC, v, nr), 0);
		alarms = history__alarms(h, &a);
		for (size_t i = 0; i < alarms; i++) {
			if (t.first_h < 0) {
				t.first_h = (double)at_s / 3600;
				t.first = a[i];
			}
			t.storms += a[i].kind == HISTORY_STORM;
			t.leaks += a[i].kind == HISTORY_SLOW_LEAK;
		}
	}
	return t;
}

/* One goroutine more every ten minutes, beside requests that come and go at the same place. */
static size_t slow_leak_story(uint64_t at_s, struct crowd v[4])
{
	v[0] = receivers(1, at_s / 600);
	v[1] = receivers(1000000 + at_s, 20 + at_s / 10 % 50);
	return 2;
}

Test(history, a_leak_of_one_in_ten_minutes_is_found_within_twelve_hours)
{
	const struct told t = told_of(&(struct story){ slow_leak_story, 26 });

	cr_expect_eq(t.leaks, 1, "%zu times", t.leaks);
	cr_expect_eq(t.storms, 0);
	cr_expect(t.first_h > 0 && t.first_h <= 12, "after %.1f h", t.first_h);
	cr_expect(t.first.kind == HISTORY_SLOW_LEAK && t.first.leak.hours >= 11);
}

/* The same leak, and it begins a day later, in a program with a daily wave. */
static size_t late_leak_story(uint64_t at_s, struct crowd v[4])
{
	const uint64_t begin = 30 * 3600;
	const double wave = sin((double)at_s * 2 * M_PI / 86400);

	v[0] = receivers(1, at_s < begin ? 0 : (at_s - begin) / 600);
	v[1] = (struct crowd){ "main.accept main.go:50",     "main.serve main.go:60",
			       (enum gostate)GOWAIT_IO_WAIT, 1000000,
			       (uint64_t)(300 + 200 * wave), 5 * NS_PER_SEC };
	return 2;
}

Test(history, a_leak_that_begins_later_is_found_beside_a_daily_wave)
{
	const struct told t = told_of(&(struct story){ late_leak_story, 44 });

	cr_expect_eq(t.leaks, 1, "%zu times", t.leaks);
	cr_expect(t.first_h > 30 && t.first_h <= 42, "after %.1f h", t.first_h);
	cr_expect_lt(t.first.alive, 100, "it is the small row");
}

/* --- what is no leak and no storm --- */

static double wave_phase;
/* Connections that nobody uses: hours without a word. */
static size_t wave_story(uint64_t at_s, struct crowd v[4])
{
	const double wave = sin(((double)at_s / 86400 + wave_phase) * 2 * M_PI);

	v[0] = receivers(1, (uint64_t)(60 + 50 * wave));
	return 1;
}

Test(history, daily_waves_are_no_leak_whenever_one_begins_to_look)
{
	for (wave_phase = 0; wave_phase < 1; wave_phase += 1. / 16) {
		const struct told t = told_of(&(struct story){ wave_story, 50 });

		cr_expect(!t.leaks && !t.storms, "phase %.2f: %zu leaks, after %.1f h", wave_phase,
			  t.leaks, t.first_h);
	}
}

/* 6,000 workers; half of them end when there is nothing to do, and come again. */
static size_t pool_story(uint64_t at_s, struct crowd v[4])
{
	const uint64_t round = at_s / 300;

	v[0] = receivers(1, 3000);
	v[1] = receivers(1000000 * (1 + round), at_s % 300 < 150 ? 3000 : 0);
	return 2;
}
static size_t small_pool_story(uint64_t at_s, struct crowd v[4])
{
	const uint64_t round = at_s / 5400;

	v[0] = receivers(1, 30);
	v[1] = receivers(1000000 * (1 + round), at_s % 5400 / 60);
	return 2;
}
static size_t ramp_story(uint64_t at_s, struct crowd v[4])
{
	v[0] = receivers(1, at_s < 5 * 3600 ? at_s / 100 : 180);
	return 1;
}
/* A pool that nobody needs at night: its workers wait for hours. */
static size_t night_story(uint64_t at_s, struct crowd v[4])
{
	const uint64_t idle = at_s / 400;

	v[0] = receivers(1, idle < 100 ? idle : 100);
	v[1] = receivers(1000 + at_s * 100, idle < 100 ? 100 - idle : 0);
	return 2;
}
/* Everything it had is gone, and it has other goroutines: as after exec. */
static size_t restart_story(uint64_t at_s, struct crowd v[4])
{
	const uint64_t life = at_s / 14400, age_s = at_s % 14400;

	v[0] = receivers(1000000 * (1 + life), 100 + age_s / 60);
	return 1;
}

Test(history, what_breathes_begins_rests_or_starts_again_is_no_alarm)
{
	static const struct {
		const char *why;
		struct story story;
	} t[] = {
		{ "a pool that breathes", { pool_story, 1 } },
		{ "a small pool that breathes", { small_pool_story, 26 } },
		{ "a start-up that ends", { ramp_story, 30 } },
		{ "a pool at night", { night_story, 30 } },
		{ "restarts", { restart_story, 30 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct told told = told_of(&t[i].story);

		cr_expect(!told.leaks, "%s: %zu leaks, the first after %.1f h", t[i].why,
			  told.leaks, told.first_h);
		cr_expect(!told.storms, "%s: %zu storms, the first after %.1f h", t[i].why,
			  told.storms, told.first_h);
	}
}

/* 10 a second come and go for ten minutes; then 600 a second come, and stay, for a minute. */
static size_t storm_story(uint64_t at_s, struct crowd v[4])
{
	const uint64_t in_storm = at_s < 600 ? 0 : at_s < 660 ? at_s - 600 : 60;

	v[0] = receivers(at_s * 10, 1000);
	v[1] = receivers(10000000, in_storm * 600);
	return 2;
}

Test(history, a_storm_is_told_once_and_within_twenty_seconds)
{
	const struct told t = told_of(&(struct story){ storm_story, 1 });

	cr_expect_eq(t.storms, 1, "%zu times", t.storms);
	cr_expect(t.first_h * 3600 >= 610 && t.first_h * 3600 <= 620, "after %.0f s",
		  t.first_h * 3600);
	cr_expect(t.first.kind == HISTORY_STORM && t.first.births >= 6000 &&
		  t.first.took_ns == LOOK_NS);
}
