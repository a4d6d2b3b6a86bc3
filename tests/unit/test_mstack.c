/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heap/cmemory.h"
#include "heap/mstack.h"

/*
 * Three threads of a runtime: the first is a variable, as is its g0; the others are in the heap. A
 * fourth has left: an old word of the newest still leads to its record.
 */
#define BSS   0x600000ull
#define ALLM  (BSS + 0x20)
#define FIRST (BSS + 0x1000) /* runtime.m0 */
#define G0    (BSS + 0x800)
#define HEAP  0xc000000000ull
#define M(i)  (HEAP + 0x800 * (i))
#define G(i)  (HEAP + 0x2000 + 0x200 * (i))

#define ALLLINK 0x150
#define OLD     0x158

#define STACK_BYTES 0x800000ull
#define STACK(i)    (0x7f0010000000ull + 0x1000000 * (i))

struct process {
	struct addrspace as;
	uint8_t bss[0x2000];
	uint8_t heap[0x4000];
};

static struct process p;
static struct goruntime rt;
static struct gospan spans[] = {
	{ .start = HEAP, .elem_bytes = 0x800, .npages = 1, .nelems = 4 },
	{ .start = HEAP + 0x2000, .elem_bytes = 0x200, .npages = 1, .nelems = 16 },
};
static struct goheap heap = { .spans = spans, .nr = 2, .lo = HEAP, .hi = HEAP + 0x4000 };

static int process_read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	(void)as;
	if (addr >= BSS && addr + len <= BSS + sizeof(p.bss))
		memcpy(buf, p.bss + (addr - BSS), len);
	else if (addr >= HEAP && addr + len <= HEAP + sizeof(p.heap))
		memcpy(buf, p.heap + (addr - HEAP), len);
	else
		return -EFAULT;
	return 0;
}

static void put(uint64_t addr, uint64_t v)
{
	memcpy(addr < HEAP ? p.bss + (addr - BSS) : p.heap + (addr - HEAP), &v, sizeof(v));
}

static void put_thread(uint64_t m, uint64_t g0, uint64_t next, uint64_t stack)
{
	put(m, g0);
	put(m + ALLLINK, next);
	put(g0, stack - 0x300); /* Go guesses */
	put(g0 + 8, stack + STACK_BYTES - 0x900);
	put(g0 + 0x30, m);
}

static void process_init(void)
{
	memset(&p, 0, sizeof(p));
	p.as.read = process_read;
	rt.nr_modules = 1;
	rt.modules[0].bss = (struct tabspan){ BSS, sizeof(p.bss) };
	rt.layout.g_m = 0x30;
	rt.layout.g_stack_hi = 8;
	put_thread(FIRST, G0, 0, STACK(0));
	put_thread(M(1), G(1), FIRST, STACK(1));
	put_thread(M(2), G(2), M(1), STACK(2));
	put_thread(M(3), G(3), M(1), STACK(3));
	put(ALLM, M(2));
	put(ALLM + 8, M(0)); /* of that size, and nothing of the kind */
	put(M(2) + OLD, M(3));
}

static size_t stacks(struct crange *out, size_t max)
{
	scoped_mem struct crange *r = NULL;
	uint64_t first = 1;
	size_t nr = 0;

	cr_assert_eq(mstack_ranges(&p.as, &rt, &heap, &r, &nr, &first), 0);
	cr_expect_eq(first, nr ? STACK(0) + STACK_BYTES - 0x900 : 0);
	for (size_t i = 0; i < nr && i < max; i++)
		out[i] = r[i];
	return nr;
}

Test(mstack, is_of_each_thread_in_the_list_of_those_that_live)
{
	struct crange r[4];

	process_init();
	cr_assert_eq(stacks(r, 4), 3, "the one that has left is none of them");
	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(r[i].from, STACK(i) - 0x300);
		cr_expect_eq(r[i].to, STACK(i) + STACK_BYTES - 0x900);
	}
}

