// SPDX-License-Identifier: BSD-2-Clause
#include "engine/calls.h"

#include "base/clock.h"
#include "base/notes.h"
#include "engine/session_parts.h"

#define LIMIT_HITS 1000 /* at least so many are dealt with between two looks at their cost */

/* Sums tell apart what these roots do; a filter would have to be asked for each. */
static bool calls__suit(const struct session_opts *o)
{
	return o->profile.event == PROFILE_WALL && !o->no_probes && !o->filter && !o->nr_goids &&
	       (o->profile.root == PROFILE_ROOT_NONE || o->profile.root == PROFILE_ROOT_STATE ||
		o->profile.root == PROFILE_ROOT_CREATED_BY);
}

void calls__open(struct session *s)
{
	const struct probes_opts po = {
		.points = pw_points_for(PW_FOR_CALLS),
		.want = { .want = PW_WANT_CALL, .sums = true },
		.transport = s->o.transport,
		.attach = s->o.attach,
		.depth = s->o.depth,
		.ring_bytes = s->o.ring_bytes,
		.no_cost = s->o.no_cost,
	};
	struct cause why = { "" };

	if (calls__suit(&s->o) && probes__new(&po, s->target.proc, s->target.gp, ingest__record,
					      s->intake, &s->calls, &why))
		note_info("system calls are not told one by one: %s", why.text);
}

uint64_t calls__hits(const struct session *s)
{
	uint64_t stats[PW_STAT_MAX];

	if (!s->calls)
		return 0;
	probes__stats(s->calls, stats);
	return probes__hits(stats) + stats[PW_STAT_OFF];
}

double calls__cost_ns(const struct session *s)
{
	uint64_t stats[PW_STAT_MAX];

	if (!s->calls)
		return 0;
	probes__stats(s->calls, stats);
	return probes__cost_ns(s->calls, stats);
}

/* What more they may cost. */
static double calls__left_ns(const struct session_run *r)
{
	const struct governor *g = &r->governor;
	const double cpu = (double)(r->s->cpu_ns - r->cpu_start_ns),
		     least = GOVERNOR_BUSY_MIN * (double)(clock_now_ns() - r->start_ns),
		     part = CALLS_PART * g->max / (g->sharers ? g->sharers : 1);

	return CALLS_GRACE_NS + part * (cpu > least ? cpu : least) - calls__cost_ns(r->s);
}

/* False: they are too dear. */
static bool calls__limit(struct session_run *r)
{
	const double hit_ns = probes__hit_ns(r->s->calls, PW_POINT_CALL);
	double left;

	if (probes__cut(r->s->calls) != PROBES_CUT_NONE)
		return false;
	if (r->governor.max <= 0)
		return true;
	left = calls__left_ns(r) / hit_ns / (double)r->s->target.nr;
	probes__limit(r->s->calls, left > LIMIT_HITS ? (int64_t)left : LIMIT_HITS);
	return left > 0;
}

void calls__link(struct session_run *r)
{
	struct cause why = { "" };

	if (!r->s->calls)
		return;
	r->calls.linked = !probes__on(r->s->calls, &why);
	if (!r->calls.linked)
		note_info("system calls are not told one by one: %s", why.text);
}

void calls__begin(struct session_run *r)
{
	struct session *s = r->s;
	struct cause why = { "" };
	int err = 0;

	if (!r->calls.linked)
		return;
	r->calls.on = true;
	probes__limit(s->calls, -1);
	(void)calls__limit(r);
	profile__begin(s->profile, r->start_ns);
	probes__count_from(s->calls, r->start_ns, false);
	probes__start(s->calls);
	for (size_t i = 0; i < s->target.nr && !err; i++)
		err = ingest__census(s->intake, (uint16_t)i, true, s->o.depth, &why);
	if (err)
		calls__drop(r);
}

void calls__drop(struct session_run *r)
{
	if (!r->calls.on)
		return;
	r->calls.on = false;
	(void)probes__stop(r->s->calls);
	probes__finish(r->s->calls);
	probes__off(r->s->calls);
}

void calls__step(struct session_run *r)
{
	if (!r->calls.on)
		return;
	(void)ring__drain(probes__ring(r->s->calls));
	if (calls__limit(r))
		return;
	if (probes__cut(r->s->calls) == PROBES_CUT_ABSENT)
		note_info("system calls are estimated from looks: parkwatch was held up");
	else
		note_info("system calls are estimated from looks: to tell each of them would cost "
			  "more than --max-overhead allows");
	calls__drop(r);
}

/* Nothing of them was lost. */
static bool calls__are_whole(const struct session *s)
{
	struct losses lost = { 0 };
	uint64_t stats[PW_STAT_MAX];

	probes__stats(s->calls, stats);
	probes__losses(s->calls, stats, &lost);
	return !lost.nr && probes__cut(s->calls) == PROBES_CUT_NONE;
}

void calls__end(struct session_run *r)
{
	struct session *s = r->s;
	const uint64_t end_ns = r->start_ns + r->covered_ns;
	uint64_t stopped_ns;
	int err = 0;

	if (!r->calls.on)
		return;
	r->calls.on = false;
	stopped_ns =
		probes__stop(s->calls); /* a look may have taken longer than the recording has */
	profile__end(s->profile, stopped_ns < end_ns ? stopped_ns : end_ns);
	probes__finish(s->calls);
	for (size_t i = 0; i < s->target.nr && !err; i++) {
		err = ingest__sums(s->intake, (uint16_t)i, probes__attach(s->calls, i));
		if (!err)
			err = ingest__open_waits(s->intake, (uint16_t)i,
						 probes__attach(s->calls, i));
	}
	if (!err && calls__are_whole(s))
		profile__calls_known(s->profile);
	probes__off(s->calls);
}
