/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <elf.h>
#include <string.h>

#include "base/cleanup.h"
#include "heap/chanfeed.h"

#define NOW_NS 1000000000000LL
#define SECOND 1000000000LL
#define TIMER  0xc000010000ull
#define CHAN   0xc000020060ull

static struct goruntime runtime_of(int minor)
{
	const struct golayout_row *row = golayout_row(minor, EM_X86_64);

	cr_assert_not_null(row);
	return (struct goruntime){ .minor = minor,
				   .arch = goarch_of(EM_X86_64),
				   .layout = row->layout,
				   .objects = row->objects };
}

/* One goroutine that waits for one channel. */
Test(chanfeed, says_what_feeds_the_channel_that_a_goroutine_waits_for)
{
	static const struct {
		const char *why;
		int minor;
		uint64_t timer; /* that the channel names */
		int64_t when, period;
		const char *type;
		uint8_t way;
		bool settled;
		bool any, fed, stopped, repeats;
	} t[] = {
		{ "a ticker", 27, TIMER, NOW_NS + 1, SECOND, "time.Time", CENSUS_DIR_RECEIVE, true,
		  true, true, false, true },
		{ "time.After", 27, TIMER, NOW_NS + 1, 0, "time.Time", CENSUS_DIR_RECEIVE, true,
		  true, true, false, false },
		{ "stopped", 27, TIMER, 0, SECOND, "time.Time", CENSUS_DIR_RECEIVE, true, true,
		  false, true, false },
		{ "one that cannot be read", 27, TIMER + 0x10000, 0, 0, "time.Time",
		  CENSUS_DIR_RECEIVE, true, true, true, false, false },
		{ "a select's case", 27, TIMER, NOW_NS + 1, SECOND, "time.Time", CENSUS_DIR_NONE,
		  true, true, true, false, true },
		{ "a sender", 27, TIMER, NOW_NS + 1, SECOND, "time.Time", CENSUS_DIR_SEND, true,
		  false, false, false, false },
		{ "a channel of the program's", 27, 0, 0, 0, "time.Time", CENSUS_DIR_RECEIVE, true,
		  false, false, false, false },
		{ "looks like a timer's, which told nobody", 22, 0, 0, 0, "time.Time",
		  CENSUS_DIR_RECEIVE, true, true, true, false, false },
		{ "a bare struct of that size", 22, 0, 0, 0, "main.job", CENSUS_DIR_RECEIVE, true,
		  false, false, false, false },
		{ "a channel that moved on", 22, 0, 0, 0, "time.Time", CENSUS_DIR_RECEIVE, false,
		  false, false, false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct goruntime rt = runtime_of(t[i].minor);
		struct gchan chan = { .addr = CHAN,
				      .timer = t[i].timer,
				      .settled = t[i].settled,
				      .elem_size = 24,
				      .cap = 1,
				      .elem_name = t[i].type };
		struct census_wait wait = { .addr = CHAN,
					    .kind = CENSUS_WAIT_CHAN,
					    .direction = t[i].way };
		struct census_g g = { .who.goid = 7, .nr_waits = 1 };
		const struct census c = { .gs = &g, .nr = 1, .waits = &wait, .nr_waits = 1 };
		const struct gchans chans = { .v = &chan, .nr = 1 };
		const struct chanfeed *feed;
		scoped(chanfeeds) feeds = NULL;
		uint64_t words[16] = { 0 };
		struct bufspace space;
		uint32_t gs = 0;

		words[rt.objects.timer_when / 8] = (uint64_t)t[i].when;
		words[rt.objects.timer_when / 8 + 1] = (uint64_t)t[i].period;
		bufspace__init(&space, words, sizeof(words), TIMER);
		cr_assert_eq(chanfeeds__read(&space.as, &rt, &c, &chans, &gs, 1, NOW_NS, &feeds),
			     0);
		feed = chanfeeds__get(feeds, 0);
		cr_expect_eq(!!feed, t[i].any, "%s", t[i].why);
		if (feed && t[i].any)
			cr_expect(feed->fed == t[i].fed && feed->stopped == t[i].stopped &&
					  feed->repeats == t[i].repeats,
				  "%s: fed %d, stopped %d, repeats %d", t[i].why, feed->fed,
				  feed->stopped, feed->repeats);
		cr_expect_null(chanfeeds__get(feeds, 1), "%s", t[i].why);
	}
}