Test(mstack, is_nothing_where_there_is_no_such_list)
{
	static const struct {
		const char *why;
		uint64_t addr, value;
	} t[] = {
		{ "no variable leads to it", ALLM, 0 },
		{ "the first thread's g0 is another's", G0 + 0x30, M(1) },
		{ "it never ends", FIRST + ALLLINK, M(2) },
		{ "it leads to what is no thread", M(2) + ALLLINK, M(0) },
	};
	struct crange r[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		process_init();
		put(t[i].addr, t[i].value);
		cr_expect_eq(stacks(r, 4), 0, "%s", t[i].why);
	}
}

Test(mstack, of_two_that_overlap_both_are_told_once)
{
	struct crange r[4];

	process_init();
	put(G(2), STACK(1) + 0x1000);
	put(G(2) + 8, STACK(1) + STACK_BYTES);
	cr_assert_eq(stacks(r, 4), 3);
	cr_expect_eq(r[2].from, r[1].to);
	cr_expect_eq(r[2].to, STACK(1) + STACK_BYTES);
}

/* The kernel joined the stacks, and the pages below them, with what lies next to them. */
static const char text[] =
	"c000000000-c000400000 rw-p 00000000 00:00 0 \n"
	"7f000ffff000-7f0010000000 ---p 00000000 00:00 0 \n"
	"7f0010000000-7f0010900000 rw-p 00000000 00:00 0 \n" /* a stack, memory of C */
	"7f0010900000-7f0011000000 ---p 00000000 00:00 0 \n" /* what C reserved, the page */
	"7f0011000000-7f0011800000 rw-p 00000000 00:00 0 \n" /* a stack */
	"7f0011f00000-7f0012800000 rw-p 00000000 00:00 0 \n" /* memory of C, no page, a stack */
	"7f0012fff000-7f0013000000 ---p 00000000 00:00 0 \n"
	/* of a thread that is gone, memory of C */
	"7f0013000000-7f0013900000 rw-p 00000000 00:00 0 \n"
	"7f0013fff000-7f0014000000 ---p 00000000 00:00 0 \n"
	"7f0014000000-7f0014800000 rw-p 00000000 00:00 0 \n" /* of a thread of C */
	"7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0                  [stack]\n";

Test(mstack, is_all_that_is_taken_from_the_memory_of_c)
{
	static const struct crange want[] = {
		{ STACK(0) + STACK_BYTES - 0x900, STACK(0) + 0x900000 }, /* with variables of C */
		{ STACK(1) + STACK_BYTES - 0x900, STACK(1) + STACK_BYTES },
		{ STACK(2) - 0x100000, STACK(2) - 0x300 },
		{ STACK(2) + STACK_BYTES - 0x900, STACK(2) + STACK_BYTES },
		{ STACK(3) + STACK_BYTES, STACK(3) + 0x900000 },
		{ STACK(4) + 0x7ff000 - 128, STACK(4) + STACK_BYTES },
		/* the program is C's, Go a library of it */
		{ 0x7ffe0001f000 - 128, 0x7ffe00021000 },
	};
	/* Of the first thread of Go, of C's, and of the program's first. */
	static const uint64_t sps[] = { STACK(0) + 0x7e0000, STACK(4) + 0x7ff000, 0x7ffe0001f000 };
	scoped_mem struct crange *r = NULL;
	scoped(maps) m = NULL;
	size_t nr = 0;

	process_init();
	cr_assert_eq(maps__parse(text, strlen(text), &m), 0);
	m->sps = memcpy(malloc(sizeof(sps)), sps, sizeof(sps));
	m->nr_sps = ARRAY_SIZE(sps);
	cr_assert_eq(cmemory_ranges(&p.as, m, &rt, &heap, &r, &nr), 0);
	cr_assert_eq(nr, ARRAY_SIZE(want), "%zu", nr);
	for (size_t i = 0; i < nr; i++) {
		cr_expect_eq(r[i].from, want[i].from, "%zu: %#lx", i, r[i].from);
		cr_expect_eq(r[i].to, want[i].to, "%zu: %#lx", i, r[i].to);
	}
}

Test(mstack, is_all_of_the_first_where_a_thread_of_go_is_on_it)
{
	static const char first[] =
		"7f0010000000-7f0010800000 rw-p 00000000 00:00 0                  [stack]\n";
	scoped_mem struct crange *r = NULL;
	scoped(maps) m = NULL;
	size_t nr = 9;

	process_init();
	cr_assert_eq(maps__parse(first, strlen(first), &m), 0);
	cr_assert_eq(cmemory_ranges(&p.as, m, &rt, &heap, &r, &nr), 0);
	cr_expect_eq(nr, 0, "what lies above is its arguments");
}

