// SPDX-License-Identifier: BSD-2-Clause
#include "serve/leak_worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/target.h"
#include "engine/watch_report.h"
#include "serve/frame.h"
#include "serve/worker.h"
#include "view/replay.h"

#define DEPTH        127 /* frames of a stack */
#define PROOF_NS     (10 * NS_PER_SEC)
#define MAX_OVERHEAD 0.01

static const struct verdict_opts usual = {
	.min_age_ns = VERDICT_MIN_AGE_NS,
	.min_count = VERDICT_MIN_COUNT,
	.min_more = VERDICT_MIN_MORE,
	.min_per_min = VERDICT_MIN_PER_MIN,
};

/* The report as a recording, in memory. *ret is to be freed. */
static int recording(struct watch *w, const struct watch_end *e, char **ret, size_t *ret_len,
		     struct cause *why)
{
	scoped(factlog) f = NULL;
	struct report_meta meta;
	struct leaks_show show;
	FILE *to = open_memstream(ret, ret_len);
	int err = to ? watch__judge(w, &usual, false) : -ENOMEM;

	watch__show(w, e, &meta, &show);
	if (!err)
		err = target__log(watch__target(w), &(struct factlog_of){ .view = "leaks" }, &meta,
				  to, &f);
	if (!err)
		err = watch__log(w, 0, &show, f);
	if (!err) {
		replay__write_end(f, &meta);
		err = factlog__end(f, why);
	}
	if (to && fclose(to) && !err)
		err = -ENOMEM;
	return err ? cause__set(why, err, "cannot put the report together: %s", strerror(-err)) : 0;
}

static int tell(struct watch *w, struct cause *why)
{
	scoped_mem char *bytes = NULL;
	struct frame_figures figures;
	struct watch_end end;
	size_t len = 0;
	int err;

	watch__ended(w, &end);
	if (end.target_ended)
		return -ESRCH;
	err = recording(w, &end, &bytes, &len, why);
	if (err)
		return err;
	if (end.code_left[0])
		log_error("%s", end.code_left);
	figures = (struct frame_figures){ .own_cpu_ns = worker_cpu_ns(),
					  .target_cpu_ns = end.cpu_ns,
					  .probes_ns = end.cost_ns,
					  .lost = end.lost };
	err = frame_write(STDOUT_FILENO, &figures, bytes, len);
	return err ? cause__set(why, err, "cannot tell the supervisor: %s", strerror(-err)) : 0;
}

int leak_worker_main(int argc, char **argv)
{
	uint64_t seconds = 0;
	struct watch_opts o = {
		.pid = worker_begin(argc, argv, &seconds),
		.depth = DEPTH,
		.proof_ns = PROOF_NS,
		.max_overhead = MAX_OVERHEAD,
	};
	uint64_t until_ns = clock_now_ns() + LEAK_WORKER_MOST_S * NS_PER_SEC;
	const struct jobs_opts alive = { .progress = worker_goes_on, .ctx = &until_ns };
	scoped(watch) w = NULL;
	struct cause why = { "" };
	int err;

	if (!o.pid)
		return 2;
	o.duration_ns = seconds * NS_PER_SEC;
	worker_goes_on(&until_ns);
	err = watch__open(&o, NULL, &w, &why);
	if (!err)
		err = job__run(watch__job(w), &alive, &why);
	worker_goes_on(&until_ns);
	if (!err)
		err = tell(w, &why);
	worker_say(o.pid, err, "cannot be watched for leaks", &why);
	return err != 0;
}
