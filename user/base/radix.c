/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/radix.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/heart.h"
#include "base/cleanup.h"

#define FEW       4096 /* a table of large digits would take longer than they do */
#define FEW_BITS  8
#define MANY_BITS 16

struct digits {
	unsigned int bits;
	unsigned int shift;
	size_t *at; /* by digit */
};

static size_t digit(const struct digits *d, uint64_t key)
{
	return key >> d->shift & ((1u << d->bits) - 1);
}

static bool is_sorted(const uint64_t *v, size_t nr, size_t words)
{
	size_t i = 1;

	while (i < nr && v[(i - 1) * words] <= v[i * words])
		i++;
	return i >= nr;
}

/* Of the sizes that come in millions: a call for each would take as long as all the rest. */
static inline void copy(uint64_t *to, const uint64_t *from, size_t words)
{
	switch (words) {
	case 1: memcpy(to, from, sizeof(*to)); break;
	case 2: memcpy(to, from, 2 * sizeof(*to)); break;
	case 4: memcpy(to, from, 4 * sizeof(*to)); break;
	default: memcpy(to, from, words * sizeof(*to));
	}
}

/* By one digit. False: all have the same, and nothing was done. */
static bool sort_digit(const struct digits *d, const uint64_t *from, uint64_t *to, size_t nr,
		       size_t words)
{
	size_t sum = 0;

	heart__beat(); /* a watch has probes in meanwhile */
	memset(d->at, 0, (sizeof(*d->at) << d->bits));
	for (size_t i = 0; i < nr; i++)
		d->at[digit(d, from[i * words])]++;
	if (d->at[digit(d, from[0])] == nr)
		return false;
	for (size_t i = 0; i < (size_t)1 << d->bits; i++) {
		const size_t here = d->at[i];

		d->at[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < nr; i++)
		copy(to + d->at[digit(d, from[i * words])]++ * words, from + i * words, words);
	return true;
}

int radix_sort(uint64_t *v, size_t nr, size_t words)
{
	struct digits d = { .bits = nr < FEW ? FEW_BITS : MANY_BITS };
	scoped_mem uint64_t *other = NULL;
	scoped_mem size_t *at = NULL;
	uint64_t *from = v, *to;

	if (is_sorted(v, nr, words))
		return 0;
	to = other = reallocarray(NULL, nr, words * sizeof(*other));
	d.at = at = reallocarray(NULL, (size_t)1 << d.bits, sizeof(*at));
	if (!other || !at)
		return -ENOMEM;
	for (; d.shift < 64; d.shift += d.bits)
		if (sort_digit(&d, from, to, nr, words)) {
			uint64_t *t = from;

			from = to;
			to = t;
		}
	if (from != v)
		memcpy(v, from, nr * words * sizeof(*v));
	return 0;
}
