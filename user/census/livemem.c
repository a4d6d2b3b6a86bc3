/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/livemem.h"

#include <errno.h>
#include <string.h>

#define SHARED_BYTES 8 /* of a variable whose address was taken, at least: its size is not known   \
			*/

int livemem__begin(struct livemem *m, uint64_t sp, uint64_t stack_hi)
{
	size_t len = LIVEMEM_STACK_MAX;
	int err;

	if (sp % 8 || sp >= stack_hi)
		return -EFAULT;
	if (stack_hi - sp < len)
		len = (size_t)(stack_hi - sp);
	err = addrspace__read(m->as, sp, m->stack, len);
	if (err)
		return err;
	m->generation++;
	m->stack_lo = sp;
	m->stack_hi = sp + len;
	return 0;
}

static struct livemem_block *livemem__block(struct livemem *m, uint64_t addr)
{
	struct livemem_block *b = &m->block[addr / LIVEMEM_BLOCK % LIVEMEM_BLOCKS];

	if (b->addr != addr || b->generation != m->generation) {
		b->addr = addr;
		b->generation = m->generation;
		b->readable = !addrspace__read(m->as, addr, b->bytes, sizeof(b->bytes));
		}
	return b;
}

int livemem__word(struct livemem *m, uint64_t addr, uint64_t *ret)
{
	const struct livemem_block *b;

	if (addr >= m->stack_lo && addr < m->stack_hi && m->stack_hi - addr >= sizeof(*ret)) {
		memcpy(ret, m->stack + (addr - m->stack_lo), sizeof(*ret));
		return 0;
	}
	b = livemem__block(m, addr - addr % LIVEMEM_BLOCK);
	if (!b->readable)
		return -EFAULT;
	memcpy(ret, b->bytes + addr % LIVEMEM_BLOCK, sizeof(*ret));
	return 0;
}

bool livemem__is_private(const struct livemem *m, uint64_t addr, unsigned int size)
{
	if (addr < m->sp || addr + size > m->end)
		return false;
	for (size_t i = 0; i < m->nr_shared; i++) {
		uint64_t var = m->sp + (uint64_t)(int64_t)m->shared[i];

		/* A single byte within is more likely a flag beside a smaller variable. */
		if (addr == var || (size > 1 && addr > var && addr - var < SHARED_BYTES))
			return false;
	}
	return true;
}
