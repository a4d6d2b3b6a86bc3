/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/readv_batch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define GAP_MAX     2048u /* bytes between pieces that are read rather than begun anew */
#define STRETCH_MAX (256u << 10)
#define DIGITS      256

struct piece {
	uint64_t addr;
	uint32_t len;
	uint32_t nr; /* in the order they were asked for */
};

struct stretch {
	uint64_t start;
	size_t len;
	size_t buf_at;
	size_t first, nr; /* of the sorted pieces */
};

struct readv_batch {
	const struct addrspace *as;
	struct piece *pieces, *sorted; /* sorted: room for the sort as well */
	size_t nr, room;
	const uint8_t **at; /* by number; NULL: not readable */
	struct stretch *stretches;
	struct memread *reads;
	size_t nr_stretches;
	uint8_t *buf;
	size_t buf_room;
};

int readv_batch__new(const struct addrspace *as, struct readv_batch **ret)
{
	struct readv_batch *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->as = as;
	*ret = g;
	return 0;
}

void readv_batch__free(struct readv_batch *g)
{
	if (!g)
		return;
	free(g->pieces);
	free(g->sorted);
	free(g->at);
	free(g->stretches);
	free(g->reads);
	free(g->buf);
	free(g);
}

void readv_batch__clear(struct readv_batch *g)
{
	g->nr = 0;
}

/* A failed one leaves the arrays as large as they are, or larger. */
static int readv_batch__grow(struct readv_batch *g)
{
	size_t room = g->room ? g->room * 2 : 1024;
	void *p;

	p = reallocarray(g->pieces, room, sizeof(*g->pieces));
	g->pieces = p ? p : g->pieces;
	if (p)
		p = reallocarray(g->sorted, room, sizeof(*g->sorted));
	g->sorted = p ? p : g->sorted;
	if (p)
		p = reallocarray(g->at, room, sizeof(*g->at));
	g->at = p ? p : g->at;
	if (p)
		p = reallocarray(g->stretches, room, sizeof(*g->stretches));
	g->stretches = p ? p : g->stretches;
	if (p)
		p = reallocarray(g->reads, room, sizeof(*g->reads));
	g->reads = p ? p : g->reads;
	if (!p)
		return -ENOMEM;
	g->room = room;
	return 0;
}

int readv_batch__want(struct readv_batch *g, uint64_t addr, size_t len)
{
	int err;

	if (!len || len > READV_PIECE_MAX)
		return -EINVAL;
	if (g->nr >= READV_PIECES_MAX)
		return -ENOSPC;
	err = g->nr == g->room ? readv_batch__grow(g) : 0;
	if (err)
		return err;
	g->pieces[g->nr] = (struct piece){ addr, (uint32_t)len, (uint32_t)g->nr };
	return (int)g->nr++;
}

/* By one byte of the address; true if from now on the pieces are in `to`. */
static bool sort_digit(const struct piece *from, struct piece *to, size_t nr, unsigned int shift)
{
	size_t at[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < nr; i++)
		at[from[i].addr >> shift & (DIGITS - 1)]++;
	if (at[from[0].addr >> shift & (DIGITS - 1)] == nr)
		return false;
	for (size_t d = 0; d < DIGITS; d++) {
		size_t here = at[d];

		at[d] = sum;
		sum += here;
	}
	for (size_t i = 0; i < nr; i++)
		to[at[from[i].addr >> shift & (DIGITS - 1)]++] = from[i];
	return true;
}

/* Radix sort: a comparison sort would cost more than the reads. The pieces themselves are sorted;
 * they carry their number. */
static void readv_batch__sort(struct readv_batch *g)
{
	size_t i = 1;

	while (i < g->nr && g->pieces[i - 1].addr <= g->pieces[i].addr)
		i++;
	for (unsigned int shift = 0; i < g->nr && shift < 64; shift += 8) {
		if (sort_digit(g->pieces, g->sorted, g->nr, shift)) {
			struct piece *t = g->pieces;

			g->pieces = g->sorted;
			g->sorted = t;
		}
	}
}

/* Returns the bytes of all stretches. */
static size_t readv_batch__stretch(struct readv_batch *g)
{
	size_t bytes = 0;

	g->nr_stretches = 0;
	for (size_t i = 0; i < g->nr; i++) {
		const struct piece *p = &g->pieces[i];
		struct stretch *s = g->nr_stretches ? &g->stretches[g->nr_stretches - 1] : NULL;

		if (s && p->addr - s->start <= s->len + GAP_MAX &&
		    p->addr - s->start + p->len <= STRETCH_MAX) {
			size_t end = (size_t)(p->addr - s->start) + p->len;

			bytes += end > s->len ? end - s->len : 0;
			s->len = end > s->len ? end : s->len;
			s->nr++;
			continue;
		}
		g->stretches[g->nr_stretches++] = (struct stretch){
			.start = p->addr, .len = p->len, .buf_at = bytes, .first = i, .nr = 1
		};
		bytes += p->len;
	}
	return bytes;
}

static int readv_batch__read_pieces(struct readv_batch *g, const struct stretch *s)
{
	for (size_t i = s->first; i < s->first + s->nr; i++) {
		const struct piece *p = &g->pieces[i];
		uint8_t *buf = g->buf + s->buf_at + (p->addr - s->start);
		int err = addrspace__read(g->as, p->addr, buf, p->len);

		if (err == -ESRCH)
			return err;
		g->at[p->nr] = err ? NULL : buf;
	}
	return 0;
}

static int readv_batch__place(struct readv_batch *g, size_t nr_stretch, int err)
{
	const struct stretch *s = &g->stretches[nr_stretch];

	if (err == -ESRCH)
		return err;
	if (err)
		return readv_batch__read_pieces(g, s);
	for (size_t i = s->first; i < s->first + s->nr; i++)
		g->at[g->pieces[i].nr] = g->buf + s->buf_at + (g->pieces[i].addr - s->start);
	return 0;
}

int readv_batch__read(struct readv_batch *g)
{
	size_t bytes;
	int err = 0;

	if (!g->nr)
		return 0;
	readv_batch__sort(g);
	bytes = readv_batch__stretch(g);
	if (bytes > g->buf_room) {
		free(g->buf);
		g->buf_room = 0;
		g->buf = malloc(bytes + bytes / 2);
		if (!g->buf)
			return -ENOMEM;
		g->buf_room = bytes + bytes / 2;
	}
	for (size_t i = 0; i < g->nr_stretches; i++) {
		const struct stretch *s = &g->stretches[i];

		g->reads[i] = (struct memread){ s->start, g->buf + s->buf_at, s->len, 0 };
	}
	addrspace__read_batch(g->as, g->reads, g->nr_stretches);
	for (size_t i = 0; i < g->nr_stretches && !err; i++)
		err = readv_batch__place(g, i, g->reads[i].err);
	return err;
}

const uint8_t *readv_batch__piece(const struct readv_batch *g, size_t i)
{
	return g->at[i];
}
