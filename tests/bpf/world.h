/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world: what the BPF programs see in their unit tests: a goroutine made by hand, the registers at
 * its probe, and the kernel of shim.h. test_probes.c has the programs in it, and makes the world
 * anew before each test, those of the other files too.
 */
#ifndef PARKWATCH_TESTS_WORLD_H
#define PARKWATCH_TESTS_WORLD_H

#include <criterion/criterion.h>

#include "shim.h"

#include "bpf/parkwatch.bpf.h"

/* A goroutine with an m, a current goroutine of that m, a g0, and a stack of three frames. */
#define PAGE  4096
#define WORDS 48
enum {
	G_M = 1,
	G_SCHED_PC = 2,
	G_SCHED_BP = 3,
	G_GOID = 4,
	G_PARENT = 5,
	G_GOPC = 6,
	G_STARTPC = 7,
	G_LABELS = 8,
	G_REASON = 9
};

extern struct target {
	uint64_t g[WORDS], creator[WORDS], m[4];
	uint64_t inner[2], low[2],
		outer[2]; /* frames: inner is above low in memory, so the chain does not ascend */
	uint64_t sp[4];   /* what rsp points to at the probe */
	char rest_of_page[PAGE - 8 * (2 * WORDS + 14)];
} __attribute__((aligned(PAGE))) made;
_Static_assert(sizeof(made) == PAGE, "memory is there or not by pages");

extern struct pt_regs regs;

enum {
	GOID = 42,
	PARENT = 7,
	CREATOR = 9,
	GOPC = 0x1111,
	STARTPC = 0x2222,
	LABELS = 0x3333,
	REASON = 12,
	P_ID = 5
};
#define OTHER_32 0xabcd00000000ULL /* the other half of a word of which 32 bits count */
#define CLASSES  8                 /* span classes of the made-up allocator */
enum { TEXT = 0x100, TEXT_BYTES = 0x900, MCALL = 0x800, MSTART = 0x900, END_BYTES = 0x40 };
enum { IP = 0x100, CALLER = 0x200, RET1 = 0x300, RET2 = 0x400, RET3 = 0x500, SCHED_PC = 0x600 };

static inline uint64_t addr(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static inline uint64_t stat_of(unsigned int id)
{
	__u32 key = id;
	__u64 *n = bpf_map_lookup_elem(&pw_stats, &key);

	return n ? *n : 0;
}

static inline const void *record(size_t i, unsigned int kind)
{
	const struct pw_hdr *h = shim.records[i];

	cr_assert_lt(i, shim.nr_records, "record %zu of %zu", i, shim.nr_records);
	cr_assert_eq(h->kind, kind, "record %zu is of kind %u", i, h->kind);
	return h;
}

/* Recording is on, for single allocations too; nothing has happened yet. */
void make_world(void);

#endif
