/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merged: the rows of a snap by what a person sees of them: rows with the same frames, lines and
 * root are one, the largest first.
 */
#ifndef PARKWATCH_VIEW_MERGED_H
#define PARKWATCH_VIEW_MERGED_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "view/rowframes.h"
#include "view/recording.h"

struct merged_row {
	struct frames frames; /* root first; its v is owned by merged */
	/*
	 * a row of the snap that it was made of; what was allocated is the same in all. Borrowed
	 * from there
	 */
	const struct snap_row *like;
	uint64_t count, value;
	/*
	 * half of the 95 % confidence interval of value, as if rows had nothing to do with each
	 * other; 0: exact
	 */
	double error;
};

struct merged;
int merged__new(const struct report *r, struct merged **ret); /* 0 or -ENOMEM */
void merged__free(struct merged *m);
DEFINE_SCOPED(merged)

size_t merged__nr(const struct merged *m);
const struct merged_row *merged__row(const struct merged *m, size_t i);

#endif
