/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * looks: stacks by what is seen of them: functions, files, lines, what is inlined. Return addresses
 * do not tell them apart.
 *
 * A tree of frames from the root on, in which each look is a node: about 110 bytes a node, and
 * stacks share what is common.
 */
#ifndef PARKWATCH_NAMES_LOOKS_H
#define PARKWATCH_NAMES_LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "names/framer.h"

struct looks;
int looks__new(struct looks **ret);
void looks__free(struct looks *l);
DEFINE_SCOPED(looks)

/*
 * v: innermost first, of one framer. truncated: there are more. *ret > 0, the same for what looks
 * the same. 0 or -ENOMEM.
 */
int looks__of(struct looks *l, const struct frame *v, size_t nr, bool truncated, uint32_t *ret);

/* How many goroutines look so: the caller counts. */
void looks__add(struct looks *l, uint32_t look);
uint32_t looks__count(const struct looks *l, uint32_t look);

#endif
