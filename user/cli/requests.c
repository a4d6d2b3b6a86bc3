/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/show.h"
#include "engine/snapshot.h"
#include "view/request_rows.h"

static void say_end(const struct snapshot *t, const struct snapshot_requests *requests,
		    const struct request_rows *rr)
{
	const uint64_t took = clock_now_ns() - t->began_ns;
	size_t nr = 0, moved = 0;
	bool cut = false;

	for (size_t i = 0; i < t->target.nr; i++) {
		nr += t->censuses[i]->nr;
		moved += requests->of[i]->moved;
		cut |= requests->of[i]->cut;
	}
	if (cut)
		log_warn("reading took longer than it may and was cut short: nothing is said");
	if (moved)
		log_info("%zu goroutines moved while they were read: nothing is said of them",
			 moved);
	if (rr->several)
		log_info("%zu goroutines have several requests in hand: nobody knows for which "
			 "they work",
			 rr->several);
	log_info("%zu goroutines; read in %.3g ms", nr, (double)took / NS_PER_MS);
}

static int show(const struct opts *o, const struct format *f, const struct filter *filter,
		const struct snapshot *t, const struct snapshot_requests *requests,
		const struct labelbook *labels, const struct resource *resource,
		struct outfile *out, struct cause *why)
{
	const struct dump_input in = { .censuses = (const struct census *const *)t->censuses,
				       .namers = t->target.namers,
				       .nr = t->target.nr,
				       .labels = labels,
				       .requests = (const struct grequests *const *)requests->of };
	scoped(request_rows) rr = NULL;
	scoped(dump) d = NULL;
	struct report_meta meta;
	int err = show_filtered(o, filter, &in, &d, why);

	if (!err)
		err = request_rows__new(d,
					&(struct request_rows_of){ .route = o->route,
								   .older_ns = o->older_ns },
					&rr);
	if (err)
		return cause__set(why, err, "out of memory");
	rr->resource = resource;
	snapshot__meta(t, &meta);
	err = format__write(f, VIEW_REQUESTS,
			    &(struct shown){ .requests = { .rows = rr, .meta = &meta } },
			    outfile__stream(out), why);
	err = outfile__end(out, err, why);
	if (!err)
		say_end(t, requests, rr);
	return err;
}

static int requests(const struct opts *o, const struct format *f, const struct filter *filter,
		    struct cause *why)
{
	struct deadline until = deadline_in(SNAPSHOT_MOST_NS, NULL);
	struct snapshot_requests of = { .detail = opts_detail(o) };
	struct resource resource = { .nr = 0 };
	scoped(outfile) out = NULL;
	scoped(labelbook) labels = NULL;
	scoped(snapshot) t = NULL;
	int err = labelbook__new(&labels);

	if (err)
		return cause__set(why, err, "out of memory");
	err = outfile__open(o->output, o->mode, &out, why);
	if (!err)
		err = snapshot__new(o->pid, CENSUS_DEPTH_MAX, &until, &t, why);
	if (!err && filter && filter__asks(filter, FILTER_LABEL))
		err = snapshot__labels(t, labels, why);
	if (!err)
		err = snapshot__requests(t, &until, &of, why);
	if (!err)
		err = snapshot__resource(t, &resource, why);
	if (!err)
		err = show(o, f, filter, t, &of, labels, &resource, out, why);
	snapshot_requests__done(&of);
	resource__done(&resource);
	return err;
}

int cmd_requests(const struct opts *o)
{
	return filters_look(o, 2 * SNAPSHOT_MOST_NS, requests);
}
