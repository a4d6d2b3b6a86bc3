/* SPDX-License-Identifier: BSD-2-Clause */
/* Of code for arm64 the same is told as of x86's: tests/unit/test_holds.c. */
#include <criterion/criterion.h>

#include "a64.h"
#include "fake_locks.h"

#define LOCK (LOCKS_HEAP + 0x40) /* its words: 1, locked */
#define MAX  8

#define LOAD_LOCK A64_LDR(0u, A64_SP, 16)
#define RETURN    A64_ADD_I(A64_SP, A64_SP, LOCKS_FRAME), A64_RET_
#define WORDS(...)                                                                                 \
	locks_bytes(&t, (const char *)(const uint32_t[]){ __VA_ARGS__ },                           \
		    sizeof((const uint32_t[]){ __VA_ARGS__ }))

static struct fake_locks t;
static struct held held[MAX];
static bool complete;

static void open_target(bool regabi, int minor)
{
	cr_assert_eq(fake_locks__init_on(&t, &isa_arm64, regabi, minor), 0);
	locks_slot(&t, 16, LOCK);
	locks_put(&t, LOCK, 1, 4);
}

static void setup(void)
{
	open_target(true, 22);
}

static void teardown(void)
{
	fake_locks__done(&t);
}

static int find(void)
{
	return fake_locks__find(&t, 0, held, MAX, &complete);
}

static void unlock(void)
{
	WORDS(LOAD_LOCK);
	locks_call(&t, FN_UNLOCK);
}

TestSuite(holds_arm64, .init = setup, .fini = teardown);

Test(holds_arm64, finds_what_will_be_given_back)
{
	uint64_t call;

	WORDS(LOAD_LOCK);
	call = t.at;
	locks_call(&t, FN_UNLOCK);
	WORDS(RETURN);
	cr_assert_eq(find(), 1);
	cr_expect_eq(held[0].lock, LOCK);
	cr_expect_eq(held[0].kind, HELD_MUTEX);
	cr_expect_eq(held[0].frame, 1);
	cr_expect_eq(held[0].release_pc, call);
	cr_expect(complete);
	locks_put(&t, LOCK, 8, 4); /* a waiter, not locked */
	cr_expect_eq(find(), 0);
}

Test(holds_arm64, does_not_find_what_is_taken_first)
{
	WORDS(LOAD_LOCK);
	locks_call(&t, FN_LOCK);
	unlock();
	WORDS(RETURN);
	cr_expect_eq(find(), 0);
	cr_expect(complete);
}

Test(holds_arm64, passes_arguments_on_the_stack_before_go_1_18)
{
	teardown();
	open_target(false, 17);
	WORDS(LOAD_LOCK, A64_STR(0u, A64_SP, 8));
	locks_call(&t, FN_UNLOCK);
	WORDS(RETURN);
	cr_expect_eq(find(), 1);
	teardown();
	open_target(false, 17);
	locks_slot(&t, 8, 0);
	WORDS(LOAD_LOCK, A64_STR(0u, A64_SP, 0));
	locks_call(&t, FN_UNLOCK);
	WORDS(RETURN);
	cr_expect_eq(find(), 0, "the return address is no argument");
}

Test(holds_arm64, wants_every_way_to_give_it_back)
{
	static const struct {
		const char *why;
		uint32_t branch;
		int want;
	} v[] = {
		{ "by a result", A64_CBZ_(0u, 3), 0 },
		{ "by a bit of it", A64_TBZ_(0u, 3u, 3), 0 },
		{ "by unknown flags", A64_BCOND(A64_EQ, 3), 0 },
		{ "never: register 31 is 0", A64_CBNZ_W(A64_XZR, 3), 1 },
		{ "always", A64_CBZ_(A64_XZR, 3), 0 },
		{ "no branch", A64_NOP, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		teardown();
		open_target(true, 22);
		locks_call(&t, FN_OTHER);
		WORDS(v[i].branch);
		unlock();
		WORDS(RETURN);
		cr_expect_eq(find(), v[i].want, "%s", v[i].why);
	}
}

Test(holds_arm64, does_not_want_it_of_a_way_that_panics)
{
	locks_call(&t, FN_OTHER);
	WORDS(A64_CBZ_(0u, 5)); /* past the return */
	unlock();
	WORDS(RETURN);
	locks_call(&t, FN_PANIC);
	cr_expect_eq(find(), 1);
}

Test(holds_arm64, decides_a_branch_by_the_frame_and_not_by_the_heap)
{
	static const struct {
		const char *why;
		uint64_t flag;
		int want;
	} rows[] = { { "set", 2, 1 }, { "not set", 1, 0 } };

	WORDS(A64_LDRB(1u, A64_SP, 24), A64_TBZ_(1u, 1u, 3)); /* as deferBits */
	unlock();
	WORDS(RETURN);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		locks_slot(&t, 24, rows[i].flag);
		cr_expect_eq(find(), rows[i].want, "%s", rows[i].why);
	}
	teardown();
	open_target(true, 22);
	WORDS(LOAD_LOCK, A64_LDR_W(1u, 0u, 16), A64_CBNZ_W(1u, 3)); /* it is 0 now */
	unlock();
	WORDS(RETURN);
	cr_expect_eq(find(), 0, "the heap changes");
}

