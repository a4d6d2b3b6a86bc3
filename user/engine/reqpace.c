/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/reqpace.h"

#include "base/clock.h"
#include "base/heart.h"
#include "engine/session_parts.h"
#include "model/governor.h"

void reqpace__begin(struct session_run *r)
{
	if (r->duration_ns)
		reqlooks__ends(r->s->requests, r->start_ns + r->duration_ns);
}

static double reqpace__part(const struct session_run *r)
{
	const struct session *s = r->s;
	const unsigned int sharers = s->recorders ? recorders__sharers(s->recorders) : 1;
	const double gone = (double)(clock_now_ns() - r->start_ns),
		     cpu = (double)(s->cpu_ns - r->cpu_start_ns);

	return governor_own_rate(REQPACE_LIMIT * s->o.max_overhead / (sharers ? sharers : 1),
				 gone > 0 ? cpu / gone : 0, r->own.part, REQLOOKS_PART);
}

static void take_ring(void *ctx)
{
	const struct session_run *r = ctx;

	(void)ring__drain(probes__ring(r->s->probes));
}

void reqpace__step(struct session_run *r)
{
	if (clock_now_ns() < reqlooks__due_ns(r->s->requests))
		return;
	heart__lend(take_ring, r);
	reqlooks__look(r->s->requests, reqpace__part(r));
	heart__lend(NULL, NULL);
}

void reqpace__follow(struct session_run *r)
{
	reqlooks__follow(r->s->requests, reqpace__part(r));
}
