/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack_diff: what two snaps count by stack, as one report with two numbers a stack.
 *
 * Stacks are the same if they have the same names: of another process, another build, another day.
 * If the recordings differ in length, the later one is scaled to the length of the earlier one.
 */
#ifndef PARKWATCH_VIEW_STACK_DIFF_H
#define PARKWATCH_VIEW_STACK_DIFF_H

#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "view/recording.h"

struct stack_diff {           /* read only for others */
	struct report report; /* rows of both: the first nr_before are of the earlier one */
	const struct report *before, *after; /* borrowed */
	size_t nr_before;
	double scale; /* what values of the later one were multiplied by; 1: as they were */
	struct snap snap;
	struct snap_row *rows;
	struct namer *namers;
};

/*
 * before, after: borrowed until free, with all that they borrow. -EINVAL: they count different
 * things; -ENOMEM; with a cause.
 */
int stack_diff__new(const struct report *before, const struct report *after,
		    struct stack_diff **ret, struct cause *why);
void stack_diff__free(struct stack_diff *d);
DEFINE_SCOPED(stack_diff)

#endif
