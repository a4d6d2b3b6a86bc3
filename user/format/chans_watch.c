// SPDX-License-Identifier: BSD-2-Clause
#include "format/chans_watch.h"

#include "base/clock.h"
#include "facts/goroutines.h"
#include "model/chanstat.h"

#define BURSTS_SHOWN 8
#define SITES_SHOWN  6
#define ADDRS_SHOWN  8

/* --- text --- */

static double seconds(uint64_t ns)
{
	return (double)ns / NS_PER_SEC;
}

static void put_share(struct textbuf *to, const char *before, const struct chan_share *s,
		      const char *after)
{
	textbuf__format(to, "%s%.1f %%%s (%.1f to %.1f)", before, 100 * s->is, after,
			100 * chan_share_least(s), 100 * chan_share_most(s));
}

static uint64_t least_for(const struct chan_run *r)
{
	return r->last_ns - r->first_ns;
}

/* Of one that was never seen: what falls between two looks. */
static uint64_t most_for(const struct chan_watch *w, const struct chan_run *r)
{
	if (!r->looks)
		return 2 * w->period_ns;
	return r->after_ns - r->before_ns;
}

static void put_run(struct textbuf *to, const struct chan_watch *w, const struct chan_run *r)
{
	textbuf__format(to, "%.3g s (%.3g to %s%.3g)", seconds(chan_run_for_ns(r)),
			seconds(least_for(r)), r->open_begin || r->open_end ? "more than " : "",
			seconds(most_for(w, r)));
}

static void put_bursts(struct textbuf *to, const struct chan_watch *w, const struct chan_life *l)
{
	if (!l->nr_bursts)
		return;
	textbuf__format(to, "  bursts     %u of %.0f %% or more at %u looks in a row:",
			l->nr_bursts + l->bursts_more, 100 * CHANSTAT_FULL_SHARE,
			CHANSTAT_BURST_LOOKS);
	for (uint32_t i = 0; i < l->nr_bursts && i < BURSTS_SHOWN; i++) {
		const struct chan_run *r = &w->bursts[l->bursts_at + i];

		textbuf__format(to, "%s at %s%.2f s for ", i ? "," : "",
				r->open_begin ? "or before " : "", seconds(chan_run_at_ns(r)));
		put_run(to, w, r);
	}
	textbuf__text(to, l->nr_bursts + l->bursts_more > BURSTS_SHOWN ? ", ...\n" : "\n");
}

static void put_sites(struct textbuf *to, const struct chan_watch *w, const struct chan_life *l)
{
	for (uint32_t i = 0; i < l->nr_sites && i < SITES_SHOWN; i++) {
		const struct chan_site *s = &w->sites[l->sites_at + i];

		textbuf__format(to, "  %s  %u at most at %s %s:%u\n",
				s->direction == CENSUS_DIR_SEND ? "senders  " : "receivers",
				s->most, s->func, s->file[0] ? s->file : "?", s->line);
		if (s->made_func[0])
			textbuf__format(to, "             created by %s %s:%u\n", s->made_func,
					s->made_file, s->made_line);
	}
	if (l->nr_sites > SITES_SHOWN)
		textbuf__format(to, "             and %u more places\n", l->nr_sites - SITES_SHOWN);
}

static void put_buffer(struct textbuf *to, const struct chan_watch *w, const struct chan_life *l)
{
	put_share(to, "  fill       ", &l->fill, " on average");
	textbuf__format(to, "; %llu at most\n", (unsigned long long)l->fill_max);
	put_share(to, "  full       ", &l->full, " of the time");
	if (l->longest.looks) {
		textbuf__text(to, "; the longest for ");
		put_run(to, w, &l->longest);
	}
	put_share(to, "\n  empty      ", &l->empty, " of the time");
	textbuf__text(to, "\n");
}

static void put_doubts(struct textbuf *to, const struct chan_life *l)
{
	if (l->ended)
		textbuf__format(to,
				"  gone       after %.3g s: freed, or its address is another's\n",
				seconds(l->to_ns - l->from_ns));
	if (l->unsure)
		textbuf__format(to,
				"  doubt      before %u looks so much was collected that it may be "
				"another one, of the same type and size\n",
				l->unsure);
}

static void put_name(struct textbuf *to, const struct chan_life *l)
{
	textbuf__format(to, "chan 0x%llx", (unsigned long long)l->addr);
	if (l->elem_name[0])
		textbuf__format(to, " of %s", l->elem_name);
	textbuf__format(to, " (%u bytes)", l->elem_bytes);
	if (l->cap)
		textbuf__format(to, ", room for %llu", (unsigned long long)l->cap);
	else
		textbuf__text(to, ", unbuffered");
}

