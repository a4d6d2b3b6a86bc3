/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * u64map: numbers by address: open addressing, one array, a bound.
 *
 * For what is looked up by the hundred thousand, where a node with pointers costs more than what it
 * says. Keys are never taken out. Not thread-safe.
 */
#ifndef PARKWATCH_BASE_U64MAP_H
#define PARKWATCH_BASE_U64MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct u64map_cell {
	uint64_t key;
	uint64_t value;
	bool used;
};

struct u64map {                    /* all zero, but for max, is an empty one */
	struct u64map_cell *cells; /* owned */
	size_t nr, room;           /* room: a power of two */
	size_t max;                /* keys */
};

void u64map__done(struct u64map *m);
void u64map__clear(struct u64map *m); /* its memory stays */
/* false: it has no such key. */
bool u64map__get(const struct u64map *m, uint64_t key, uint64_t *ret);
/* Sets it anew where it is there. -ENOSPC: max; -ENOMEM. */
int u64map__set(struct u64map *m, uint64_t key, uint64_t value);

#endif
