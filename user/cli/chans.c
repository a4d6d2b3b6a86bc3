/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/format.h"
#include "cli/save.h"
#include "cli/show.h"
#include "cli/fate.h"
#include "cli/stop.h"
#include "engine/chanwatch.h"
#include "engine/contention.h"
#include "engine/fd_peers.h"

/* CPU time of ours, after the end is asked for, until the report is written */
#define AFTER_NS (900 * NS_PER_MS)

struct read { /* what was read, all borrowed */
	const struct snapshot *t;
	const struct chans_source *sources; /* by rt */
	const struct labelbook *labels;
	const struct chanwatch *watch; /* NULL: nobody asked */
};

static const struct chan_watch *told(const struct read *r)
{
	return r->watch ? chanwatch__told(r->watch) : NULL;
}

/* All goroutines, channels and locks, whatever is shown of them. */
static int save(const struct opts *o, const struct read *r, const struct report_meta *meta,
		FILE *to, struct cause *why)
{
	const struct snapshot *t = r->t;
	struct fd_peers peers = { .proc = t->target.proc };
	scoped(factlog) f = NULL;
	int err = save_begin(o, &t->target, meta, to, &f, why);

	if (err)
		return err;
	for (uint16_t rt = 0; rt < t->target.nr && !err; rt++) {
		err = factlog__look(f, 0, rt, t->wall_ns, t->censuses[rt], r->labels);
		if (!err)
			err = factlog__waits(f, 0, rt, t->wall_ns, t->censuses[rt],
					     &r->sources[rt]);
	}
	if (!err && r->watch)
		factlog__watch(f, told(r));
	if (!err)
		err = fd_peers__save(&peers, t, f);
	fd_peers__done(&peers);
	return save_end(f, meta, err, why);
}

/* What it cost, in words; "": it was not watched. */
static void cost_of(const struct read *r, char *text, size_t size)
{
	const struct chan_watch *w = told(r);
	struct chanwatch_cost c;

	text[0] = '\0';
	if (!w)
		return;
	c = chanwatch__cost(r->watch);
	snprintf(
		text, size,
		"%u looks and %u searches took %.3g s of CPU time, of which %.3g s, %.2g %% of its "
		"own, was the target's loss",
		w->looks, w->searches, (double)c.own_ns / NS_PER_SEC, c.taken_ns / NS_PER_SEC,
		c.target_ns ? 100 * c.taken_ns / (double)c.target_ns : 0);
}

static void say_end(const struct read *r)
{
	const struct chans_source *sources = r->sources;
	const struct snapshot *t = r->t;
	size_t nr = 0, unsettled = 0;
	char cost[256];

	cost_of(r, cost, sizeof(cost));
	if (cost[0])
		log_info("watched for %.3g s: %s", (double)told(r)->duration_ns / NS_PER_SEC, cost);
	for (size_t i = 0; i < t->target.nr; i++) {
		nr += t->censuses[i]->nr;
		unsettled += t->censuses[i]->unsettled + sources[i].chans->unsettled +
			     sources[i].locks->unsettled;
	}
	log_info("%zu goroutines; %zu unsettled; %s in %.3g %s", nr, unsettled,
		 told(r) ? "watched and read" : "read",
		 (double)(t->read_ns - t->began_ns) / (told(r) ? NS_PER_SEC : NS_PER_MS),
		 told(r) ? "s" : "ms");
}

static int write_all(const struct opts *o, const struct format *f, const struct filter *filter,
		     const struct read *r, struct outfile *out, struct outfile *saved,
		     struct cause *why)
{
	const struct snapshot *t = r->t;
	const struct dump_input in = { .censuses = (const struct census *const *)t->censuses,
				       .namers = t->target.namers,
				       .nr = t->target.nr,
				       .labels = r->labels };
	char cost[256];
	FILE *to = outfile__stream(out);
	struct report_meta meta;
	int err;

