/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/chanfeed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "census/gtimer.h"
#include "golang/gofacts.h"

#define TIME_BYTES 24 /* of a time.Time */

struct feeder {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *c;
	const struct gchans *chans;
	uint64_t now_ns;
	/*
	 * a timer's channel says so: one that does tells that all do (Go runtime/chan.go
	 * hchan.timer)
	 */
	bool told;
	struct chanfeeds *feeds;
	size_t room;
};

static bool timers_are_told(const struct goruntime *rt, const struct gchans *chans)
{
	if (gofacts_has(rt->minor, GO_TIMERS_ALWAYS_TOLD))
		return true;
	for (size_t i = 0; i < chans->nr; i++)
		if (chans->v[i].timer)
			return true;
	return false;
}

/* A timer's channel has room for one value (Go time/sleep.go NewTimer, tick.go NewTicker). */
static bool may_be_timers(const struct feeder *f, const struct gchan *ch)
{
	if (ch->timer)
		return true;
	return ch->elem_size == TIME_BYTES && ch->cap == 1 && !f->told &&
	       !strcmp(ch->elem_name, "time.Time");
}

/*
 * What feeds the channel is known from the channel, or from the stack: of one that moved on
 * meanwhile only that is left. False: no timer has to do with it.
 */
static bool feeder__ask(const struct feeder *f, const struct census_g *g, struct chanfeed *feed)
{
	const uint64_t addr = f->c->waits[feed->wait].addr;
	const struct gchan *ch = gchans__get(f->chans, addr);
	const bool known = ch && ch->settled, timer = known && may_be_timers(f, ch);
	struct gtimer t;

	if (known && !timer)
		return false;
	if (!gtimer_read(f->as, f->rt, known ? ch->timer : 0, &t) &&
	    !gtimer_on_stack(f->as, f->rt, g, addr, &t)) {
		feed->fed = timer;
		return timer;
	}
	feed->stopped = t.stopped;
	feed->fed = !t.stopped;
	feed->repeats = !t.stopped && gtimer_repeats(&t, f->now_ns);
	return true;
}

static int feeder__goroutine(struct feeder *f, const struct census_g *g)
{
	for (uint32_t i = 0; i < g->nr_waits; i++) {
		struct chanfeed feed = { .wait = g->waits_at + i };
		const struct census_wait *w = &f->c->waits[feed.wait];

		if (w->kind != CENSUS_WAIT_CHAN || w->direction == CENSUS_DIR_SEND ||
		    !feeder__ask(f, g, &feed))
			continue;
		if (vec__reserve(&f->feeds->v, &f->room, f->feeds->nr + 1, sizeof(feed)))
			return -ENOMEM;
		f->feeds->v[f->feeds->nr++] = feed;
	}
	return 0;
}

static int by_wait(const void *a, const void *b)
{
	const struct chanfeed *x = a, *y = b;

	return x->wait < y->wait ? -1 : x->wait > y->wait;
}

int chanfeeds__read(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		    const struct gchans *chans, const uint32_t *gs, size_t nr, uint64_t now_ns,
		    struct chanfeeds **ret)
{
	scoped(chanfeeds) feeds = calloc(1, sizeof(*feeds));
	struct feeder f = {
		.as = as, .rt = rt, .c = c, .chans = chans, .now_ns = now_ns, .feeds = feeds
	};
	int err = feeds ? 0 : -ENOMEM;

	f.told = timers_are_told(rt, chans);
	for (size_t i = 0; i < nr && !err; i++)
		err = feeder__goroutine(&f, &c->gs[gs[i]]);
	if (err)
		return err;
	if (feeds->nr)
		qsort(feeds->v, feeds->nr, sizeof(*feeds->v), by_wait);
	*ret = steal(feeds);
	return 0;
}
