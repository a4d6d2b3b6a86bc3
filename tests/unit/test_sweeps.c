/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "requests/sweeps.h"

#define SPAN  0x1000u /* the runtime.mspan */
#define BITS  0x1100u
#define START 0xc000000000u

/* A span of objects of 48 bytes, and what the runtime knows of it. */
static struct gsweep read_object(uint32_t sweepgen, uint64_t start, uint8_t bits, uint64_t addr)
{
	struct gospan spans[] = {
		{ .start = START, .elem_bytes = 48, .record = SPAN, .npages = 1, .nelems = 170 }
	};
	const struct goheap heap = { .spans = spans, .nr = 1, .lo = START, .hi = START + 8192 };
	const uint64_t allocbits = BITS;
	struct goruntime rt = { .minor = 26 };
	uint8_t memory[0x200] = { 0 };
	struct bufspace b;
	struct gsweep s;

	rt.objects.mspan_start = 24;
	rt.objects.mspan_allocbits = 64;
	rt.objects.mspan_sweepgen = 88;
	memcpy(memory + 24, &start, sizeof(start));
	memcpy(memory + 64, &allocbits, sizeof(allocbits));
	memcpy(memory + 88, &sweepgen, sizeof(sweepgen));
	memory[BITS - SPAN + 1] = bits;
	bufspace__init(&b, memory, sizeof(memory), SPAN);
	s = sweeps__find(&heap, addr);
	cr_assert_eq(sweeps__read(&b.as, &rt, &s, 1), 0);
	return s;
}

Test(sweeps, tell_the_last_sweep_and_whether_it_found_the_object_in_use)
{
	const uint64_t tenth = START + 10ull * 48;
	static const struct {
		const char *why;
		uint32_t sweepgen, want;
	} t[] = {
		{ "swept", 8, 8 },
		{ "in a cache since it was swept", 11, 8 },
		{ "being swept: a number that was before it", 9, 6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct gsweep s = read_object(t[i].sweepgen, START, 1 << 2, tenth);

		cr_expect(s.known && s.marked && s.slot == 10, "%s", t[i].why);
		cr_expect_eq(s.number, t[i].want, "%s: %u", t[i].why, s.number);
	}
	cr_expect(!read_object(8, START, (uint8_t) ~(1 << 2), tenth).marked);
	cr_expect(!read_object(8, START + 8192, 1 << 2, tenth).known,
		  "the mspan is another span's");
	cr_expect(!read_object(8, START, 1 << 2, START + 9000).known, "no object lies there");
}

Test(sweeps, an_object_is_the_same_unless_its_memory_may_have_been_used_again)
{
	const struct gsweep then = { SPAN, START, 3, 4, false, true };
	static const struct {
		const char *why;
		struct gsweep now;
		bool want;
	} t[] = {
		{ "nobody has swept it", { SPAN, START, 3, 4, false, true }, true },
		{ "swept once, in use", { SPAN, START, 3, 6, true, true }, true },
		{ "swept once, free then", { SPAN, START, 3, 6, false, true }, false },
		{ "swept twice", { SPAN, START, 3, 8, true, true }, false },
		{ "being swept", { SPAN, START, 3, 2, true, true }, false },
		{ "not known", { SPAN, START, 3, 4, true, false }, false },
		{ "another object", { SPAN, START, 4, 4, true, true }, false },
		{ "another span", { SPAN + 8, START, 3, 4, true, true }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(gsweep__follows(&then, &t[i].now), t[i].want, "%s", t[i].why);
}
