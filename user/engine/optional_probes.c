/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/optional_probes.h"

#include <string.h>

void optional_probes__give_up(struct optional_probes *e, const char *why)
{
	probes__free(e->probes);
	e->probes = NULL;
	(void)cause__set(&e->why, 0, "%s", why);
}

void optional_probes__open(struct optional_probes *e, const struct probes_opts *o,
			   const struct snapshot *t, ring_fn fn, void *ctx)
{
	int err = probes__new(o, t->target.proc, t->target.gp, fn, ctx, &e->probes, &e->why);

	if (err)
		optional_probes__give_up(e, strerror(-err));
}

/* Links cost the target something even before recording begins, so they are made last. */
void optional_probes__start(struct optional_probes *e)
{
	int err = e->probes ? probes__on(e->probes, &e->why) : 0;

	if (err)
		optional_probes__give_up(e, strerror(-err));
	else if (e->probes)
		probes__start(e->probes);
}

void optional_probes__check(struct optional_probes *e)
{
	bool stopped;

	if (e->probes && probes__absent_ns(e->probes, &stopped))
		optional_probes__give_up(
			e, stopped ? "parkwatch was stopped meanwhile, and its probes were out"
				   : "parkwatch was held up meanwhile, and its probes were out");
	else if (e->probes && probes__cut(e->probes) != PROBES_CUT_NONE)
		optional_probes__give_up(e, "the probe holder (pw-holder) was held up meanwhile");
	else if (e->probes && !probes__held(e->probes))
		optional_probes__give_up(e,
					 "somebody killed or stopped the probe holder (pw-holder)");
}

void optional_probes__measure(struct optional_probes *e)
{
	uint64_t stats[PW_STAT_MAX];

	if (!e->probes)
		return;
	probes__stats(e->probes, stats);
	e->hits = probes__hits(stats);
	e->cost_ns = probes__cost_ns(e->probes, stats);
}

void optional_probes__close(struct optional_probes *e)
{
	optional_probes__check(e);
	if (!e->probes)
		return;
	(void)probes__stop(e->probes);
	probes__finish(e->probes);
	optional_probes__measure(e);
}
