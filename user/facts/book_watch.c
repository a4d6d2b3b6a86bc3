// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "facts/book.h"
#include "facts/fact_flags.h"

#define SHARES    5
#define RUN_TIMES 4
#define CELL_MOST 1001

int book__channel_watch(struct book *b, const Pw__ChannelWatch *f, struct cause *why)
{
	struct chan_watch *w = b->watch ? b->watch : calloc(1, sizeof(*w));

	if (!w)
		return cause__no_memory(why);
	b->watch = w;
	w->duration_ns = f->duration_ns;
	w->looks = f->looks;
	w->searches = f->searches;
	w->period_ns = f->period_ns;
	w->refused = f->refused;
	w->cut = f->cut;
	return 0;
}

static bool shares_of(const Pw__ChannelLife *f, struct chan_life *l)
{
	struct chan_share *const to[SHARES] = { &l->fill, &l->full, &l->empty, &l->sends,
						&l->receives };

	for (size_t i = 0; i < f->n_share; i++) /* what is no number is neither */
		if (!(f->share[i] >= 0 && f->share[i] <= 1))
			return false;
	for (size_t i = 0; i < SHARES && f->n_share; i++)
		*to[i] = (struct chan_share){ f->share[2 * i], f->share[2 * i + 1] };
	return true;
}

static bool run_of(const Pw__ChannelLife *f, size_t i, struct chan_run *ret)
{
	const uint64_t *t = &f->time[RUN_TIMES * i];
	const uint32_t flags = COLUMN_AT(f, run_flags, i);

	*ret = (struct chan_run){ .before_ns = t[0],
				  .first_ns = t[1],
				  .last_ns = t[2],
				  .after_ns = t[3],
				  .looks = COLUMN_AT(f, run_looks, i),
				  .open_begin = flags & CHANNEL_RUN_OPEN_BEGIN,
				  .open_end = flags & CHANNEL_RUN_OPEN_END };
	return t[0] <= t[1] && t[1] <= t[2] && t[2] <= t[3];
}

static void site_of(struct book *b, const Pw__ChannelLife *f, size_t i,
		    const struct pw_names *names, struct chan_site *ret)
{
	struct textpool *t = b->texts;

	*ret = (struct chan_site){
		.func = textpool__get(t, pw_name(names, COLUMN_AT(f, func, i))),
		.file = textpool__get(t, pw_name(names, COLUMN_AT(f, file, i))),
		.made_func = textpool__get(t, pw_name(names, COLUMN_AT(f, made_func, i))),
		.made_file = textpool__get(t, pw_name(names, COLUMN_AT(f, made_file, i))),
		.line = COLUMN_AT(f, line, i),
		.made_line = COLUMN_AT(f, made_line, i),
		.most = COLUMN_AT(f, most, i),
		.searches = COLUMN_AT(f, seen, i),
		.direction = (uint8_t)f->way[i],
	};
}

static bool life_fits(const Pw__ChannelLife *f)
{
	const size_t runs = f->n_time / RUN_TIMES, sites = f->n_way;

	return (!f->n_share || f->n_share == 2 * SHARES) && f->n_time % RUN_TIMES == 0 && runs &&
	       runs - 1 <= CHAN_WATCH_BURSTS_MAX && column_fits(f->n_run_looks, runs) &&
	       column_fits(f->n_run_flags, runs) && sites <= CHAN_WATCH_SITES_MAX &&
	       column_fits(f->n_func, sites) && column_fits(f->n_file, sites) &&
	       column_fits(f->n_line, sites) && column_fits(f->n_made_func, sites) &&
	       column_fits(f->n_made_file, sites) && column_fits(f->n_made_line, sites) &&
	       column_fits(f->n_most, sites) && column_fits(f->n_seen, sites) &&
	       column_fits(f->n_cell, CHAN_WATCH_CELLS);
}

