/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <elf.h>
#include <string.h>

#include "base/cleanup.h"
#include "census/gtimer.h"

#define SECOND 1000000000LL
#define BASE   0xc000010000ull
#define CHAN   0xc000020060ull
#define TICKER (BASE + 8 * 32)

static struct goruntime runtime_of(int minor)
{
	const struct golayout_row *row = golayout_row(minor, EM_X86_64);

	cr_assert_not_null(row);
	return (struct goruntime){ .minor = minor,
				   .arch = goarch_of(EM_X86_64),
				   .layout = row->layout,
				   .objects = row->objects };
}

/* when, period, f, arg follow each other in every version. */
static void put_timer(uint64_t *at, int64_t period, uint64_t chan)
{
	at[0] = 12345;
	at[1] = (uint64_t)period;
	at[2] = 0x401000;
	at[3] = 0x4a0000;
	at[4] = chan;
}

Test(gtimer, is_read_where_each_version_has_it)
{
	static const struct {
		const char *why;
		uint64_t timer;
		int64_t period;
		bool want;
	} t[] = {
		{ "a ticker of a minute", BASE, 60000000000, true },
		{ "time.After", BASE, 0, true },
		{ "torn", BASE, -1, false },
		{ "no timer", 0, 1, false },
		{ "not there", BASE + 0x10000, 1, false },
	};

	for (int minor = 23; minor <= 27; minor++)
		for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
			struct goruntime rt = runtime_of(minor);
			uint64_t words[16] = { 0 };
			struct bufspace space;
			struct gtimer timer;

			put_timer(&words[rt.objects.timer_when / 8], t[i].period, CHAN);
			bufspace__init(&space, words, sizeof(words), BASE);
			cr_expect_eq(gtimer_read(&space.as, &rt, t[i].timer, &timer), t[i].want,
				     "Go 1.%d: %s", minor, t[i].why);
			if (t[i].want)
				cr_expect(timer.when_ns == 12345 && timer.period_ns == t[i].period,
					  "Go 1.%d: %s", minor, t[i].why);
		}
}

