/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * folded: one line a stack, `root;frame;leaf 123`, in byte order of the lines; equal stacks are one
 * line.
 *
 * What flamegraph.pl reads: it splits a line by ^(.*)\s+?(\d+(?:\.\d*)?)$, then the stack at every
 * `;`, and if the stack again ends in a blank and a number it takes that for a second count (a
 * differential). So in a frame `;` becomes `:`, and blanks stay, as in `[chan receive]`, except
 * before a number at the very end of a stack, where the blank becomes `_`. Names have no line ends
 * or control characters any more (base/textpool).
 */
#ifndef PARKWATCH_FORMAT_FOLDED_H
#define PARKWATCH_FORMAT_FOLDED_H

#include <stddef.h>

#include "view/rowframes.h"

/*
 * The stack as folded writes it, without its value, NUL-terminated. Bytes without the NUL, or
 * -ENOSPC if buf is too small.
 */
long folded_stack(const struct frames *fr, char *buf, size_t size);
/* The same; of absurd names that do not fit the root side goes, from fr too. */
long folded_fit(struct frames *fr, char *buf, size_t size);

#endif
