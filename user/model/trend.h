/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trend: how fast a figure grows: the slope of the line that fits best (least squares) through what
 * looks saw. One look that is high or low moves it little. Pure.
 */
#ifndef PARKWATCH_MODEL_TREND_H
#define PARKWATCH_MODEL_TREND_H

#include <stdbool.h>

#include "model/history.h"

struct trend { /* sums over the points; all 0: there is none */
	double nr, x, y, xx, xy;
};

void trend__add(struct trend *t, double x, double y);
/* y for each x. false: fewer than two different x, or no finite number. */
bool trend__slope(const struct trend *t, double *ret);

/* Goroutines a minute, over the cells of 10 s: the last 10 min. false: looks in one cell at most. h may be NULL. */
bool trend_of_history(const struct history *h, double *ret);

#endif
