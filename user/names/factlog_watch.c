// SPDX-License-Identifier: BSD-2-Clause
#include "names/factlog.h"

#include "facts/fact_flags.h"

#define SHARES    5
#define RUN_TIMES 4
#define RUNS_MAX  (1 + CHAN_WATCH_BURSTS_MAX)

struct life_rows { /* of one channel */
	double share[2 * SHARES];
	uint64_t time[RUN_TIMES * RUNS_MAX];
	uint32_t run_looks[RUNS_MAX], run_flags[RUNS_MAX];
	uint32_t func[CHAN_WATCH_SITES_MAX], file[CHAN_WATCH_SITES_MAX], line[CHAN_WATCH_SITES_MAX],
		made_func[CHAN_WATCH_SITES_MAX], made_file[CHAN_WATCH_SITES_MAX],
		made_line[CHAN_WATCH_SITES_MAX], most[CHAN_WATCH_SITES_MAX],
		seen[CHAN_WATCH_SITES_MAX], way[CHAN_WATCH_SITES_MAX];
	uint32_t cell[CHAN_WATCH_CELLS];
};

static void put_watch(struct factlog *f, const struct chan_watch *w)
{
	Pw__ChannelWatch m = PW__CHANNEL_WATCH__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	m.duration_ns = w->duration_ns;
	m.looks = w->looks;
	m.searches = w->searches;
	m.period_ns = w->period_ns;
	m.refused = w->refused;
	m.cut = w->cut;
	fact.fact_case = PW__FACT__FACT_CHANNEL_WATCH;
	fact.channel_watch = &m;
	pw_writer__fact(factlog__writer(f), &fact);
}

static void put_run(struct life_rows *r, size_t i, const struct chan_run *run)
{
	uint64_t *t = &r->time[RUN_TIMES * i];

	t[0] = run->before_ns;
	t[1] = run->first_ns;
	t[2] = run->last_ns;
	t[3] = run->after_ns;
	r->run_looks[i] = run->looks;
	r->run_flags[i] = (run->open_begin ? CHANNEL_RUN_OPEN_BEGIN : 0u) |
			  (run->open_end ? CHANNEL_RUN_OPEN_END : 0u);
}

static void put_sites(struct pw_writer *to, const struct chan_watch *w, const struct chan_life *l,
		      struct life_rows *r, Pw__ChannelLife *m)
{
	const size_t nr = l->nr_sites;

	for (size_t i = 0; i < nr; i++) {
		const struct chan_site *s = &w->sites[l->sites_at + i];

		r->func[i] = pw_writer__name(to, s->func);
		r->file[i] = pw_writer__name(to, s->file);
		r->line[i] = s->line;
		r->made_func[i] = pw_writer__name(to, s->made_func);
		r->made_file[i] = pw_writer__name(to, s->made_file);
		r->made_line[i] = s->made_line;
		r->most[i] = s->most;
		r->seen[i] = s->searches;
		r->way[i] = s->direction;
	}
	m->n_way = nr;
	m->way = r->way;
	column_u32(&m->n_func, &m->func, r->func, nr);
	column_u32(&m->n_file, &m->file, r->file, nr);
	column_u32(&m->n_line, &m->line, r->line, nr);
	column_u32(&m->n_made_func, &m->made_func, r->made_func, nr);
	column_u32(&m->n_made_file, &m->made_file, r->made_file, nr);
	column_u32(&m->n_made_line, &m->made_line, r->made_line, nr);
	column_u32(&m->n_most, &m->most, r->most, nr);
	column_u32(&m->n_seen, &m->seen, r->seen, nr);
}

static void put_figures(struct pw_writer *to, const struct chan_life *l, Pw__ChannelLife *m)
{
	m->runtime = l->rt;
	m->addr = l->addr;
	m->flags = (l->closed ? CHANNEL_LIFE_CLOSED : 0u) | (l->timer ? CHANNEL_LIFE_TIMER : 0u) |
		   (l->ended ? CHANNEL_LIFE_ENDED : 0u) |
		   (l->queues_cut ? CHANNEL_LIFE_QUEUES_CUT : 0u) |
		   (l->contended ? CHANNEL_LIFE_CONTENDED : 0u);
	m->elem_name = pw_writer__name(to, l->elem_name);
	m->elem_bytes = l->elem_bytes;
	m->cap = l->cap;
	m->len = l->len;
	m->from_ns = l->from_ns;
	m->to_ns = l->to_ns;
	m->looks = l->looks;
	m->unsure = l->unsure;
	m->fill_max = l->fill_max;
	m->senders_max = l->senders_max;
	m->receivers_max = l->receivers_max;
	m->bursts_more = l->bursts_more;
	m->sites_more = l->sites_more;
}

static void put_life(struct factlog *f, const struct chan_watch *w, const struct chan_life *l)
{
	const struct chan_share *const shares[SHARES] = { &l->fill, &l->full, &l->empty, &l->sends,
							  &l->receives };
	struct pw_writer *to = factlog__writer(f);
	Pw__ChannelLife m = PW__CHANNEL_LIFE__INIT;
	Pw__Fact fact = PW__FACT__INIT;
	struct life_rows r;

	put_figures(to, l, &m);
	for (size_t i = 0; i < SHARES; i++) {
		r.share[2 * i] = shares[i]->is;
		r.share[2 * i + 1] = shares[i]->error;
	}
	put_run(&r, 0, &l->longest);
	for (size_t i = 0; i < l->nr_bursts; i++)
		put_run(&r, i + 1, &w->bursts[l->bursts_at + i]);
	put_sites(to, w, l, &r, &m);
	for (size_t i = 0; i < CHAN_WATCH_CELLS; i++)
		r.cell[i] = l->cells[i];
	m.n_share = 2 * SHARES;
	m.share = r.share;
	m.n_time = RUN_TIMES * (1 + (size_t)l->nr_bursts);
	m.time = r.time;
	column_u32(&m.n_run_looks, &m.run_looks, r.run_looks, 1 + (size_t)l->nr_bursts);
	column_u32(&m.n_run_flags, &m.run_flags, r.run_flags, 1 + (size_t)l->nr_bursts);
	column_u32(&m.n_cell, &m.cell, r.cell, CHAN_WATCH_CELLS);
	fact.fact_case = PW__FACT__FACT_CHANNEL_LIFE;
	fact.channel_life = &m;
	pw_writer__fact(to, &fact);
}

void factlog__watch(struct factlog *f, const struct chan_watch *w)
{
	uint32_t segment = factlog__group(f);

	put_watch(f, w);
	for (size_t i = 0; i < w->nr; i++) {
		const uint32_t now = factlog__group(f);

		if (now != segment) /* a segment needs no other one */
			put_watch(f, w);
		segment = now;
		put_life(f, w, &w->lives[i]);
	}
}
