// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/format.h"
#include "cli/save.h"
#include "engine/fd_peers.h"
#include "engine/refwatch.h"
#include "engine/snapshot.h"
#include "view/refs_facts.h"

#define REFS_DEPTH 256 /* frames of a stack */

/* All goroutines of the last look, and what keeps those that were asked for. */
static int save(const struct opts *o, const struct refwatch *w, const struct refs_show *s, FILE *to,
		struct cause *why)
{
	const struct snapshot *t = refwatch__snapshot(w);
	struct fd_peers peers = { .proc = t->target.proc };
	scoped(factlog) f = NULL;
	int err = save_begin(o, &t->target, s->meta, to, &f, why);

	if (err)
		return err;
	for (uint16_t rt = 0; rt < t->target.nr && !err; rt++)
		err = factlog__look(f, 0, rt, t->wall_ns, t->censuses[rt], NULL);
	if (!err)
		err = refs_facts__write(f, refwatch__refs(w), s);
	if (!err)
		err = fd_peers__save(&peers, t, f);
	fd_peers__done(&peers);
	return save_end(f, s->meta, err, why);
}

static int refs(const struct opts *o, const struct format *f, const struct filter *filter,
		struct cause *why)
{
	const struct refwatch_opts wo = {
		.pid = o->pid,
		.depth = REFS_DEPTH,
		.filter = filter,
		.object = o->addr,
		.proof_ns = o->proof_ns,
	};
	scoped(outfile) saved = NULL;
	scoped(outfile) out = NULL;
	scoped(refwatch) w = NULL;
	struct report_meta meta;
	struct refs_show s;
	int err = outfile__open(o->output, o->mode, &out, why);

	if (!err)
		err = save_open(o, &saved, why);
	if (!err)
		err = refwatch__new(&wo, &w, why);
	if (!err)
		err = job__run(refwatch__job(w), NULL, why);
	if (err)
		return err;
	refwatch__show(w, &meta, &s);
	s.top = o->top;
	if (f->kind == FORMAT_PW)
		err = save(o, w, &s, outfile__stream(out), why);
	else
		err = format__write(f, format_view(o),
				    &(struct shown){
					    .refs = { .refs = refwatch__refs(w), .show = &s } },
				    outfile__stream(out), why);
	err = outfile__end(out, err, why);
	if (!err && saved)
		err = outfile__end(saved, save(o, w, &s, outfile__stream(saved), why), why);
	if (!err && refwatch__no_goal(w))
		log_info("%s", refwatch__no_goal(w));
	return err;
}

int cmd_refs(const struct opts *o)
{
	return filters_look(o, o->proof_ns ? 2 * SNAPSHOT_MOST_NS + o->proof_ns : 0, refs);
}