Test(holds_arm64, follows_pointers_and_calls)
{
	locks_slot(&t, 16, LOCKS_HEAP);
	locks_put(&t, LOCKS_HEAP + 0x10, LOCK - 0x18, 8);
	WORDS(LOAD_LOCK, A64_LDR(0u, 0u, 16));
	locks_call(&t, FN_HELPER);
	WORDS(RETURN);
	t.at = t.entry[FN_HELPER];
	WORDS(A64_STR_PRE(30u, A64_SP, -32), A64_ADD_I(0u, 0u, 0x18));
	locks_call(&t, FN_UNLOCK);
	WORDS(A64_LDR_POST(30u, A64_SP, 32), A64_RET_);
	cr_assert_eq(find(), 1);
	cr_expect_eq(held[0].lock, LOCK);
	cr_expect_eq(held[0].frame, 1, "of the frame, whatever it calls");
}

Test(holds_arm64, calls_closures)
{
	locks_put(&t, LOCKS_HEAP, t.entry[FN_HELPER], 8);
	locks_put(&t, LOCKS_HEAP + 8, LOCK, 8);
	locks_slot(&t, 24, LOCKS_HEAP);
	WORDS(A64_LDR(26u, A64_SP, 24), A64_LDR(1u, 26u, 0), A64_BLR_(1u), RETURN);
	t.at = t.entry[FN_HELPER];
	WORDS(A64_LDR(0u, 26u, 8));
	locks_call(&t, FN_UNLOCK);
	WORDS(A64_RET_);
	cr_expect_eq(find(), 1);
}

Test(holds_arm64, takes_a_jump_to_a_function_for_a_call_and_a_return)
{
	WORDS(LOAD_LOCK, A64_ADD_I(A64_SP, A64_SP, LOCKS_FRAME));
	WORDS(A64_B_((int64_t)(t.entry[FN_UNLOCK] - t.at) / 4));
	cr_expect_eq(find(), 1);
	cr_expect(complete);
}

