// SPDX-License-Identifier: BSD-2-Clause
#include "view/stack_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAME_LENGTH 0.02 /* of it: no need to scale */

void stack_diff__free(struct stack_diff *d)
{
	if (!d)
		return;
	free(d->rows);
	free(d->namers);
	free(d);
}

static double scale_of(const struct report_meta *before, const struct report_meta *after)
{
	const double a = (double)before->duration_ns, b = (double)after->duration_ns;

	if (a <= 0 || b <= 0 || (b > a * (1 - SAME_LENGTH) && b < a * (1 + SAME_LENGTH)))
		return 1;
	return a / b;
}

static uint64_t scaled(uint64_t value, double scale)
{
	const double v = (double)value * scale + 0.5;

	return v >= (double)UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

static void take_rows(struct stack_diff *d)
{
	const struct snap *a = d->before->snap, *b = d->after->snap;

	memcpy(d->rows, a->rows, a->nr * sizeof(*d->rows));
	for (size_t i = 0; i < b->nr; i++) {
		struct snap_row *row = &d->rows[a->nr + i];

		*row = b->rows[i];
		row->rt = (uint16_t)(row->rt + d->before->nr_namers);
		if (d->scale < 1 || d->scale > 1)
			row->value = scaled(row->value, d->scale);
	}
	memcpy(d->namers, d->before->namers, d->before->nr_namers * sizeof(*d->namers));
	memcpy(d->namers + d->before->nr_namers, d->after->namers,
	       d->after->nr_namers * sizeof(*d->namers));
}

int stack_diff__new(const struct report *before, const struct report *after,
		    struct stack_diff **ret, struct cause *why)
{
	const struct snap *a = before->snap, *b = after->snap;
	scoped(stack_diff) d = calloc(1, sizeof(*d));

	if (a->event != b->event || a->root != b->root)
		return cause__set(why, -EINVAL,
				  "they cannot be compared: one has '%s', the other '%s'%s",
				  report_event_name(a->event), report_event_name(b->event),
				  a->event == b->event ? " by another --root" : "");
	if (d) {
		d->rows = reallocarray(NULL, a->nr + b->nr + 1, sizeof(*d->rows));
		d->namers = reallocarray(NULL, before->nr_namers + after->nr_namers + 1,
					 sizeof(*d->namers));
	}
	if (!d || !d->rows || !d->namers)
		return cause__no_memory(why);
	d->before = before;
	d->after = after;
	d->nr_before = a->nr;
	d->scale = scale_of(before->meta, after->meta);
	take_rows(d);
	d->snap = *a;
	d->snap.rows = d->rows;
	d->snap.nr = a->nr + b->nr;
	d->report = (struct report){ .snap = &d->snap,
				     .meta = after->meta,
				     .namers = d->namers,
				     .nr_namers = before->nr_namers + after->nr_namers,
				     .full = after->full };
	*ret = steal(d);
	return 0;
}
