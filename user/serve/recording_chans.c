// SPDX-License-Identifier: BSD-2-Clause
#include "serve/recording_chans.h"

#include <string.h>

#include "serve/worker.h"

int recording_chans__open(struct recording_chans *c, pid_t pid, uint64_t duration_ns,
			  double max_overhead, struct cause *why)
{
	struct chanwatch_opts o = { .until = &c->until,
				    .duration_ns = duration_ns,
				    .depth = CENSUS_DEPTH_MAX,
				    .max_overhead = max_overhead };
	int err;

	c->until = deadline_in(WORKER_READ_NS, NULL);
	err = snapshot__new(pid, CENSUS_DEPTH_MAX, &c->until, &c->t, why);
	if (err)
		return err;
	o.t = c->t;
	return chanwatch__new(&o, &c->w) ? cause__no_memory(why) : 0;
}

void recording_chans__done(struct recording_chans *c)
{
	contentions__done(&c->contentions);
	chanwatch__free(c->w);
	snapshot__free(c->t);
}

static int put_chans(void *ctx, struct factlog *f)
{
	const struct recording_chans *c = ctx;
	const struct snapshot *t = c->t;
	int err = 0;

	for (uint16_t rt = 0; rt < t->target.nr && !err; rt++) {
		const struct chans_source source = contention__source(&c->contentions.of[rt]);

		err = factlog__look(f, 0, rt, t->wall_ns, t->censuses[rt], NULL);
		if (!err)
			err = factlog__waits(f, 0, rt, t->wall_ns, t->censuses[rt], &source);
	}
	if (!err)
		factlog__watch(f, chanwatch__told(c->w));
	return err;
}

int recording_chans__tell(struct recording_chans *c, const struct jobs_opts *alive,
			  struct told *ret, struct cause *why)
{
	const struct contention_opts o = { .t = c->t,
					   .depth = CENSUS_DEPTH_MAX,
					   .proof_ns = CONTENTION_PROOF_NS };
	struct report_meta meta;
	const struct tell t = { .target = &c->t->target,
				.of = { .view = "chans" },
				.meta = &meta,
				.put = put_chans,
				.ctx = c };
	int err;

	deadline__move(&c->until, WORKER_READ_NS);
	err = job__run(contentions__job(&c->contentions, &o), alive, why);
	if (err)
		return err;
	snapshot__meta(c->t, &meta);
	meta.duration_ns = chanwatch__told(c->w)->duration_ns;
	return tell_recording(&t, ret, why);
}
