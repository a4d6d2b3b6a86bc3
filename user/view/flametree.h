/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flametree: the rows of a snap as one tree of frames, for formats that show a flame graph
 * themselves.
 *
 * Children are in order of their names. A tree is cut to a number of nodes, widest first, because a
 * page cannot show a million: what is narrower is left out and counted; its value stays in its
 * parent.
 */
#ifndef PARKWATCH_VIEW_FLAMETREE_H
#define PARKWATCH_VIEW_FLAMETREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "view/rowframes.h"
#include "view/recording.h"

struct flamenode {
	const char *name;
	uint64_t value;          /* with all below it */
	double error;            /* of an estimate: value +- error is a 95 % confidence interval */
	struct flamenode *child; /* first of them */
	struct flamenode *next;  /* next child of the same parent */
};

struct flametree;
/* Names live as long as the framer. */
int flametree__new(const struct report *r, struct rowframer *f, struct flametree **ret);
void flametree__free(struct flametree *t);
DEFINE_SCOPED(flametree)

void flametree__cut(struct flametree *t, size_t max_nodes);
const struct flamenode *flametree__root(const struct flametree *t); /* "all" */
size_t flametree__left_out(const struct flametree *t);              /* nodes */

#endif
