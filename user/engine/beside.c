// SPDX-License-Identifier: BSD-2-Clause
#include "engine/beside.h"

#include "base/clock.h"
#include "base/notes.h"
#include "base/random.h"
#include "engine/reqpace.h"
#include "engine/session_parts.h"

bool beside__is_on(const struct session_run *r)
{
	return r->s->o.profile.event == PROFILE_WALL;
}

/* --- samples of what runs --- */

static void beside__begin_samples(const struct session_run *r)
{
	probes__limit(r->s->probes, -1);
	probes__count_from(r->s->probes, 0, false);
	probes__start(r->s->probes);
}

static void beside__end_samples(const struct session_run *r)
{
	(void)probes__stop(r->s->probes);
	probes__finish(r->s->probes);
	probes__off(r->s->probes);
}

static void beside__take_samples(struct session_run *r)
{
	struct session *s = r->s;
	const uint64_t now = clock_now_ns();
	uint64_t stats[PW_STAT_MAX];
	double samples_ns;

	(void)ring__drain(probes__ring(s->probes));
	if (now - r->beside.paced_ns < CPUPACE_LOOK_NS)
		return;
	r->beside.paced_ns = now;
	probes__stats(s->probes, stats);
	samples_ns = probes__cost_ns(s->probes, stats);
	r->beside.taken_ns = samples_ns + calls__cost_ns(s);
	if (cpupace__look(&s->cpupace, samples_ns, (double)(s->cpu_ns - r->cpu_start_ns), now,
			  recorders__sharers(s->recorders)))
		probes__sample(s->probes, s->cpupace.hz);
}

/* --- how many goroutines there are --- */

/* How much of a processor counting may take. */
static double beside__part(const struct session_run *r)
{
	const struct governor *g = &r->governor;
	const double gone = (double)(clock_now_ns() - r->start_ns),
		     cpu = (double)(r->s->cpu_ns - r->cpu_start_ns);

	return governor_own_rate(BESIDE_COUNTS_LIMIT * g->max / (g->sharers ? g->sharers : 1),
				 gone > 0 ? cpu / gone : 0, r->own.part, BESIDE_COUNTS_PART);
}

/* The next one after about as long, so that nothing that the program does goes in step with it. */
static void beside__count(struct session_run *r)
{
	struct beside *b = &r->beside;
	const uint64_t began = clock_now_ns(), cpu_began = clock_cpu_ns();
	double period;
	uint64_t number;

	if (sampling__number(r->s->sampling, &number)) {
		b->due_ns = UINT64_MAX; /* it has ended, most likely: looks will tell */
		return;
	}
	wall_number__add(&b->number, began, number);
	period = (double)(clock_cpu_ns() - cpu_began) / beside__part(r);
	if (period < (double)BESIDE_COUNT_NS)
		period = (double)BESIDE_COUNT_NS;
	b->due_ns = began + (uint64_t)(period * (0.5 + random_next(&b->random)));
}

/* --- both --- */

void beside__begin(struct session_run *r)
{
	r->beside = (struct beside){ .random = random_seed() };
	if (r->s->probes)
		beside__begin_samples(r);
	calls__begin(r);
	beside__count(r);
}

void beside__step(struct session_run *r)
{
	if (r->s->probes)
		beside__take_samples(r);
	calls__step(r);
	if (r->s->requests)
		reqpace__follow(r);
	if (clock_now_ns() >= r->beside.due_ns)
		beside__count(r);
}

void beside__end(struct session_run *r)
{
	double mean;

	calls__end(r);
	beside__count(r);
	if (wall_number__mean(&r->beside.number, &mean))
		profile__number(r->s->profile, mean);
	if (r->s->probes)
		beside__end_samples(r);
}

void beside__begin_again(struct session_run *r)
{
	struct cause why = { "" };

	wall_number__gap(&r->beside.number);
	calls__drop(r);
	beside__end_samples(r);
	probes__forget(r->s->probes);
	if (probes__on(r->s->probes, &why))
		note_info("what runs is not sampled any more: %s", why.text);
	else
		beside__begin_samples(r);
}
