// SPDX-License-Identifier: BSD-2-Clause
#include "model/trend.h"

#include <math.h>

#include "base/clock.h"

void trend__add(struct trend *t, double x, double y)
{
	t->nr++;
	t->x += x;
	t->y += y;
	t->xx += x * x;
	t->xy += x * y;
}

bool trend__slope(const struct trend *t, double *ret)
{
	const double spread = t->nr * t->xx - t->x * t->x,
		     slope = (t->nr * t->xy - t->x * t->y) / spread;

	if (!(spread > 0) || !isfinite(slope))
		return false;
	*ret = slope;
	return true;
}

bool trend_of_history(const struct history *h, double *ret)
{
	const double step_min = (double)history_step_ns(HISTORY_10S) / (60.0 * NS_PER_SEC);
	struct trend t = { 0 };

	for (size_t age = 0; h && age < history_cells(HISTORY_10S); age++) {
		const struct history_cell *c = history__cell(h, HISTORY_10S, age);

		if (c)
			trend__add(&t, -(double)age * step_min, (double)c->total.sum / c->looks);
	}
	return trend__slope(&t, ret);
}
