/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena: memory that is given back all at once: what a renderer builds lives until its page is
 * written.
 *
 * Zeroed, 8-byte aligned. Not bounded by itself: what is built from a snap is bounded by the snap.
 */
#ifndef PARKWATCH_BASE_ARENA_H
#define PARKWATCH_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena { /* all zero is an empty one */
	struct arena_chunk *chunk;
	size_t used;
};

void *arena__alloc(struct arena *a, size_t bytes);            /* NULL: no memory */
void *arena__array(struct arena *a, size_t nr, size_t bytes); /* the same, for nr elements */
void *arena__copy(struct arena *a, const void *from, size_t bytes);
void arena__done(struct arena *a);

#endif