	snapshot__meta(t, &meta);
	cost_of(r, cost, sizeof(cost));
	meta.cost = cost;
	meta.duration_ns = r->watch ? told(r)->duration_ns : 0;
	err = f->kind == FORMAT_PW
		      ? save(o, r, &meta, to, why)
		      : show_chans(o, f, filter, &in, r->sources, told(r), &meta, to, why);
	err = outfile__end(out, err, why);
	if (!err && saved) {
		err = save(o, r, &meta, outfile__stream(saved), why);
		err = outfile__end(saved, err, why);
	}
	if (!err)
		say_end(r);
	return err;
}

/* Until the time is up, or the end is asked for. The goroutines are those of the end then. */
static int watch(const struct opts *o, struct snapshot *t, struct deadline *until,
		 const volatile sig_atomic_t *stop, struct chanwatch **ret, struct cause *why)
{
	const struct chanwatch_opts wo = { .t = t,
					   .until = until,
					   .duration_ns = o->duration_ns,
					   .depth = CENSUS_DEPTH_MAX,
					   .max_overhead = o->max_overhead / 100 };
	int err = chanwatch__new(&wo, ret);

	if (err)
		return cause__set(why, err, "out of memory");
	return job__run(chanwatch__job(*ret), &(struct jobs_opts){ .stop = stop }, why);
}

static int chans(const struct opts *o, const struct format *f, const struct filter *filter,
		 const volatile sig_atomic_t *stop, struct cause *why)
{
	const bool all = o->save || f->kind == FORMAT_PW;
	struct chans_source sources[GOPROC_RUNTIMES_MAX];
	struct contentions contentions = { 0 };
	struct deadline until = deadline_in(SNAPSHOT_MOST_NS, stop);
	scoped(outfile) saved = NULL;
	scoped(outfile) out = NULL;
	scoped(labelbook) labels = NULL;
	scoped(snapshot) t = NULL;
	scoped(chanwatch) w = NULL;
	int err = labelbook__new(&labels);

	if (err)
		return cause__set(why, err, "out of memory");
	err = save_open(o, &saved, why);
	if (!err)
		err = snapshot__new(o->pid, CENSUS_DEPTH_MAX, &until, &t, why);
	if (!err && o->duration_ns)
		err = watch(o, t, &until, stop, &w, why);
	if (!err && o->duration_ns)
		deadline__move(&until, SNAPSHOT_MOST_NS);
	if (!err && (all || (filter && filter__asks(filter, FILTER_LABEL))))
		err = snapshot__labels(t, labels, why);
	if (!err)
		err = job__run(contentions__job(&contentions,
						&(struct contention_opts){
							.t = t,
							.elements = o->elements,
							.depth = CENSUS_DEPTH_MAX,
							.proof_ns = CONTENTION_PROOF_NS,
						}),
			       NULL, why);
	for (size_t i = 0; !err && i < t->target.nr; i++)
		sources[i] = contention__source(&contentions.of[i]);
	if (!err)
		err = outfile__open(o->output, o->mode, &out, why);
	if (!err)
		err = write_all(o, f, filter,
				&(struct read){
					.t = t, .sources = sources, .labels = labels, .watch = w },
				out, saved, why);
	contentions__done(&contentions);
	return err;
}

static int once(const struct opts *o, const struct format *f, const struct filter *filter,
		struct cause *why)
{
	return chans(o, f, filter, NULL, why);
}

/* As filters_look(), but it has something to tell when the end is asked for. */
static int over_time(const struct opts *o)
{
	const volatile sig_atomic_t *stop;
	const struct format *f = NULL;
	scoped(filter) filter = NULL;
	scoped(fate) target = NULL;
	struct cause why = { "" };
	int err = format_choose(o, &f);

	if (err)
		return err;
	if (filters_make(o, &filter, &why)) {
		log_error("%s", why.text[0] ? why.text : "out of memory");
		return 2;
	}
	stop = stop_on_signals(o->pid, 3 * SNAPSHOT_MOST_NS + o->duration_ns, AFTER_NS);
	target = fate__begin(o->pid);
	err = chans(o, f, filter, stop, &why);
	return err ? fate_failed(target, err, &why) : 0;
}

int cmd_chans(const struct opts *o)
{
	return o->duration_ns ? over_time(o) : filters_look(o, 2 * SNAPSHOT_MOST_NS, once);
}
