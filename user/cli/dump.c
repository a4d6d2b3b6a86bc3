/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/filters.h"
#include "cli/save.h"
#include "cli/show.h"
#include "engine/fd_peers.h"
#include "engine/snapshot.h"
#include "golang/gostate.h"

/* What was read, whatever is shown of it. */
struct looked {
	const struct snapshot *t;
	const struct labelbook *labels;
	const struct snapshot_requests *requests; /* none: nobody asked */
	struct dump *d;
};

static int save(const struct opts *o, const struct looked *in, struct fd_peers *peers,
		const struct report_meta *meta, FILE *to, struct cause *why)
{
	const struct snapshot *t = in->t;
	scoped(factlog) f = NULL;
	int err = save_begin(o, &t->target, meta, to, &f, why);

	if (err)
		return err;
	for (size_t rt = 0; rt < t->target.nr && !err; rt++)
		err = factlog__look(f, 0, (uint16_t)rt, t->wall_ns, t->censuses[rt], in->labels);
	for (size_t rt = 0; rt < in->requests->nr && !err; rt++)
		err = factlog__requests(f, 0, (uint16_t)rt, t->wall_ns, t->censuses[rt],
					in->requests->of[rt]);
	if (!err)
		err = fd_peers__save(peers, t, f);
	return save_end(f, meta, err, why);
}

/* "1203 goroutines (1198 waiting, 4 runnable, 1 running), 17 shown; read in 12 ms" */
static void say_end(const struct snapshot *t, const struct dump *d, const struct labelbook *labels,
		    const struct deadline *until)
{
	const uint64_t took = t->read_ns - t->began_ns;
	char states[256] = "";
	size_t used = 0;

	for (uint32_t s = 0; s < DUMP_STATUS_MAX; s++) {
		const char *name = gostatus_name(t->target.namers[0].go_minor, s);

		if (d->counts.by_status[s] && used < sizeof(states))
			used += (size_t)snprintf(states + used, sizeof(states) - used, "%s%zu %s",
						 used ? ", " : "", d->counts.by_status[s],
						 name ? name : "unknown");
	}
	if (d->counts.refused)
		log_warn("%zu goroutines are left out: more than this parkwatch keeps; a smaller "
			 "--depth may help",
			 d->counts.refused);
	if (d->counts.not_read)
		log_warn("reading took longer than %.3g s and was cut short: %zu goroutines were "
			 "read; of %zu more, ended ones among them, nothing is known",
			 (double)SNAPSHOT_CENSUS_NS / NS_PER_SEC, d->counts.nr, d->counts.not_read);
	if (until->hit)
		log_warn("reading took longer than %.3g s and was cut short: labels and channels "
			 "may be missing",
			 (double)SNAPSHOT_MOST_NS / NS_PER_SEC);
	if (labelbook__unread(labels))
		log_warn("%llu sets of labels could not be read",
			 (unsigned long long)labelbook__unread(labels));
	log_info("%zu goroutines%s%s%s, %zu shown; %zu unsettled; %zu dead g structures keep %.4g "
		 "kB of stacks; read in %.3g %s",
		 d->counts.nr, states[0] ? " (" : "", states, states[0] ? ")" : "", d->nr,
		 d->counts.unsettled, d->counts.dead.nr, (double)d->counts.dead.stack_bytes / 1000,
		 (double)took / (took < NS_PER_SEC ? NS_PER_MS : NS_PER_SEC),
		 took < NS_PER_SEC ? "ms" : "s");
}

/* What is read, as it was asked for, and all of it where it is to be saved. */
static int write_all(const struct opts *o, const struct format *f, const struct filter *filter,
		     const struct looked *in, struct outfile *out, struct outfile *saved,
		     struct cause *why)
{
	struct fd_peers peers = { .proc = in->t->target.proc };
	struct resource resource = { .nr = 0 };
	struct report_meta meta;
	const struct show_of of = { .meta = &meta, .peer = fd_peers__text, .peer_ctx = &peers };
	FILE *to = outfile__stream(out);
	int err;

	snapshot__meta(in->t, &meta);
	meta.resource = &resource;
	err = snapshot__resource(in->t, &resource, why);
	if (!err)
		err = f->kind == FORMAT_PW ? save(o, in, &peers, &meta, to, why)
					   : show_dump(o, f, filter, in->d, &of, to, why);
	err = outfile__end(out, err, why);
	if (!err && saved)
		err = outfile__end(saved, save(o, in, &peers, &meta, outfile__stream(saved), why),
				   why);
	fd_peers__done(&peers);
	resource__done(&resource);
	return err;
}

/* Requests are told of goroutines one by one. */
static int check_format(const struct opts *o, const struct format *f, struct cause *why)
{
	if (f->kind == FORMAT_TEXT || f->kind == FORMAT_JSON || f->kind == FORMAT_JSONL ||
	    f->kind == FORMAT_PW)
		return 0;
	return cause__set(why, -EINVAL, "--%s goes with text, json, jsonl and pw, not with %s",
			  o->requests ? "requests" : "over-deadline", f->name);
}

static int dump(const struct opts *o, const struct format *f, const struct filter *filter,
		struct cause *why)
{
	const bool all = o->save || f->kind == FORMAT_PW, asks = o->requests || o->over_deadline;
	struct deadline until = deadline_in(SNAPSHOT_MOST_NS, NULL),
			census = deadline_in(SNAPSHOT_CENSUS_NS, NULL);
	struct snapshot_requests requests = { .detail = opts_detail(o) };
	struct snapshot_job taking = {
		.pid = o->pid, .depth = (unsigned int)o->depth, .until = &until, .census = &census
	};
	scoped(outfile) saved = NULL;
	scoped(outfile) out = NULL;
	scoped(snapshot) t = NULL;
	scoped(labelbook) labels = NULL;
	scoped(dump) d = NULL;
	int err = asks ? check_format(o, f, why) : 0;

	if (err)
		return err;
	err = labelbook__new(&labels);
	if (err)
		return cause__set(why, err, "out of memory");
	err = outfile__open(o->output, o->mode, &out, why);
	if (!err)
		err = save_open(o, &saved, why);
	if (!err)
		err = job__run(snapshot__job(&taking), NULL, why);
	t = taking.t;
	if (!err && (all || o->objects || f->kind == FORMAT_JSON || f->kind == FORMAT_JSONL))
		err = snapshot__paths(t, why);
	if (!err)
		err = snapshot__labels(t, labels, why);
	if (!err && asks)
		err = snapshot__requests(t, &until, &requests, why);
	if (!err)
		err = show_filtered(o, filter,
				    &(struct dump_input){
					    .censuses = (const struct census *const *)t->censuses,
					    .namers = t->target.namers,
					    .nr = t->target.nr,
					    .labels = labels,
					    .requests = asks ? (const struct grequests *const *)
									requests.of
							     : NULL,
				    },
				    &d, why);
	if (!err)
		err = write_all(o, f, filter, &(struct looked){ t, labels, &requests, d }, out,
				saved, why);
	if (!err)
		say_end(t, d, labels, &until);
	snapshot_requests__done(&requests);
	return err;
}

int cmd_dump(const struct opts *o)
{
	return filters_look(o, 2 * SNAPSHOT_MOST_NS, dump);
}
