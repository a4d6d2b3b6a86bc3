// SPDX-License-Identifier: BSD-2-Clause
#include "base/radix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/heart.h"
#include "base/own.h"

#define DIGITS 256

/* One byte of the keys. 0: they all have the same, nothing was moved. */
static int sort_byte(const struct radix_item *from, struct radix_item *to, size_t nr, int shift)
{
	size_t at[DIGITS] = { 0 }, sum = 0;

	heart__beat(); /* a watch has probes in meanwhile */
	for (size_t i = 0; i < nr; i++)
		at[from[i].key >> shift & 0xff]++;
	if (at[from[0].key >> shift & 0xff] == nr)
		return 0;
	for (size_t d = 0; d < DIGITS; d++) {
		size_t here = at[d];

		at[d] = sum;
		sum += here;
	}
	for (size_t i = 0; i < nr; i++)
		to[at[from[i].key >> shift & 0xff]++] = from[i];
	return 1;
}

int radix__sort(struct radix_item *v, size_t nr)
{
	scoped_mem struct radix_item *spare = NULL;
	struct radix_item *from = v, *to;

	if (nr < 2)
		return 0;
	spare = reallocarray(NULL, nr, sizeof(*spare));
	if (!spare)
		return -ENOMEM;
	to = spare;
	for (int shift = 0; shift < 64; shift += 8)
		if (sort_byte(from, to, nr, shift)) {
			struct radix_item *t = from;

			from = to;
			to = t;
		}
	if (from != v)
		memcpy(v, from, nr * sizeof(*v));
	return 0;
}
