/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * livemem: the memory that the code of one parked frame sees: its goroutine's stack, copied once,
 * and the rest of the target.
 *
 * The rest is read a block at a time and kept until livemem__forget(), so that what is read twice
 * is the same twice. The target runs on: what is in the heap may change, what is in the frame of a
 * parked goroutine not. Not thread-safe.
 */
#ifndef PARKWATCH_CODE_LIVEMEM_H
#define PARKWATCH_CODE_LIVEMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"

/* bytes of a stack that are copied, from its saved sp on */
#define LIVEMEM_STACK_MAX 65536
#define LIVEMEM_BLOCK     64
#define LIVEMEM_BLOCKS    256 /* a power of two */

struct livemem_block {
	uint64_t addr;       /* 0: none */
	uint32_t generation; /* that it was read in */
	bool readable;
	uint8_t bytes[LIVEMEM_BLOCK];
};

/* A word that was read. */
struct livemem_load {
	uint64_t addr, value; /* value: 0 if it is not readable */
	bool readable;
};
#define LIVEMEM_LOADS_MAX 128

struct livemem {
	const struct addrspace *as; /* borrowed */
	uint32_t generation;
	uint64_t stack_lo, stack_hi; /* what `stack` holds */
	const uint8_t *stack;        /* borrowed: `copy`, or what was lent */
	/* the frame that is looked at */
	uint64_t sp;
	/* of the frame and of its arguments: above it other frames may write */
	uint64_t end;
	/*
	 * borrowed: offsets from sp of variables whose addresses were taken: others may write them
	 */
	const int32_t *shared;
	size_t nr_shared;
	/* while noting: each word once; nr_loads over LIVEMEM_LOADS_MAX: there were more */
	bool noting;
	size_t nr_loads;
	struct livemem_load load[LIVEMEM_LOADS_MAX];
	struct livemem_block block[LIVEMEM_BLOCKS];
	uint8_t copy[LIVEMEM_STACK_MAX];
};

/* Another goroutine: copies its stack from sp on. 0, or -EFAULT, -ESRCH. */
int livemem__begin(struct livemem *m, uint64_t sp, uint64_t stack_hi);
/*
 * The same of a stack that was read before: the len bytes from sp on, borrowed until the next.
 * -EFAULT: sp makes no sense.
 */
int livemem__lend(struct livemem *m, uint64_t sp, const uint8_t *bytes, size_t len);
/* What was read besides stacks is read anew. */
void livemem__forget(struct livemem *m);

/* The 8 bytes at addr, a multiple of 8. -EFAULT: unreadable. */
int livemem__word(struct livemem *m, uint64_t addr, uint64_t *ret);
/* Whether [addr, addr + size) is the frame's own: nobody else writes it until the frame goes on. */
bool livemem__is_private(const struct livemem *m, uint64_t addr, unsigned int size);

#endif
