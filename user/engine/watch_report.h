/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch_report: what a watch for leaks (engine/watch) tells when it is over: verdicts, what a report
 * says beside them, and all of it as facts. One thread.
 */
#ifndef PARKWATCH_ENGINE_WATCH_REPORT_H
#define PARKWATCH_ENGINE_WATCH_REPORT_H

#include "engine/watch.h"

struct factlog;

/* Of the target's CPU time, in percent; < 0: not known. */
double watch_end_cost_pct(const struct watch_end *e);
/*
 * What leaks, what memory it keeps, which variables hold it, and which requests it works for.
 * suspects: of those too. 0 or negative errno.
 */
int watch__judge(struct watch *w, const struct verdict_opts *o, bool suspects);
/* After that. ret: without suspects and all; it borrows from w, e and ret_meta. */
void watch__show(const struct watch *w, const struct watch_end *e, struct report_meta *ret_meta,
		 struct leaks_show *ret);
/* All goroutines of the look that is the last one now; number: in the file. 0 or negative errno. */
int watch__log_look(struct watch *w, uint32_t number, uint64_t wall_ns, struct factlog *f);
/* The last look, and what all looks told of it. */
int watch__log(struct watch *w, uint32_t number, const struct leaks_show *s, struct factlog *f);

#endif
