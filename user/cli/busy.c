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

/* "~117 +- 1.2 s"; of a part of a recording no error is known. */
static void estimate(double ns, double error, bool part, char *text, size_t size)
{
	if (part)
		snprintf(text, size, "~%.4g s", ns / NS_PER_SEC);
	else
		snprintf(text, size, "~%.4g +- %.2g s", ns / NS_PER_SEC, error / NS_PER_SEC);
}

int busy__leave_out_idle(struct busy *b, struct report *r, struct cause *why)
{
	const struct snap *all = r->snap;
	const char *before = r->meta->only;
	char left_text[48], all_text[48];
	struct idle_left left;
	int err;

	if (all->event != PROFILE_WALL)
		return cause__set(why, -EINVAL,
				  "--busy is of event wall: this is a recording of %s",
				  report_event_name(all->event));
	err = idle_leave_out(r, &b->snap, &left);
	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	estimate((double)left.ns, left.error, all->part, left_text, sizeof(left_text));
	estimate((double)all->value, (double)all->error, all->part, all_text, sizeof(all_text));
	b->meta = *r->meta;
	snprintf(b->only, sizeof(b->only), "%.80s%swho is busy: %s of %s are left out",
		 before ? before : "", before ? "; " : "", left_text, all_text);
	b->meta.only = b->only;
	r->snap = b->snap;
	r->meta = &b->meta;
	log_info("idle goroutines are left out: %s of %s (%.1f %%), which listeners, "
		 "connections between requests and workers waited for work",
		 left_text, all_text,
		 all->value ? 100 * (double)left.ns / (double)all->value : 0.0);
	return 0;
}
