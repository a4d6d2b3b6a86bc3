/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * labelset: texts by number: labels of goroutines, names of types, system calls. Bounded: one more is
 * refused, the caller counts it. Not thread-safe.
 */
#ifndef PARKWATCH_MODEL_LABELSET_H
#define PARKWATCH_MODEL_LABELSET_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct labelset;
int labelset__new(size_t max, size_t text_max, struct labelset **ret); /* longer texts are cut */
void labelset__free(struct labelset *s);
DEFINE_SCOPED(labelset)

/* 1 and on, the same for an equal text; 0: it is empty, or there is no room. */
uint32_t labelset__id(struct labelset *s, const char *text);
const char *labelset__text(const struct labelset *s,
			   uint32_t id); /* "" for 0. Borrowed until free */

#endif
