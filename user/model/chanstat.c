// SPDX-License-Identifier: BSD-2-Clause
#include "model/chanstat.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define SIGMAS 1.96
#define UNSEEN 3.0 /* looks: the rule of three */

/* --- means --- */

static void mean__add(struct chanstat_mean *m, double value, double weight)
{
	const double d = value - m->last;

	if (m->weights > 0)
		m->differences += d * d * (weight * weight + m->last_weight * m->last_weight) / 4;
	m->sum += value * weight;
	m->weights += weight;
	m->last = value;
	m->last_weight = weight;
}

static struct chan_share mean__tell(const struct chanstat_mean *m, uint32_t looks)
{
	const double n = looks, weights = m->weights > 0 ? m->weights : 1;
	const double variance = looks > 1 ? m->differences * n / (n - 1) / (weights * weights) : 0;
	const double error = sqrt(SIGMAS * SIGMAS * variance + UNSEEN * UNSEEN / (n * n));

	if (!looks)
		return (struct chan_share){ 0, 1 };
	return (struct chan_share){ m->sum / weights, error < 1 ? error : 1 };
}

/* --- runs --- */

/* 1: a run has ended, and is in *ret. */
static int run__look(struct chanstat_run *r, bool so, uint64_t at_ns, uint64_t from_ns,
		     struct chan_run *ret)
{
	int ended = 0;

	if (so && !r->now.looks)
		r->now = (struct chan_run){ .before_ns = r->before ? r->before_ns : from_ns,
					    .first_ns = at_ns,
					    .open_begin = !r->before };
	if (so) {
		r->now.last_ns = at_ns;
		r->now.looks++;
		return 0;
	}
	if (r->now.looks) {
		*ret = r->now;
		ret->after_ns = at_ns;
		ended = 1;
	}
	r->now = (struct chan_run){ 0 };
	r->before_ns = at_ns;
	r->before = true;
	return ended;
}

static int run__end(struct chanstat_run *r, uint64_t to_ns, struct chan_run *ret)
{
	if (!r->now.looks)
		return 0;
	*ret = r->now;
	ret->after_ns = to_ns > r->now.last_ns ? to_ns : r->now.last_ns;
	ret->open_end = true;
	r->now = (struct chan_run){ 0 };
	return 1;
}

static void keep_longest(struct chanstat *s, const struct chan_run *r)
{
	if (!s->longest.looks || chan_run_for_ns(r) > chan_run_for_ns(&s->longest))
		s->longest = *r;
}

static int keep_burst(struct chanstat *s, const struct chan_run *r)
{
	if (r->looks < CHANSTAT_BURST_LOOKS)
		return 0;
	if (s->nr_bursts == CHAN_WATCH_BURSTS_MAX) {
		s->bursts_more++;
		return 0;
	}
	if (!s->bursts)
		s->bursts = calloc(CHAN_WATCH_BURSTS_MAX, sizeof(*s->bursts));
	if (!s->bursts)
		return -ENOMEM;
	s->bursts[s->nr_bursts++] = *r;
	return 0;
}

/* --- looks --- */

void chanstat__init(struct chanstat *s, uint64_t duration_ns, uint64_t from_ns)
{
	*s = (struct chanstat){ .duration_ns = duration_ns ? duration_ns : 1,
				.from_ns = from_ns,
				.last_ns = from_ns };
}

void chanstat__done(struct chanstat *s)
{
	free(s->bursts);
	*s = (struct chanstat){ 0 };
}

static void count_cell(struct chanstat *s, uint64_t at_ns, double fill)
{
	const double part = (double)at_ns / (double)s->duration_ns * CHAN_WATCH_CELLS;
	const size_t i = part < CHAN_WATCH_CELLS ? (size_t)part : CHAN_WATCH_CELLS - 1;

	if (s->in_cells[i] == UINT16_MAX)
		return;
	s->cells[i] += (float)fill;
	s->in_cells[i]++;
}

static int look_at_buffer(struct chanstat *s, const struct chanstat_look *l)
{
	const double fill = (double)l->len / (double)l->cap;
	struct chan_run r;

	mean__add(&s->fill, fill, (double)l->weight_ns);
	mean__add(&s->full, l->len == l->cap, (double)l->weight_ns);
	mean__add(&s->empty, !l->len, (double)l->weight_ns);
	count_cell(s, l->at_ns, fill);
	if (run__look(&s->full_run, l->len == l->cap, l->at_ns, s->from_ns, &r))
		keep_longest(s, &r);
	if (run__look(&s->burst_run, fill >= CHANSTAT_FULL_SHARE, l->at_ns, s->from_ns, &r))
		return keep_burst(s, &r);
	return 0;
}

int chanstat__look(struct chanstat *s, const struct chanstat_look *l)
{
	s->looks++;
	s->last_ns = l->at_ns;
	s->len = l->len;
	s->cap = l->cap;
	if (l->len > s->fill_max)
		s->fill_max = l->len;
	s->crowds += l->senders >= CHANSTAT_CROWD;
	s->queues_cut |= l->cut;
	mean__add(&s->sends, l->senders > 0, (double)l->weight_ns);
	mean__add(&s->receives, l->receivers > 0, (double)l->weight_ns);
	chanstat__queued(s, l->senders, l->receivers);
	return l->cap ? look_at_buffer(s, l) : 0;
}

void chanstat__queued(struct chanstat *s, uint32_t senders, uint32_t receivers)
{
	s->senders_max = senders > s->senders_max ? senders : s->senders_max;
	s->receivers_max = receivers > s->receivers_max ? receivers : s->receivers_max;
}

int chanstat__end(struct chanstat *s, uint64_t to_ns)
{
	struct chan_run r;

	s->last_ns = to_ns > s->last_ns ? to_ns : s->last_ns;
	if (run__end(&s->full_run, s->last_ns, &r))
		keep_longest(s, &r);
	return run__end(&s->burst_run, s->last_ns, &r) ? keep_burst(s, &r) : 0;
}

void chanstat__tell(const struct chanstat *s, struct chan_life *ret)
{
	ret->from_ns = s->from_ns;
	ret->to_ns = s->last_ns;
	ret->looks = s->looks;
	ret->fill_max = s->fill_max;
	ret->senders_max = s->senders_max;
	ret->receivers_max = s->receivers_max;
	ret->queues_cut = s->queues_cut;
	ret->contended = s->looks && s->crowds >= CHANSTAT_CROWD_SHARE * s->looks;
	ret->fill = s->cap ? mean__tell(&s->fill, s->looks) : (struct chan_share){ 0, 0 };
	ret->full = s->cap ? mean__tell(&s->full, s->looks) : (struct chan_share){ 0, 0 };
	ret->empty = s->cap ? mean__tell(&s->empty, s->looks) : (struct chan_share){ 0, 0 };
	ret->sends = mean__tell(&s->sends, s->looks);
	ret->receives = mean__tell(&s->receives, s->looks);
	ret->longest = s->longest;
	ret->bursts_more = s->bursts_more;
	for (size_t i = 0; i < CHAN_WATCH_CELLS; i++)
		ret->cells[i] = s->in_cells[i] ? (uint16_t)(1 + lround(1000 * (double)s->cells[i] /
								       s->in_cells[i]))
					       : 0;
}
