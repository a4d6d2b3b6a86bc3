// SPDX-License-Identifier: BSD-2-Clause
#include "cli/busy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "view/idle.h"

void busy__done(struct busy *b)
{
	snap__free(b->snap);
}

int busy__leave_out_idle(struct busy *b, struct report *r, struct cause *why)
{
	const double all_s = (double)r->snap->value / NS_PER_SEC;
	const char *before = r->meta->only;
	uint64_t left_ns;
	double left_s;
	int err;

	if (r->snap->event != PROFILE_WALL)
		return cause__set(why, -EINVAL,
				  "--busy is of event wall: this is a recording of %s",
				  report_event_name(r->snap->event));
	err = idle_leave_out(r, &b->snap, &left_ns);
	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	left_s = (double)left_ns / NS_PER_SEC;
	b->meta = *r->meta;
	snprintf(b->only, sizeof(b->only), "%.80s%swho is busy: ~%.4g s of ~%.4g s are left out",
		 before ? before : "", before ? "; " : "", left_s, all_s);
	b->meta.only = b->only;
	r->snap = b->snap;
	r->meta = &b->meta;
	log_info("idle goroutines are left out: ~%.4g s of ~%.4g s (%.1f %%), which listeners, "
		 "connections between requests and workers waited for work",
		 left_s, all_s, all_s > 0 ? 100 * left_s / all_s : 0.0);
	return 0;
}
