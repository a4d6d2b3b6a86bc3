/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "cli/commands.h"
#include "cli/fate.h"
#include "cli/filters.h"
#include "cli/format.h"
#include "cli/stop.h"
#include "daemon/contention.h"
#include "view/chans.h"

static int show(const struct opts *o, const struct format *f, const struct filter *pick,
		const struct snapshot *t, const struct chans_source *sources,
		const struct labelbook *labels, struct cause *why)
{
	const struct dump_input in = { .censuses = (const struct census *const *)t->censuses,
				       .namers = t->target.namers,
				       .nr = t->target.nr,
				       .labels = labels };
	const struct dump_opts dopts = { .pick = pick, .system = true };
	struct report_meta meta;
	const struct chans_show s = { .meta = &meta, .elements = o->elements };
	scoped(outfile) out = NULL;
	scoped(dump) d = NULL;
	scoped(chans) cs = NULL;
	int err;

	snapshot__meta(t, &meta);
	err = outfile__open(o->output, o->mode, &out, why);
	if (err)
		return err;
	err = dump__new(&in, &dopts, &d);
	if (!err)
		err = chans__new(d, sources, &cs);
	if (err)
		return cause__set(why, err, "cannot put the channels together: %s", strerror(-err));
	err = format__write(f, format_view(o),
			    &(struct shown){ .chans = { .chans = cs, .show = &s } },
			    outfile__stream(out), why);
	err = outfile__end(out, err, why);
	if (!err)
		log_info("%zu goroutines; %zu unsettled; read in %.3g ms", d->counts.nr,
			 d->counts.unsettled + cs->unsettled,
			 (double)(t->read_ns - t->began_ns) / NS_PER_MS);
	return err;
}

static int chans(const struct opts *o, const struct format *f, const struct filter *pick,
		 struct cause *why)
{
	struct chans_source sources[GOPROC_RUNTIMES_MAX];
	struct contention knots[GOPROC_RUNTIMES_MAX] = { 0 };
	struct deadline until = deadline_in(SNAPSHOT_MOST_NS, NULL);
	scoped(labelbook) labels = NULL;
	scoped(snapshot) t = NULL;
	int err = labelbook__new(&labels);

	if (err)
		return cause__set(why, err, "out of memory");
	err = snapshot__new(o->pid, CENSUS_DEPTH_MAX, &until, NULL, &t, why);
	if (!err && pick && filter__asks(pick, FILTER_LABEL))
		err = snapshot__labels(t, labels, why);
	for (size_t i = 0; !err && i < t->target.nr; i++) {
		err = contention__read(&knots[i], t, i, o->elements, CENSUS_DEPTH_MAX,
				       CONTENTION_PROOF_NS, why);
		sources[i] = contention__source(&knots[i]);
	}
	if (!err)
		err = show(o, f, pick, t, sources, labels, why);
	for (size_t i = 0; i < GOPROC_RUNTIMES_MAX; i++)
		contention__done(&knots[i]);
	return err;
}

int cmd_chans(const struct opts *o)
{
	const struct format *f = NULL;
	scoped(filter) pick = NULL;
	scoped(proc) target = NULL;
	struct cause why = { "" };
	int err;

	err = format_choose(o, &f);
	if (err)
		return err;
	err = filters_pick(o, &pick, &why);
	if (err) {
		log_error("%s", why.text[0] ? why.text : strerror(-err));
		return 2;
	}
	stop_at_once(o->pid, 2 * SNAPSHOT_MOST_NS);
	target = fate_begin(o->pid);
	err = chans(o, f, pick, &why);
	if (!err)
		return 0;
	return fate_failed(target, err, &why);
}
