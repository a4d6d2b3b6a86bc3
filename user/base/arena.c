// SPDX-License-Identifier: BSD-2-Clause
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Each chunk is twice as large as the one before it. */
#define CHUNK_MIN (4u << 10)
#define CHUNK_MAX (256u << 10)

struct arena_chunk {
	struct arena_chunk *next;
	size_t bytes;
	uint64_t data[];
};

void *arena__alloc(struct arena *a, size_t bytes)
{
	void *ret;

	if (bytes > SIZE_MAX - CHUNK_MAX)
		return NULL;
	bytes = (bytes + 7) & ~(size_t)7;
	if (!a->chunk || bytes > a->chunk->bytes - a->used) {
		size_t room = a->chunk ? 2 * a->chunk->bytes : CHUNK_MIN;
		struct arena_chunk *c;

		if (room > CHUNK_MAX)
			room = CHUNK_MAX;
		if (room < bytes)
			room = bytes;
		c = calloc(1, sizeof(*c) + room);
		if (!c)
			return NULL;
		c->next = a->chunk;
		c->bytes = room;
		a->chunk = c;
		a->used = 0;
	}
	ret = (char *)a->chunk->data + a->used;
	a->used += bytes;
	return ret;
}

void *arena__array(struct arena *a, size_t nr, size_t bytes)
{
	size_t all;

	return __builtin_mul_overflow(nr, bytes, &all) ? NULL : arena__alloc(a, all);
}

void *arena__copy(struct arena *a, const void *from, size_t bytes)
{
	void *to = arena__alloc(a, bytes);

	return to && bytes ? memcpy(to, from, bytes) : to;
}

void arena__done(struct arena *a)
{
	struct arena_chunk *next;

	for (; a->chunk; a->chunk = next) {
		next = a->chunk->next;
		free(a->chunk);
	}
	a->used = 0;
}