Test(gtimer, is_found_in_a_ticker_that_the_stack_refers_to)
{
	static const struct {
		const char *why;
		int minor;
		uint64_t on_stack, c, arg, asked;
		int64_t period;
		uint64_t stack;
		bool want;
	} t[] = {
		{ "a ticker", 22, TICKER, CHAN, CHAN, CHAN, 1000000000, 40, true },
		{ "... of Go 1.15", 15, TICKER, CHAN, CHAN, CHAN, 1000000000, 40, true },
		{ "a timer", 22, TICKER, CHAN, CHAN, CHAN, 0, 40, true },
		{ "nothing refers to it", 22, 0, CHAN, CHAN, CHAN, 1000000000, 40, false },
		{ "of another channel", 22, TICKER, CHAN, CHAN, CHAN + 96, 1000000000, 40, false },
		{ "a struct that just has the channel", 22, TICKER, CHAN, 7, CHAN, 1000000000, 40,
		  false },
		{ "no channel", 22, TICKER, 0, 0, 0, 1000000000, 40, false },
		{ "words of its own stack that look like one", 22, TICKER, CHAN, CHAN, CHAN,
		  1000000000, 400, false },
		{ "it ends too early", 22, BASE + 8 * 56, CHAN, CHAN, CHAN, 1000000000, 40, false },
		{ "from Go 1.23 on, asynchronous", 23, TICKER, CHAN, CHAN, CHAN, 1000000000, 40,
		  true },
		{ "... of Go 1.27", 27, TICKER, CHAN, CHAN, CHAN, 1000000000, 40, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct goruntime rt = runtime_of(t[i].minor);
		uint64_t words[64] = { 1, 2, t[i].on_stack, CHAN, 3 };
		struct bufspace space;
		struct gtimer timer = { 0 };
		struct census_g g = { .sp = BASE,
				      .stack_lo = BASE - 64,
				      .stack_hi = BASE + t[i].stack };

		words[32] = words[56] = t[i].c;
		put_timer(&words[(t[i].minor < 23 ? 33 : 34) + rt.objects.timer_when / 8],
			  t[i].period, t[i].arg);
		bufspace__init(&space, words, sizeof(words), BASE);
		cr_expect_eq(gtimer_on_stack(&space.as, &rt, &g, t[i].asked, &timer), t[i].want,
			     "%s", t[i].why);
		cr_expect_eq(timer.period_ns, t[i].want ? t[i].period : 0, "%s", t[i].why);
	}
}

Test(gtimer, that_is_stopped_says_so)
{
	static const struct {
		const char *why;
		int minor;
		uint64_t when;
		uint32_t status;
		bool want;
	} t[] = {
		{ "waiting", 22, 12345, 1, false },     { "modified", 22, 12345, 7, false },
		{ "deleted", 22, 12345, 3, true },      { "removed", 22, 12345, 5, true },
		{ "fired", 15, 12345, 0, true },        { "running, Go 1.23", 23, 12345, 3, false },
		{ "stopped, Go 1.23", 23, 0, 0, true }, { "... and 1.27", 27, 0, 0, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct goruntime rt = runtime_of(t[i].minor);
		uint64_t words[64] = { 1, 2, TICKER, CHAN, 3 };
		uint64_t *at = &words[(t[i].minor < 23 ? 33 : 34) + rt.objects.timer_when / 8];
		struct census_g g = { .sp = BASE, .stack_lo = BASE - 64, .stack_hi = BASE + 40 };
		struct bufspace space;
		struct gtimer timer = { 0 };

		words[32] = CHAN;
		put_timer(at, SECOND, CHAN);
		at[0] = t[i].when;
		at[7] = t[i].status;
		bufspace__init(&space, words, sizeof(words), BASE);
		cr_assert(gtimer_on_stack(&space.as, &rt, &g, CHAN, &timer), "%s", t[i].why);
		cr_expect_eq(timer.stopped, t[i].want, "%s", t[i].why);
	}
}

Test(gtimer, repeats_if_it_has_a_period_and_is_due_in_it)
{
	static const struct {
		const char *why;
		struct gtimer timer;
		bool want;
	} t[] = {
		{ "a ticker of a minute", { 1030 * SECOND, 60 * SECOND, false }, true },
		{ "it is late", { 999 * SECOND, SECOND / 10, false }, true },
		{ "time.After", { 1030 * SECOND, 0, false }, false },
		{ "pointers that look like one: due long ago",
		  { 7654272, 60 * SECOND, false },
		  false },
		{ "... due in ages", { 50000 * SECOND, 60 * SECOND, false }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(gtimer_repeats(&t[i].timer, 1000 * SECOND), t[i].want, "%s", t[i].why);
}

Test(gtimer, feeds_a_channel_as_long_as_it_runs)
{
	static const struct {
		const char *why;
		int minor;
		int64_t when, period;
		uint32_t status; /* up to Go 1.22 */
		bool want;
	} t[] = {
		{ "a ticker", 22, 101 * SECOND, SECOND, 1, true },
		{ "one that was stopped", 22, 101 * SECOND, SECOND, 3, false },
		{ "one that is out of the heap", 22, 101 * SECOND, SECOND, 5, false },
		{ "one that is moved", 15, 101 * SECOND, SECOND, 8, true },
		{ "never started", 15, 101 * SECOND, SECOND, 0, false },
		{ "time.After", 22, 3700 * SECOND, 0, 1, true },
		{ "a ticker", 27, 101 * SECOND, SECOND, 0, true },
		{ "one that was stopped", 27, 0, SECOND, 0, false },
		{ "one that is long due", 27, 50 * SECOND, 0, 0, false },
		{ "one whose times make no sense", 27, 9000 * SECOND, SECOND, 0, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct goruntime rt = runtime_of(t[i].minor);
		/* where the timer begins in a Ticker, in words */
		const size_t r = t[i].minor < 23 ? 1 : 2;
		uint64_t words[64] = { 0 },
			 *when = &words[8 + r + (size_t)rt.objects.timer_when / 8], addr = 0;
		const uint64_t chan = BASE + 8 * 32, ticker = BASE + 8 * 8;
		struct bufspace space;
		struct gtimer timer;

		put_timer(when, t[i].period, chan);
		when[0] = (uint64_t)t[i].when;
		words[8] = chan;
		if (t[i].minor < 23) {
			when[7] = t[i].status;
			if (t[i].status == 8) { /* the old time, and the new one */
				when[0] = 90 * SECOND;
				when[6] = (uint64_t)t[i].when;
			}
		} else {
			words[32 + rt.objects.hchan_timer / 8] = ticker + 16;
		}
		bufspace__init(&space, words, sizeof(words), BASE);
		cr_expect_eq(gtimer_feeds(&space.as, &rt, chan, ticker, 100 * SECOND, &timer,
					  &addr),
			     t[i].want, "Go 1.%d: %s", t[i].minor, t[i].why);
		if (t[i].want)
			cr_expect(addr == ticker + r * 8 && timer.when_ns == t[i].when,
				  "Go 1.%d: %s", t[i].minor, t[i].why);
		if (t[i].want && t[i].minor < 23)
			cr_expect(!gtimer_feeds(&space.as, &rt, chan, 0, 100 * SECOND, &timer,
						&addr),
				  "who feeds it is not known");
	}
}