static void put_one(struct textbuf *to, const struct chan_watch *w, const struct chan_life *l)
{
	put_name(to, l);
	textbuf__format(to, "%s%s: %u looks", l->closed ? ", closed" : "",
			l->timer ? ", fed by a timer" : "", l->looks);
	if (l->looks)
		textbuf__format(to, " from %.3g to %.3g s", seconds(l->from_ns), seconds(l->to_ns));
	textbuf__text(to, "\n");
	if (l->looks && l->cap)
		put_buffer(to, w, l);
	if (l->looks) {
		put_share(to, "  queued     to send ", &l->sends, " of the time");
		textbuf__format(to, ", %u at most", l->senders_max);
		put_share(to, "; to receive ", &l->receives, "");
		textbuf__format(to, ", %u at most%s\n", l->receivers_max,
				l->queues_cut ? "; there may have been more" : "");
	}
	if (l->contended)
		textbuf__format(to,
				"  contended  many send to it: %u or more queued at a tenth of "
				"the looks\n",
				CHANSTAT_CROWD);
	put_bursts(to, w, l);
	put_sites(to, w, l);
	put_doubts(to, l);
}

/* Nothing was ever in it, and nobody waited to send: it is in nobody's way. */
static bool is_idle(const struct chan_life *l)
{
	return !l->fill_max && !l->senders_max && !l->closed;
}

static void put_idle(struct textbuf *to, const struct watched_chans *c,
		     const struct watched_fold *f)
{
	const struct chan_life *l = c->v[f->first];
	const struct chan_site *s = l->nr_sites ? &c->w->sites[l->sites_at] : NULL;

	if (f->nr > 1)
		textbuf__format(to, "%u like this: ", f->nr);
	put_name(to, l);
	textbuf__format(to, ": nothing in it, nobody waits to send; %u looks", l->looks);
	if (s)
		textbuf__format(to, "; to receive %u at most at %s %s:%u", s->most, s->func,
				s->file[0] ? s->file : "?", s->line);
	if (l->nr_sites > 1)
		textbuf__format(to, " and %u more places", l->nr_sites - 1);
	textbuf__text(to, "\n");
}

/* The one that is told is the one that is most in the way. */
static void put_fold(struct textbuf *to, const struct watched_chans *c,
		     const struct watched_fold *f)
{
	if (is_idle(c->v[f->first])) {
		put_idle(to, c, f);
		return;
	}
	put_one(to, c->w, c->v[f->first]);
	if (f->nr > 1) {
		const struct chan_life *last = c->v[f->first + f->nr - 1];

		textbuf__format(to,
				"  and %u more like it, less so; full %.1f %% of the time the "
				"least:",
				f->nr - 1, 100 * last->full.is);
		for (uint32_t i = 1; i < f->nr && i <= ADDRS_SHOWN; i++)
			textbuf__format(to, " 0x%llx",
					(unsigned long long)c->v[f->first + i]->addr);
		textbuf__text(to, f->nr - 1 > ADDRS_SHOWN ? " ...\n" : "\n");
	}
	textbuf__text(to, "\n");
}

void chans_watch__text(const struct watched_chans *c, struct textbuf *to)
{
	const struct chan_watch *w = c->w;

	textbuf__format(
		to,
		"%zu channel%s watched for %.3g s: %u looks, each at a random moment of its "
		"%.3g s; %u searches for channels; (a to b) is a 95 %% interval\n",
		c->nr, c->nr == 1 ? "" : "s", seconds(w->duration_ns), w->looks,
		seconds(w->period_ns), w->searches);
	if (w->refused)
		textbuf__format(to, "%llu more channels were not watched: over the bound\n",
				(unsigned long long)w->refused);
	if (w->cut)
		textbuf__text(to, "not all of large stacks was looked through: there may be more "
				  "channels with a buffer\n");
	textbuf__text(to, "\n");
	for (size_t i = 0; i < c->nr_folds && !to->err; i++)
		put_fold(to, c, &c->folds[i]);
	if (c->nr_folds && is_idle(c->v[c->folds[c->nr_folds - 1].first]))
		textbuf__text(to, "\n");
}

/* --- JSON --- */

static void json_seconds_interval(struct json_writer *j, const char *name, uint64_t least_ns,
				  uint64_t most_ns)
{
	jsonw_array_field(j, name);
	jsonw_seconds(j, least_ns);
	jsonw_seconds(j, most_ns);
	jsonw_end_array(j);
}

static void json_share(struct json_writer *j, const char *name, const char *interval,
		       const struct chan_share *s, bool known)
{
	if (!known) {
		jsonw_null_field(j, name);
		jsonw_null_field(j, interval);
		return;
	}
	jsonw_float_field(j, name, s->is, 4);
	jsonw_array_field(j, interval);
	jsonw_float(j, chan_share_least(s), 4);
	jsonw_float(j, chan_share_most(s), 4);
	jsonw_end_array(j);
}

