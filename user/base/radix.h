/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * radix: items by a 64-bit key, millions of them: a radix sort, stable and linear.
 */
#ifndef PARKWATCH_BASE_RADIX_H
#define PARKWATCH_BASE_RADIX_H

#include <stddef.h>
#include <stdint.h>

struct radix_item {
	uint64_t key;
	uint64_t item;
};

int radix__sort(struct radix_item *v, size_t nr);	/* ascending; equal keys stay as they are. 0 or -ENOMEM */

#endif
