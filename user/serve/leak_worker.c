// SPDX-License-Identifier: BSD-2-Clause
#include "serve/leak_worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/restraint.h"
#include "engine/target.h"
#include "engine/watch_report.h"
#include "serve/leak_figures.h"
#include "serve/stored_look.h"
#include "serve/tell.h"
#include "serve/wire.h"
#include "serve/worker.h"

#define DEPTH        127 /* frames of a stack */
#define PROOF_NS     (10 * NS_PER_SEC)
#define MAX_OVERHEAD 0.01

static const struct verdict_opts usual = {
	.min_age_ns = VERDICT_MIN_AGE_NS,
	.min_count = VERDICT_MIN_COUNT,
	.min_more = VERDICT_MIN_MORE,
	.min_per_min = VERDICT_MIN_PER_MIN,
};

struct report_of {
	struct watch *w;
	const struct leaks_show *show;
};

static int put_report(void *ctx, struct factlog *f)
{
	const struct report_of *of = ctx;

	return watch__log(of->w, 0, of->show, f);
}

static int report(struct watch *w, const struct watch_end *end, struct told *ret,
		  struct leak_figures *ret_figures, struct cause *why)
{
	struct report_meta meta;
	struct leaks_show show;
	struct report_of of = { w, &show };
	const struct tell t = { .target = watch__target(w),
				.of = { .view = STORED_LEAKS_VIEW },
				.meta = &meta,
				.put = put_report,
				.ctx = &of };
	const int err = watch__judge(w, &usual, false);

	if (err)
		return cause__set(why, err, "cannot judge what was seen: %s", strerror(-err));
	watch__show(w, end, &meta, &show);
	leak_figures_of(watch__leaks(w), ret_figures);
	return tell_recording(&t, ret, why);
}

static int tell(struct watch *w, struct cause *why)
{
	struct leak_figures leaks;
	struct frame_figures figures;
	struct watch_end end;
	struct told told;
	int err;

	watch__ended(w, &end);
	if (end.target_ended)
		return -ESRCH;
	told__init(&told);
	err = report(w, &end, &told, &leaks, why);
	if (!err && end.code_left[0])
		log_error("%s", end.code_left);
	figures = (struct frame_figures){ .own_cpu_ns = worker_cpu_ns(),
					  .target_cpu_ns = end.cpu_ns,
					  .probes_ns = end.cost_ns,
					  .lost = end.lost };
	if (!err)
		err = tell_frame(&figures, &told,
				 (struct frame_bytes){ (const char *)&leaks, sizeof(leaks) },
				 (struct frame_bytes){ .v = NULL }, why);
	told__done(&told);
	return err;
}

int leak_worker_main(int argc, char **argv)
{
	uint64_t seconds = 0;
	struct watch_opts o = {
		.pid = worker_begin(argc, argv, &seconds),
		.depth = DEPTH,
		.proof_ns = PROOF_NS,
		.max_overhead = MAX_OVERHEAD,
		.detail = GREQUEST_ROUTES,
	};
	uint64_t until_ns = clock_now_ns() + LEAK_WORKER_MOST_S * NS_PER_SEC;
	const struct jobs_opts alive = { .progress = worker_goes_on, .ctx = &until_ns };
	scoped(watch) w = NULL;
	struct cause why = { "" };
	int err;

	if (!o.pid)
		return 2;
	o.duration_ns = seconds * NS_PER_SEC;
	if (strtoul(argv[WORKER_ARGS - 1], NULL, 10) & WORKER_REQUEST_DETAIL)
		o.detail = GREQUEST_PATHS;
	worker_goes_on(&until_ns);
	err = watch__open(&o, NULL, &w, &why);
	if (!err)
		restraint__give_way(watch__target(w)->gp, watch__target(w)->proc);
	if (!err)
		err = job__run(watch__job(w), &alive, &why);
	worker_goes_on(&until_ns);
	if (!err)
		err = tell(w, &why);
	worker_say(o.pid, err, "cannot be watched for leaks", &why);
	return err != 0;
}
