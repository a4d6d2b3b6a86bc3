/* SPDX-License-Identifier: BSD-2-Clause */
/* order: what qsort() and bsearch() ask for, of numbers. */
#ifndef PARKWATCH_BASE_ORDER_H
#define PARKWATCH_BASE_ORDER_H

#include <stdint.h>

/* a, b: uint64_t. */
static inline int order_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* a, b: uint32_t. */
static inline int order_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

#endif
