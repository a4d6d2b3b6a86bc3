// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "cli/commands.h"
#include "cli/fate.h"
#include "cli/filters.h"
#include "cli/format.h"
#include "cli/stop.h"
#include "daemon/refwatch.h"
#include "daemon/snapshot.h"

static int read_address(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 0);
	return errno || *end || end == text || text[0] == '-' || !*ret ? -EINVAL : 0;
}

/* 0, or the exit status, after one line. */
static int check_usage(const struct opts *o, uint64_t *ret_object)
{
	*ret_object = 0;
	if (o->addr && read_address(o->addr, ret_object)) {
		log_error("bad --addr '%s': an address such as 0xc000012345 is wanted", o->addr);
		return 2;
	}
	if (!o->addr && !o->nr_filters) {
		log_error("of which goroutines? give --goid N, --func REGEX or another filter, or "
			  "--addr ADDRESS");
		return 2;
	}
	if (o->addr && o->nr_filters) {
		log_error("--addr asks for an object and --%s for goroutines: give one of them",
			  o->filters[0].name);
		return 2;
	}
	return 0;
}

static int refs(const struct opts *o, const struct format *f, uint64_t object,
		const struct filter *pick, struct cause *why)
{
	const struct refwatch_opts wo = {
		.pid = o->pid,
		.depth = (unsigned int)o->depth,
		.pick = pick,
		.object = object,
		.proof_ns = o->proof_ns,
	};
	scoped(outfile) out = NULL;
	scoped(refwatch) w = NULL;
	struct report_meta meta;
	struct refs_show s;
	int err = outfile__open(o->output, o->mode, &out, why);

	if (!err)
		err = refwatch__new(&wo, &w, why);
	if (err)
		return err;
	refwatch__show(w, &meta, &s);
	s.top = o->top;
	err = f->kind == FORMAT_JSON
		      ? refs_show__json(refwatch__refs(w), &s, outfile__stream(out), why)
		      : refs_show__text(refwatch__refs(w), &s, outfile__stream(out), why);
	err = outfile__end(out, err, why);
	if (!err && refwatch__no_goal(w))
		log_info("%s", refwatch__no_goal(w));
	return err;
}

int cmd_refs(const struct opts *o)
{
	const struct format *f = NULL;
	scoped(filter) pick = NULL;
	scoped(proc) target = NULL;
	struct cause why = { "" };
	uint64_t object;
	int err;

	err = format_choose(o, VIEW_REFS, &f);
	if (!err)
		err = check_usage(o, &object);
	if (err)
		return err;
	err = filters_pick(o, &pick, &why);
	if (err) {
		log_error("%s", why.text[0] ? why.text : strerror(-err));
		return 2;
	}
	stop_at_once(o->pid, o->proof_ns ? 2 * SNAPSHOT_MOST_NS + o->proof_ns : 0);
	target = fate_begin(o->pid);
	err = refs(o, f, object, pick, &why);
	if (!err)
		return 0;
	return fate_failed(target, err, &why);
}
