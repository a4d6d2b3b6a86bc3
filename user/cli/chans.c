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
#include "engine/fd_peers.h"
#include "engine/contention.h"

/* All goroutines, channels and locks, whatever is shown of them. */
static int save(const struct opts *o, const struct snapshot *t, const struct chans_source *sources,
		const struct labelbook *labels, const struct report_meta *meta, FILE *to,
		struct cause *why)
{
	struct fd_peers peers = { .proc = t->target.proc };
	scoped(factlog) f = NULL;
	int err = save_begin(o, &t->target, meta, to, &f, why);

	if (err)
		return err;
	for (uint16_t rt = 0; rt < t->target.nr && !err; rt++) {
		err = factlog__look(f, 0, rt, t->wall_ns, t->censuses[rt], labels);
		if (!err)
			err = factlog__waits(f, 0, rt, t->wall_ns, t->censuses[rt], &sources[rt]);
	}
	if (!err)
		err = fd_peers__save(&peers, t, f);
	fd_peers__done(&peers);
	return save_end(f, meta, err, why);
}

static void say_end(const struct snapshot *t, const struct chans_source *sources)
{
	size_t nr = 0, unsettled = 0;

	for (size_t i = 0; i < t->target.nr; i++) {
		nr += t->censuses[i]->nr;
		unsettled += t->censuses[i]->unsettled + sources[i].chans->unsettled +
			     sources[i].locks->unsettled;
	}
	log_info("%zu goroutines; %zu unsettled; read in %.3g ms", nr, unsettled,
		 (double)(t->read_ns - t->began_ns) / NS_PER_MS);
}

static int write_all(const struct opts *o, const struct format *f, const struct filter *filter,
		     const struct snapshot *t, const struct chans_source *sources,
		     const struct labelbook *labels, struct outfile *out, struct outfile *saved,
		     struct cause *why)
{
	const struct dump_input in = { .censuses = (const struct census *const *)t->censuses,
				       .namers = t->target.namers,
				       .nr = t->target.nr,
				       .labels = labels };
	FILE *to = outfile__stream(out);
	struct report_meta meta;
	int err;

	snapshot__meta(t, &meta);
	err = f->kind == FORMAT_PW ? save(o, t, sources, labels, &meta, to, why)
				   : show_chans(o, f, filter, &in, sources, &meta, to, why);
	err = outfile__end(out, err, why);
	if (!err && saved) {
		err = save(o, t, sources, labels, &meta, outfile__stream(saved), why);
		err = outfile__end(saved, err, why);
	}
	if (!err)
		say_end(t, sources);
	return err;
}

static int chans(const struct opts *o, const struct format *f, const struct filter *filter,
		 struct cause *why)
{
	const bool all = o->save || f->kind == FORMAT_PW;
	struct chans_source sources[GOPROC_RUNTIMES_MAX];
	struct contentions contentions = { 0 };
	struct deadline until = deadline_in(SNAPSHOT_MOST_NS, NULL);
	scoped(outfile) saved = NULL;
	scoped(outfile) out = NULL;
	scoped(labelbook) labels = NULL;
	scoped(snapshot) t = NULL;
	int err = labelbook__new(&labels);

	if (err)
		return cause__set(why, err, "out of memory");
	err = save_open(o, &saved, why);
	if (!err)
		err = snapshot__new(o->pid, CENSUS_DEPTH_MAX, &until, &t, why);
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
		err = write_all(o, f, filter, t, sources, labels, out, saved, why);
	contentions__done(&contentions);
	return err;
}

int cmd_chans(const struct opts *o)
{
	return filters_look(o, 2 * SNAPSHOT_MOST_NS, chans);
}
