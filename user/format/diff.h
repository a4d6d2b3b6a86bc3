/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff: what changed from one recording to the other, stack by stack.
 *
 *	text	a table, the greatest change first
 *	folded	`stack before after`, as difffolded.pl writes it, for flamegraph.pl
 *	html	a flame graph of both together: what grew is red, what shrank blue (format/html)
 * All return 0, or negative errno of writing, -ENOMEM; with a cause.
 */
#ifndef PARKWATCH_FORMAT_DIFF_H
#define PARKWATCH_FORMAT_DIFF_H

#include <stddef.h>
#include <stdio.h>

#include "view/stack_diff.h"

/* top: how many stacks; 0: all */
int diff__text(const struct stack_diff *d, size_t top, FILE *out, struct cause *why);
int diff__folded(const struct stack_diff *d, FILE *out, struct cause *why);
int diff__html(const struct stack_diff *d, FILE *out, struct cause *why);

#endif
