/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/wordscan.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define PAGE_BYTES 4096u
#define PIECES_MAX 512u

/* What is looked for, as a set of grains. There are enough bits for each grain of a large heap to
 * have its own. */
#define COARSE_SHIFT 12
/* 16 GiB; of 1 GiB they fit into the processor's nearest cache */
#define COARSE_BITS (4u << 20)
#define FINE_SHIFT  6
#define FINE_BITS   (32u << 20) /* 2 GiB */

struct wordscan {
	const struct addrspace *as;
	uint64_t lo, hi; /* of all that is looked for */
	uint64_t *coarse, *fine;
	wordscan_hit hit;
	void *ctx;
	uint64_t deadline_ns, max_bytes;
	uint64_t bytes, unread;
	/* what is read with the next call */
	struct memread reads[PIECES_MAX];
	struct {
		int kind;
		const void *what;
	} tags[PIECES_MAX];
	size_t nr, len;
	uint8_t *buf; /* WORDSCAN_PIECE */
};

int wordscan__new(const struct addrspace *as, struct wordscan **ret)
{
	scoped(wordscan) s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->as = as;
	s->coarse = malloc(COARSE_BITS / 8);
	s->fine = malloc(FINE_BITS / 8);
	s->buf = malloc(WORDSCAN_PIECE);
	if (!s->coarse || !s->fine || !s->buf)
		return -ENOMEM;
	wordscan__clear(s);
	*ret = steal(s);
	return 0;
}

void wordscan__free(struct wordscan *s)
{
	if (!s)
		return;
	free(s->coarse);
	free(s->fine);
	free(s->buf);
	free(s);
}

void wordscan__clear(struct wordscan *s)
{
	memset(s->coarse, 0, COARSE_BITS / 8);
	memset(s->fine, 0, FINE_BITS / 8);
	s->lo = UINT64_MAX;
	s->hi = 0;
}

/* All grains that [from, to) touches; nr: bits there are, a power of two. */
static void set_grains(uint64_t *bits, uint64_t nr, unsigned int shift, uint64_t from, uint64_t to)
{
	uint64_t grain = from >> shift, last = (to - 1) >> shift;

	if (last - grain >= nr)
		last = grain + nr - 1; /* all of them */
	for (; grain <= last; grain++)
		bits[grain % nr / 64] |= 1ULL << grain % 64;
}

void wordscan__look_for(struct wordscan *s, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	s->lo = from < s->lo ? from : s->lo;
	s->hi = to > s->hi ? to : s->hi;
	set_grains(s->coarse, COARSE_BITS, COARSE_SHIFT, from, to);
	set_grains(s->fine, FINE_BITS, FINE_SHIFT, from, to);
}

static inline bool has_grain(const uint64_t *bits, uint64_t nr, unsigned int shift, uint64_t value)
{
	uint64_t grain = value >> shift;

	return bits[grain % nr / 64] >> grain % 64 & 1;
}

bool wordscan__passes(const struct wordscan *s, uint64_t value)
{
	return s->lo < s->hi && value - s->lo < s->hi - s->lo &&
	       has_grain(s->coarse, COARSE_BITS, COARSE_SHIFT, value) &&
	       has_grain(s->fine, FINE_BITS, FINE_SHIFT, value);
}

void wordscan__begin(struct wordscan *s, wordscan_hit hit, void *ctx, uint64_t deadline_ns,
		     uint64_t max_bytes)
{
	s->hit = hit;
	s->ctx = ctx;
	s->deadline_ns = deadline_ns;
	s->max_bytes = max_bytes;
	s->nr = s->len = 0;
	s->unread = 0;
}

static int wordscan__piece(struct wordscan *s, const struct wordpiece *p)
{
	uint64_t lo = s->lo, len = s->lo < s->hi ? s->hi - s->lo : 0;
	const uint64_t *coarse = s->coarse;

	for (size_t at = 0; at + 8 <= p->len; at += 8) {
		uint64_t value;
		int err;

		memcpy(&value, p->bytes + at, sizeof(value));
		if (value - lo >= len || !has_grain(coarse, COARSE_BITS, COARSE_SHIFT, value) ||
		    !has_grain(s->fine, FINE_BITS, FINE_SHIFT, value))
			continue;
		err = s->hit(s->ctx, p, value, p->addr + at);
		if (err)
			return err;
	}
	return 0;
}

/* A stretch that could not be read whole: what of it can. */
static int wordscan__pages(struct wordscan *s, const struct memread *r, const struct wordpiece *p)
{
	for (size_t at = 0; at < r->len;) {
		uint64_t addr = r->addr + at;
		size_t len = PAGE_BYTES - addr % PAGE_BYTES;
		int err;

		if (len > r->len - at)
			len = r->len - at;
		err = addrspace__read(s->as, addr, (uint8_t *)r->buf + at, len);
		if (err == -ESRCH)
			return err;
		if (err) {
			memset((uint8_t *)r->buf + at, 0, len);
			s->unread += len;
		}
		at += len;
	}
	return wordscan__piece(s, p);
}

int wordscan__end(struct wordscan *s)
{
	int err = 0;

	if (!s->nr)
		return 0;
	if (s->bytes + s->len > s->max_bytes || clock_now_ns() > s->deadline_ns)
		return -ETIME;
	addrspace__read_batch(s->as, s->reads, s->nr);
	for (size_t i = 0; i < s->nr && !err; i++) {
		const struct memread *r = &s->reads[i];
		const struct wordpiece p = { r->addr, r->len, r->buf, s->tags[i].kind,
					     s->tags[i].what };

		if (r->err == -ESRCH)
			return -ESRCH;
		err = r->err ? wordscan__pages(s, r, &p) : wordscan__piece(s, &p);
	}
	s->bytes += s->len;
	s->nr = s->len = 0;
	return err;
}

int wordscan__add(struct wordscan *s, uint64_t from, uint64_t to, int kind, const void *what)
{
	while (from < to) {
		size_t len = to - from < WORDSCAN_PIECE ? (size_t)(to - from) : WORDSCAN_PIECE;

		if (s->nr == PIECES_MAX || len > WORDSCAN_PIECE - s->len) {
			int err = wordscan__end(s);

			if (err)
				return err;
		}
		s->reads[s->nr] =
			(struct memread){ .addr = from, .buf = s->buf + s->len, .len = len };
		s->tags[s->nr].kind = kind;
		s->tags[s->nr++].what = what;
		s->len += len;
		from += len;
	}
	return 0;
}

uint64_t wordscan__bytes(const struct wordscan *s)
{
	return s->bytes;
}

uint64_t wordscan__unread(const struct wordscan *s)
{
	return s->unread;
}