static void life_of(struct book *b, const Pw__ChannelLife *f, const struct pw_names *names,
		    struct chan_life *ret)
{
	*ret = (struct chan_life){ .addr = f->addr,
				   .rt = (uint16_t)f->runtime,
				   .closed = f->flags & CHANNEL_LIFE_CLOSED,
				   .timer = f->flags & CHANNEL_LIFE_TIMER,
				   .ended = f->flags & CHANNEL_LIFE_ENDED,
				   .queues_cut = f->flags & CHANNEL_LIFE_QUEUES_CUT,
				   .contended = f->flags & CHANNEL_LIFE_CONTENDED,
				   .elem_name =
					   textpool__get(b->texts, pw_name(names, f->elem_name)),
				   .elem_bytes = f->elem_bytes,
				   .cap = f->cap,
				   .len = f->len,
				   .from_ns = f->from_ns,
				   .to_ns = f->to_ns,
				   .looks = f->looks,
				   .unsure = f->unsure,
				   .fill_max = f->fill_max,
				   .senders_max = f->senders_max,
				   .receivers_max = f->receivers_max,
				   .bursts_more = f->bursts_more,
				   .sites_more = f->sites_more,
				   .bursts_at = (uint32_t)b->watch->nr_bursts,
				   .nr_bursts = (uint32_t)(f->n_time / RUN_TIMES - 1),
				   .sites_at = (uint32_t)b->watch->nr_sites,
				   .nr_sites = (uint32_t)f->n_way };
}

/* By runtime and address; of those that followed each other there, in the order of time. */
static bool follows(const struct chan_life *a, const struct chan_life *b)
{
	if (a->rt != b->rt)
		return a->rt < b->rt;
	if (a->addr != b->addr)
		return a->addr < b->addr;
	return a->ended && a->from_ns <= b->from_ns;
}

static int add_parts(struct book *b, const Pw__ChannelLife *f, const struct pw_names *names,
		     struct chan_life *l)
{
	struct chan_watch *w = b->watch;
	bool fits = shares_of(f, l) && run_of(f, 0, &l->longest) && l->from_ns <= l->to_ns &&
		    l->fill_max <= l->cap && l->len <= l->cap;

	for (size_t i = 0; i < f->n_cell && fits; i++) {
		fits = f->cell[i] <= CELL_MOST;
		l->cells[i] = (uint16_t)f->cell[i];
	}
	for (size_t i = 0; i < l->nr_bursts && fits; i++)
		fits = run_of(f, i + 1, &w->bursts[w->nr_bursts++]);
	for (size_t i = 0; i < f->n_way && fits; i++) {
		fits = f->way[i] == CENSUS_DIR_RECEIVE || f->way[i] == CENSUS_DIR_SEND;
		site_of(b, f, i, names, &w->sites[w->nr_sites++]);
	}
	return fits ? 0 : -EBADMSG;
}

int book__channel_life(struct book *b, const Pw__ChannelLife *f, const struct pw_names *names,
		       struct cause *why)
{
	struct chan_watch *w = b->watch;
	struct chan_life *l;

	if (!w || f->runtime >= b->nr_runtimes || w->nr == CHAN_WATCH_MAX || !life_fits(f))
		return book__bad(why, "what a channel did does not fit together");
	if (vec__reserve(&w->lives, &b->lives_room, w->nr + 1, sizeof(*w->lives)) ||
	    vec__reserve(&w->bursts, &b->bursts_room, w->nr_bursts + CHAN_WATCH_BURSTS_MAX,
			 sizeof(*w->bursts)) ||
	    vec__reserve(&w->sites, &b->sites_room, w->nr_sites + CHAN_WATCH_SITES_MAX,
			 sizeof(*w->sites)))
		return cause__no_memory(why);
	l = &w->lives[w->nr];
	life_of(b, f, names, l);
	if (add_parts(b, f, names, l) || (w->nr && !follows(l - 1, l)))
		return book__bad(why, "what a channel did makes no sense");
	w->nr++;
	return 0;
}
