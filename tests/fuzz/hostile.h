/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostile: any bytes as the memory of a process, for fuzz targets.
 *
 * The bytes repeat over the whole address space, so that every pointer leads somewhere, lists are
 * circles and lengths are huge; and if manner says so, what is read changes from read to read, or
 * cannot be read at all.
 */
#ifndef PARKWATCH_TESTS_HOSTILE_H
#define PARKWATCH_TESTS_HOSTILE_H

#include <errno.h>
#include <stdint.h>

#include "base/addrspace.h"

struct hostile {
	struct addrspace as; /* first member */
	const uint8_t *data;
	size_t size; /* not 0 */
	/* low half: how often a byte changes; high half: how often a read fails */
	uint8_t manner;
	uint32_t reads;
};

static inline int hostile__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	struct hostile *m = (struct hostile *)(uintptr_t)as;
	uint32_t change = m->manner & 0xf, fail = m->manner >> 4;

	if (addr < 4096 || addr >= 1ULL << 47)
		return -EFAULT;
	m->reads++;
	if (fail && m->reads % (16 * fail) == 0)
		return m->reads % 7 ? -EFAULT : -ESRCH;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = m->data[(addr + i) % m->size];
	if (change && len)
		((uint8_t *)buf)[(m->reads * 2654435761u) % len] ^=
			(uint8_t)(m->reads % (16 * change) == 0);
	return 0;
}

#endif
