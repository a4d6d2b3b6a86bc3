/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff: what changed from one recording to the other, stack by stack.
 *
 *	text	a table, the greatest change first
 *	folded	`stack before after`, as difffolded.pl writes it, for flamegraph.pl
 *	json	an object: which two, and all stacks that changed, the greatest change first. innermost frame first:
 *
 *	{"before":{"pid":812,"go":"go1.22.1","exe":"/srv/api","window_s":30.0,"total":100},"after":{...},"event":"blocked",
 *	 "unit":"nanoseconds","scale":1,"stacks":[{"before":60,"after":80,"change":20,"reason":"chan receive","root":null,
 *	 "stack":[{"func":"main.worker","file":"/src/x.go","line":12}]}]}
 *
 *	window_s: null where what was counted has no length. scale: what the later one's figures were multiplied by. File and line
 *	are those of the later recording where it has that stack. Allocations have an object, as in rows_json.
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
int diff__json(const struct stack_diff *d, FILE *out, struct cause *why);
int diff__folded(const struct stack_diff *d, FILE *out, struct cause *why);
int diff__html(const struct stack_diff *d, FILE *out, struct cause *why);

#endif