static void json_burst(struct json_writer *j, const struct chan_watch *w, const struct chan_run *r)
{
	jsonw_start_object(j);
	jsonw_seconds_field(j, "at_s", chan_run_at_ns(r));
	json_seconds_interval(j, "at_s_interval", r->before_ns, r->first_ns);
	jsonw_seconds_field(j, "for_s", chan_run_for_ns(r));
	json_seconds_interval(j, "for_s_interval", least_for(r), most_for(w, r));
	jsonw_bool_field(j, "began_before", r->open_begin);
	jsonw_bool_field(j, "went_on", r->open_end);
	jsonw_end_object(j);
}

static void json_site(struct json_writer *j, const struct chan_site *s)
{
	jsonw_start_object(j);
	jsonw_string_field(j, "dir", s->direction == CENSUS_DIR_SEND ? "send" : "receive");
	jsonw_uint_field(j, "most", s->most);
	jsonw_uint_field(j, "searches", s->searches);
	jsonw_string_field(j, "func", s->func);
	jsonw_string_field(j, "file", s->file);
	jsonw_uint_field(j, "line", s->line);
	if (s->made_func[0]) {
		jsonw_object_field(j, "created_by");
		jsonw_string_field(j, "func", s->made_func);
		jsonw_string_field(j, "file", s->made_file);
		jsonw_uint_field(j, "line", s->made_line);
		jsonw_end_object(j);
	} else {
		jsonw_null_field(j, "created_by");
	}
	jsonw_end_object(j);
}

static void json_strip(struct json_writer *j, const struct chan_life *l)
{
	jsonw_array_field(j, "strip");
	for (size_t i = 0; i < CHAN_WATCH_CELLS && l->cap; i++) {
		if (l->cells[i])
			jsonw_float(j, (l->cells[i] - 1) / 1000.0, 3);
		else
			jsonw_null(j);
	}
	jsonw_end_array(j);
}

static void json_figures(struct json_writer *j, const struct chan_watch *w,
			 const struct chan_life *l)
{
	const bool looked = l->looks, fills = looked && l->cap;

	jsonw_uint_field(j, "looks", l->looks);
	json_share(j, "fill_mean", "fill_mean_interval", &l->fill, fills);
	jsonw_uint_field(j, "fill_max", l->fill_max);
	json_share(j, "full_ratio", "full_ratio_interval", &l->full, fills);
	json_share(j, "empty_ratio", "empty_ratio_interval", &l->empty, fills);
	json_share(j, "senders_ratio", "senders_ratio_interval", &l->sends, looked);
	json_share(j, "receivers_ratio", "receivers_ratio_interval", &l->receives, looked);
	jsonw_uint_field(j, "senders_max", l->senders_max);
	jsonw_uint_field(j, "receivers_max", l->receivers_max);
	jsonw_bool_field(j, "queues_cut", l->queues_cut);
	jsonw_bool_field(j, "contended", l->contended);
	jsonw_seconds_field(j, "full_longest_s", chan_run_for_ns(&l->longest));
	json_seconds_interval(j, "full_longest_s_interval", least_for(&l->longest),
			      most_for(w, &l->longest));
}

void chans_watch__json(const struct chan_watch *w, const struct chan_life *l, struct json_writer *j)
{
	if (!l) {
		jsonw_null_field(j, "watched");
		return;
	}
	jsonw_object_field(j, "watched");
	json_figures(j, w, l);
	jsonw_array_field(j, "bursts");
	for (uint32_t i = 0; i < l->nr_bursts; i++)
		json_burst(j, w, &w->bursts[l->bursts_at + i]);
	jsonw_end_array(j);
	jsonw_uint_field(j, "bursts_more", l->bursts_more);
	jsonw_array_field(j, "sites");
	for (uint32_t i = 0; i < l->nr_sites; i++)
		json_site(j, &w->sites[l->sites_at + i]);
	jsonw_end_array(j);
	jsonw_uint_field(j, "sites_more", l->sites_more);
	jsonw_seconds_field(j, "from_s", l->from_ns);
	jsonw_seconds_field(j, "to_s", l->to_ns);
	jsonw_bool_field(j, "ended", l->ended);
	jsonw_uint_field(j, "unsure", l->unsure);
	json_strip(j, l);
	jsonw_end_object(j);
}

void chans_watch__json_head(const struct chan_watch *w, struct json_writer *j)
{
	jsonw_object_field(j, "watch");
	jsonw_seconds_field(j, "duration_s", w->duration_ns);
	jsonw_uint_field(j, "looks", w->looks);
	jsonw_uint_field(j, "searches", w->searches);
	jsonw_seconds_field(j, "period_s", w->period_ns);
	jsonw_string_field(j, "estimate",
			   "one look at a random moment of each period; intervals are 95 %");
	jsonw_uint_field(j, "refused", w->refused);
	jsonw_bool_field(j, "stacks_cut", w->cut);
	jsonw_end_object(j);
}