Test(holds_arm64, keeps_the_address_over_a_write_barrier)
{
	static const struct {
		const char *why;
		int call;
		uint32_t reg;
		int want;
	} v[] = {
		{ "the barrier leaves x2", FN_BARRIER, 2, 1 },
		{ "and has its result in x25", FN_BARRIER, 25, 0 },
		{ "duffzero leaves x2", FN_DUFFZERO, 2, 1 },
		{ "but not where it has come to", FN_DUFFZERO, 20, 0 },
		{ "any other leaves nothing", FN_OTHER, 2, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		teardown();
		open_target(true, 22);
		WORDS(A64_LDR(v[i].reg, A64_SP, 16));
		locks_call(&t, v[i].call);
		WORDS(A64_MOV(0u, v[i].reg));
		locks_call(&t, FN_UNLOCK);
		WORDS(RETURN);
		cr_expect_eq(find(), v[i].want, "%s", v[i].why);
	}
}

/* main.g, whose second half is inlined from Unlock: it begins with these instructions. */
#define INLINED(...)                                                                               \
	do {                                                                                       \
		teardown();                                                                        \
		open_target(true, 22);                                                             \
		t.at = t.entry[FN_INLINED];                                                        \
		locks_call(&t, FN_GOPARK);                                                         \
		WORDS(A64_B_(15));                                                                 \
		t.at = t.entry[FN_INLINED] + 0x40;                                                 \
		WORDS(LOAD_LOCK, A64_MOVN_W(1u, 0u), __VA_ARGS__);                                 \
	} while (0)

static int find_inlined(void)
{
	uint64_t pcs[] = { t.entry[FN_GOPARK] + 4, t.entry[FN_INLINED] + 4,
			   t.entry[FN_GOEXIT] + 4 };

	WORDS(A64_CBZ_W(2u, 2)); /* past the slow path */
	locks_call(&t, FN_OTHER);
	WORDS(RETURN);
	return fake_locks__find_from(&t, pcs, 3, LOCKS_SP - 8, 0, held, MAX, &complete);
}

/* As Go makes it of atomic.AddInt32(&m.state, -1): with Armv8.1, without it, and by what it finds. */
Test(holds_arm64, knows_an_inlined_unlock)
{
	INLINED(A64_LDADDAL_W(1u, 2u, 0u), A64_ADD_W(2u, 1u, 2u));
	cr_assert_eq(find_inlined(), 1, "ldaddal");
	cr_expect_eq(held[0].lock, LOCK);
	cr_expect_eq(held[0].release_pc, t.entry[FN_INLINED] + 0x48);

	INLINED(A64_LDAXR_W(2u, 0u), A64_ADD_W(2u, 1u, 2u), A64_STLXR_W(27u, 2u, 0u),
		A64_CBNZ_W(27u, -3));
	cr_expect_eq(find_inlined(), 1, "ldaxr and stlxr");

	INLINED(A64_LDRB(27u, 0u, 16u), A64_CBZ_W(27u, 4), A64_LDADDAL_W(1u, 2u, 0u),
		A64_ADD_W(2u, 1u, 2u), A64_B_(5), A64_LDAXR_W(2u, 0u), A64_ADD_W(2u, 1u, 2u),
		A64_STLXR_W(27u, 2u, 0u), A64_CBNZ_W(27u, -3));
	cr_expect_eq(find_inlined(), 1, "either");
}

/* A table of two places: one gives the lock back, the other is told. */
static int find_by_table(bool both)
{
	const uint64_t at = t.entry[FN_MAIN];

	locks_put(&t, LOCKS_HEAP, at + 0x40, 8);
	locks_put(&t, LOCKS_HEAP + 8, at + 0x80, 8);
	locks_slot(&t, 24, LOCKS_HEAP);
	locks_call(&t, FN_OTHER);
	WORDS(A64_LDR(1u, A64_SP, 24), A64_LDR_IDX(27u, 1u, 0u), A64_BR_(27u));
	t.at = at + 0x40;
	unlock();
	WORDS(RETURN);
	t.at = at + 0x80;
	if (both)
		unlock();
	WORDS(RETURN);
	return find();
}

Test(holds_arm64, goes_every_way_that_a_table_of_jumps_has)
{
	cr_expect_eq(find_by_table(true), 1);
	cr_expect(complete);
	teardown();
	setup();
	cr_expect_eq(find_by_table(false), 0);
}

/* semacquire1 <- lockSlow <- main.f, which gives the lock back once */
Test(holds_arm64, counts_the_lock_that_is_waited_for_as_taken)
{
	uint64_t pcs[] = { t.entry[FN_SEMACQUIRE] + 4, t.entry[FN_LOCK_SLOW] + 4,
			   t.entry[FN_MAIN] + 4, t.entry[FN_GOEXIT] + 4 };
	const uint64_t sp = LOCKS_SP - 0x10 - 8; /* of semacquire1, with frames of 8 and 0x10 */

	unlock();
	WORDS(RETURN);
	t.at = t.entry[FN_SEMACQUIRE];
	WORDS(A64_STR(0u, A64_SP, 16), A64_RET_); /* its caller has room for it */
	locks_put(&t, sp + 16, LOCK + 4, 8);
	cr_expect_eq(fake_locks__find_from(&t, pcs, 4, sp, 0, held, MAX, &complete), 0);
	cr_expect(complete);
	locks_put(&t, sp + 16, LOCK + 0x24, 8);
	cr_expect_eq(fake_locks__find_from(&t, pcs, 4, sp, 0, held, MAX, &complete), 1,
		     "it waits for another one");
}

/* g._defer stands before g.m; _defer {sp@8, fn@24, link@32}. */
Test(holds_arm64, runs_what_was_deferred)
{
	uint64_t g = LOCKS_HEAP + 0x100, d = LOCKS_HEAP + 0x180, fn = LOCKS_HEAP + 0x10;

	locks_put(&t, g + (uint64_t)t.rt.layout.g_m - 8, d, 8);
	locks_put(&t, d + 8, LOCKS_SP, 8);
	locks_put(&t, d + 24, fn, 8);
	locks_put(&t, fn, t.entry[FN_HELPER], 8);
	locks_put(&t, fn + 8, LOCK, 8);
	locks_call(&t, FN_DEFERRETURN);
	WORDS(RETURN);
	t.at = t.entry[FN_HELPER];
	WORDS(A64_LDR(0u, 26u, 8));
	locks_call(&t, FN_UNLOCK);
	WORDS(A64_RET_);
	cr_expect_eq(fake_locks__find(&t, g, held, MAX, &complete), 1);
	locks_put(&t, d + 8, LOCKS_SP + 8, 8);
	cr_expect_eq(fake_locks__find(&t, g, held, MAX, &complete), 0, "another frame's");
}
