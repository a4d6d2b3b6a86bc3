/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/livemem.h"

#include <errno.h>
#include <string.h>

/* Of a variable whose address was taken, at least: its size is not known. */
#define SHARED_BYTES 8

int livemem__begin(struct livemem *m, uint64_t sp, uint64_t stack_hi)
{
	size_t len = LIVEMEM_STACK_MAX;
	int err;

	if (sp % 8 || sp >= stack_hi)
		return -EFAULT;
	if (stack_hi - sp < len)
		len = (size_t)(stack_hi - sp);
	err = addrspace__read(m->as, sp, m->copy, len);
	if (err)
		return err;
	livemem__forget(m);
	return livemem__lend(m, sp, m->copy, len);
}

int livemem__lend(struct livemem *m, uint64_t sp, const uint8_t *bytes, size_t len)
{
	if (sp % 8 || sp + len < sp)
		return -EFAULT;
	m->stack = bytes;
	m->stack_lo = sp;
	m->stack_hi = sp + len;
	return 0;
}

void livemem__forget(struct livemem *m)
{
	m->generation++;
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

static int livemem__fetch(struct livemem *m, uint64_t addr, uint64_t *ret)
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

static void livemem__note(struct livemem *m, uint64_t addr, uint64_t value, bool readable)
{
	for (size_t i = 0; i < m->nr_loads && i < LIVEMEM_LOADS_MAX; i++)
		if (m->load[i].addr == addr)
			return;
	if (m->nr_loads < LIVEMEM_LOADS_MAX)
		m->load[m->nr_loads] = (struct livemem_load){ addr, value, readable };
	if (m->nr_loads <= LIVEMEM_LOADS_MAX)
		m->nr_loads++;
}

int livemem__word(struct livemem *m, uint64_t addr, uint64_t *ret)
{
	int err = livemem__fetch(m, addr, ret);

	if (m->noting)
		livemem__note(m, addr, err ? 0 : *ret, !err);
	return err;
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
