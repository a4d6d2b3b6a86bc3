/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * order: items by a 64-bit key, millions of them: a radix sort, stable and linear.
 */
#ifndef PARKWATCH_REPORT_ORDER_H
#define PARKWATCH_REPORT_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct order {
	uint64_t key;
	uint64_t item;
};

int order__sort(struct order *v, size_t nr);	/* ascending; equal keys stay as they are. 0 or -ENOMEM */

#endif
