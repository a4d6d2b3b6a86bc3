// SPDX-License-Identifier: BSD-2-Clause
#include "engine/windows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/met.h"

struct windows {
	struct windows_opts o;
	struct census *censuses[GOPROC_RUNTIMES_MAX]; /* of the window that is open */
	struct met met;                               /* in it */
	uint64_t begin_ns, due_ns, look_ns;
	uint64_t before[PW_STAT_MAX];
	int err; /* of its look */
};

int windows__new(const struct windows_opts *o, struct windows **ret)
{
	struct windows *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->o = *o;
	*ret = w;
	return 0;
}

static void windows__forget(struct windows *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->censuses); i++) {
		census__free(w->censuses[i]);
		w->censuses[i] = NULL;
	}
}

void windows__free(struct windows *w)
{
	if (!w)
		return;
	windows__forget(w);
	met__done(&w->met);
	free(w);
}

static size_t windows__runtimes(const struct windows *w)
{
	return goproc__nr_runtimes(w->o.gp);
}

/* Those that wait matter to blocked time only. */
static int windows__look(struct windows *w)
{
	const enum profile_event event = profile__opts(w->o.profile)->event;
	int err = 0;

	if (!profile_event_is_wait(event) && event != PROFILE_BLOCK)
		return 0;
	for (size_t i = 0; i < windows__runtimes(w) && !err; i++)
		err = census__read_until(proc__mem(w->o.proc), goproc__runtime(w->o.gp, i),
					 w->o.depth, w->o.until, &w->censuses[i]);
	for (size_t i = 0; i < windows__runtimes(w) && !err; i++)
		err = w->censuses[i]->cut ? -ETIMEDOUT : 0;
	return err;
}

/* --- who waited all the time --- */

static void windows__meet(void *ctx, uint64_t addr, const struct pw_gstate *s)
{
	struct windows *w = ctx;

	met__see(&w->met, addr, s);
}

static int windows__count_those_who_wait(struct windows *w, uint16_t rt, uint64_t width_ns)
{
	const struct census *c = w->censuses[rt];
	scoped_mem uint64_t *ids = calloc(c->nr_stacks + 1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	/* without memory for all of them some count twice in this window */
	met__begin(&w->met, w->begin_ns);
	ingest__found(w->o.intake);
	(void)attach__gs_each(probes__attach(w->o.probes, rt), windows__meet, w);
	met__order(&w->met);
	for (size_t i = 0; i < c->nr; i++) {
		const struct census_g *g = &c->gs[i];
		struct profile_sample ps = { .reason = g->reason, .rt = rt, .value = width_ns };

		if (ingest__is_counted(w->o.intake, rt, c, g, census__pc(c, g)) &&
		    !met__has(&w->met, g->addr))
			ingest__sample(w->o.intake, c, g, ids, &ps);
	}
	return 0;
}

/* --- one window --- */

static void windows__open(struct windows *w, int64_t most_hits)
{
	probes__limit(w->o.probes, most_hits);
	w->begin_ns = clock_now_ns();
	probes__count_from(w->o.probes, w->begin_ns, true);
	profile__window(w->o.profile);
	profile__begin(w->o.profile, w->begin_ns);
	probes__start(w->o.probes);
}

static int windows__sum_up(struct windows *w, uint64_t width_ns)
{
	int err = 0;

	for (size_t i = 0; i < windows__runtimes(w) && !err; i++) {
		(void)ingest__open_waits(w->o.intake, (uint16_t)i, probes__attach(w->o.probes, i));
		if (w->censuses[i])
			err = windows__count_those_who_wait(w, (uint16_t)i, width_ns);
	}
	return err;
}

int windows__begin(struct windows *w, uint64_t width_ns, int64_t most_hits, struct cause *why)
{
	int err;

	probes__stats(w->o.probes, w->before);
	err = probes__on(w->o.probes, why);
	if (err)
		return err;
	windows__open(w, most_hits);
	w->err = windows__look(w);
	w->look_ns = clock_now_ns() - w->begin_ns;
	w->due_ns = w->begin_ns + (w->err ? 0 : width_ns);
	return 0;
}

uint64_t windows__due_ns(const struct windows *w)
{
	return w->due_ns;
}

int windows__end(struct windows *w, struct windows_seen *ret, struct cause *why)
{
	struct windows_seen seen = { .begin_ns = w->begin_ns, .look_ns = w->look_ns };
	uint64_t stats[PW_STAT_MAX];
	int err = w->err;

	seen.end_ns = probes__stop(w->o.probes);
	profile__end(w->o.profile, seen.end_ns);
	probes__off(w->o.probes);
	probes__finish(w->o.probes);
	if (!err)
		err = windows__sum_up(w, seen.end_ns - seen.begin_ns);
	windows__forget(w);
	probes__stats(w->o.probes, stats);
	for (int i = 0; i < PW_STAT_MAX; i++)
		stats[i] -= w->before[i];
	seen.around_ns = probes__off_ns(w->o.probes, stats);
	seen.hits_ns = probes__cost_ns(w->o.probes, stats) - seen.around_ns;
	if (err)
		return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s",
				  proc__comm(w->o.proc), (int)proc__pid(w->o.proc), strerror(-err));
	*ret = seen;
	return 0;
}
