/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/u64map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64 /* cells: a power of two */

/* Addresses differ in the middle bits: a multiplication brings them to the top. */
static size_t cell_of(const struct u64map *m, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15ULL) >> 20) & (m->room - 1);
}

/* The cell of the key, or the free one where it belongs: at most three in four are used. */
static struct u64map_cell *find(const struct u64map *m, uint64_t key)
{
	size_t i = cell_of(m, key);

	while (m->cells[i].used && m->cells[i].key != key)
		i = (i + 1) & (m->room - 1);
	return &m->cells[i];
}

void u64map__done(struct u64map *m)
{
	free(m->cells);
	m->cells = NULL;
	m->nr = m->room = 0;
}

void u64map__clear(struct u64map *m)
{
	if (m->room)
		memset(m->cells, 0, m->room * sizeof(*m->cells));
	m->nr = 0;
}

bool u64map__get(const struct u64map *m, uint64_t key, uint64_t *ret)
{
	const struct u64map_cell *c = m->room ? find(m, key) : NULL;

	if (!c || !c->used)
		return false;
	*ret = c->value;
	return true;
}

static int grow(struct u64map *m)
{
	struct u64map bigger = { .room = m->room ? m->room * 2 : ROOM_FIRST };

	bigger.cells = calloc(bigger.room, sizeof(*bigger.cells));
	if (!bigger.cells)
		return -ENOMEM;
	for (size_t i = 0; i < m->room; i++)
		if (m->cells[i].used)
			*find(&bigger, m->cells[i].key) = m->cells[i];
	free(m->cells);
	m->cells = bigger.cells;
	m->room = bigger.room;
	return 0;
}

int u64map__set(struct u64map *m, uint64_t key, uint64_t value)
{
	struct u64map_cell *c = m->room ? find(m, key) : NULL;

	if (c && c->used) {
		c->value = value;
		return 0;
	}
	if (m->nr >= m->max)
		return -ENOSPC;
	if (m->nr + 1 > m->room / 4 * 3) {
		if (grow(m))
			return -ENOMEM;
		c = find(m, key);
	}
	*c = (struct u64map_cell){ .key = key, .value = value, .used = true };
	m->nr++;
	return 0;
}