/* A thread of C that called Go, as Go knows its stack; it waits in C. */
Test(mstack, is_what_lies_below_what_c_has_in_use)
{
	static const char two[] =
		"7f0010000000-7f0010800000 rw-p 00000000 00:00 0                          [stack]\n"
		"7f0011fff000-7f0012000000 ---p 00000000 00:00 0 \n"
		"7f0012000000-7f0012800000 rw-p 00000000 00:00 0 \n";
	static const uint64_t sps[] = { STACK(0) + 0x7f0000, STACK(2) + 0x7f0000 };
	static const struct {
		const char *why;
		uint64_t ends[2]; /* of what Go knows of both */
		uint64_t start;   /* of the second */
		struct crange want;
	} t[] = {
		{ "the second is C's",
		  { STACK(0) + STACK_BYTES - 0x900, STACK(2) + STACK_BYTES },
		  STACK(2),
		  { STACK(2) + 0x7f0000 - 128, STACK(2) + STACK_BYTES } },
		{ "the second is C's, and Go guesses",
		  { STACK(0) + STACK_BYTES - 0x900, STACK(2) + 0x7f0100 },
		  STACK(2) + 0x7f0100 - 33 * 1024,
		  { STACK(2) + 0x7f0000 - 128, STACK(2) + STACK_BYTES } },
		{ "the second is C's, and went down further than Go knows",
		  { STACK(0) + STACK_BYTES - 0x900, STACK(2) + 0x7ffff8 },
		  STACK(2) + 0x7ffff8 - 33 * 1024,
		  { STACK(2) + 0x7f0000 - 128, STACK(2) + STACK_BYTES } },
		{ "the second is Go's",
		  { STACK(0) + STACK_BYTES - 0x900, STACK(2) + STACK_BYTES - 0x900 },
		  STACK(2) - 0x300,
		  { STACK(2) + STACK_BYTES - 0x900, STACK(2) + STACK_BYTES } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped_mem struct crange *r = NULL;
		scoped(maps) m = NULL;
		size_t nr = 0;

		process_init();
		put(G0 + 8, t[i].ends[0]);
		put(G(2) + 8, t[i].ends[1]);
		put(G(2), t[i].start);
		cr_assert_eq(maps__parse(two, strlen(two), &m), 0);
		m->sps = memcpy(malloc(sizeof(sps)), sps, sizeof(sps));
		m->nr_sps = ARRAY_SIZE(sps);
		cr_assert_eq(cmemory_ranges(&p.as, m, &rt, &heap, &r, &nr), 0);
		cr_assert_eq(nr, 1, "%s: %zu", t[i].why, nr);
		cr_expect_eq(r[0].from, t[i].want.from, "%s: %#lx", t[i].why, r[0].from);
		cr_expect_eq(r[0].to, t[i].want.to, "%s: %#lx", t[i].why, r[0].to);
	}
}

/* Go up to 1.20 keeps what it knew of a thread of C that called it. */
Test(mstack, is_nothing_where_a_thread_of_c_is_gone)
{
	static const char pages[] = "7f0012000000-7f0012800000 rw-p 00000000 00:00 0 \n";
	scoped_mem struct crange *r = NULL;
	scoped(maps) m = NULL;
	size_t nr = 0;

	process_init();
	put(G(2), STACK(2) + 0x10100 - 33 * 1024);
	put(G(2) + 8, STACK(2) + 0x10100);
	cr_assert_eq(maps__parse(pages, strlen(pages), &m), 0);
	cr_assert_eq(cmemory_ranges(&p.as, m, &rt, &heap, &r, &nr), 0);
	cr_assert_geq(nr, 1);
	cr_expect_eq(r[0].from, STACK(2));
	cr_expect_eq(r[nr - 1].to, STACK(2) + STACK_BYTES);
	for (size_t i = 1; i < nr; i++)
		cr_expect_eq(r[i].from, r[i - 1].to, "nothing is left out");
}
