/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "fake_locks.h"

#define LOCK        (LOCKS_HEAP + 0x40) /* its words: 1, locked */
#define MAX         8
#define MAX_READERS (1 << 30) /* sync.rwmutexMaxReaders */

#define LOAD_RAX "\x48\x8b\x44\x24\x08" /* mov rax, [rsp+8] */
#define RET      "\x48\x83\xc4\x20\xc3" /* add rsp, 0x20; ret */

static struct fake_locks t;
static struct held held[MAX];
static bool complete;

static void open_target(int minor)
{
	cr_assert_eq(fake_locks__init(&t, minor), 0);
	locks_slot(&t, 8, LOCK);
	locks_put(&t, LOCK, 1, 4);
}

static void setup(void)
{
	open_target(22);
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
	CODE(&t, LOAD_RAX);
	locks_call(&t, FN_UNLOCK);
}

TestSuite(holds, .init = setup, .fini = teardown);

Test(holds, finds_what_will_be_given_back)
{
	uint64_t call;

	CODE(&t, LOAD_RAX);
	call = t.at;
	locks_call(&t, FN_UNLOCK);
	CODE(&t, RET);
	cr_assert_eq(find(), 1);
	cr_expect_eq(held[0].lock, LOCK);
	cr_expect_eq(held[0].kind, HELD_MUTEX);
	cr_expect_eq(held[0].frame, 1);
	cr_expect_eq(held[0].release_pc, call);
	cr_expect(complete);
}

Test(holds, asks_the_lock_whether_it_is_taken)
{
	unlock();
	CODE(&t, RET);
	locks_put(&t, LOCK, 8, 4); /* a waiter, not locked */
	cr_expect_eq(find(), 0);
	locks_slot(&t, 8, 0xdead000);
	cr_expect_eq(find(), 0, "unreadable");
	locks_slot(&t, 8, LOCK + 1);
	cr_expect_eq(find(), 0, "no mutex is at an odd address");
}

Test(holds, does_not_find_what_is_taken_first)
{
	CODE(&t, LOAD_RAX);
	locks_call(&t, FN_LOCK);
	unlock();
	CODE(&t, RET);
	cr_expect_eq(find(), 0);
	cr_expect(complete);
}

Test(holds, finds_what_is_given_back_once_more_than_it_is_taken)
{
	CODE(&t, LOAD_RAX);
	locks_call(&t, FN_LOCK);
	unlock();
	unlock();
	CODE(&t, RET);
	cr_expect_eq(find(), 1);
}

Test(holds, wants_every_way_to_give_it_back)
{
	locks_call(&t, FN_OTHER);
	CODE(&t, "\x85\xc0"   /* test eax, eax: a result */
		 "\x74\x0a"); /* je past the unlock */
	unlock();
	CODE(&t, RET);
	cr_expect_eq(find(), 0);
}

/* As in what stores a result before it unlocks: x/sync's and groupcache's singleflight. */
Test(holds, keeps_the_address_over_a_write_barrier)
{
	static const struct {
		const char *why;
		int call, want;
	} v[] = {
		{ "the barrier leaves rsi", FN_BARRIER, 1 },
		{ "duffzero does not", FN_DUFFZERO, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		fake_locks__done(&t);
		open_target(22);
		CODE(&t, "\x48\x8b\x74\x24\x08"); /* mov rsi, [rsp+8] */
		locks_call(&t, v[i].call);
		CODE(&t, "\x48\x89\xf0"); /* mov rax, rsi */
		locks_call(&t, FN_UNLOCK);
		CODE(&t, RET);
		cr_expect_eq(find(), v[i].want, "%s", v[i].why);
	}
}

Test(holds, does_not_want_it_of_a_way_that_panics)
{
	locks_call(&t, FN_OTHER);
	CODE(&t, "\x85\xc0\x74\x0f"); /* je past the return */
	unlock();
	CODE(&t, RET);
	locks_call(&t, FN_PANIC);
	cr_expect_eq(find(), 1);
}

Test(holds, decides_a_branch_by_the_frame)
{
	static const struct {
		const char *why;
		uint64_t flag;
		int want;
	} rows[] = { { "set", 2, 1 }, { "not set", 1, 0 } };

	CODE(&t, "\x0f\xb6\x4c\x24\x10" /* movzx ecx, byte [rsp+0x10]: as deferBits */
		 "\xf6\xc1\x02"         /* test cl, 2 */
		 "\x74\x0a");
	unlock();
	CODE(&t, RET);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		locks_slot(&t, 0x10, rows[i].flag);
		cr_expect_eq(find(), rows[i].want, "%s", rows[i].why);
	}
}

Test(holds, does_not_decide_by_the_heap)
{
	CODE(&t, LOAD_RAX "\x83\x78\x10\x00" /* cmp dword [rax+0x10], 0 */
			  "\x75\x0a");       /* jne: it is 0 now */
	unlock();
	CODE(&t, RET);
	cr_expect_eq(find(), 0);
}

Test(holds, follows_pointers_and_calls)
{
	locks_slot(&t, 8, LOCKS_HEAP);
	locks_put(&t, LOCKS_HEAP + 0x10, LOCK - 0x18, 8);
	CODE(&t, LOAD_RAX "\x48\x8b\x40\x10"); /* mov rax, [rax+0x10] */
	locks_call(&t, FN_HELPER);
	CODE(&t, RET);
	t.at = t.entry[FN_HELPER];
	CODE(&t, "\x48\x83\xc0\x18"); /* add rax, 0x18 */
	locks_call(&t, FN_UNLOCK);
	CODE(&t, "\xc3");
	cr_assert_eq(find(), 1);
	cr_expect_eq(held[0].lock, LOCK);
	cr_expect_eq(held[0].frame, 1, "of the frame, whatever it calls");
}

Test(holds, minds_what_a_call_takes)
{
	CODE(&t, LOAD_RAX);
	locks_call(&t, FN_HELPER);
	unlock();
	CODE(&t, RET);
	t.at = t.entry[FN_HELPER];
	locks_call(&t, FN_LOCK);
	CODE(&t, "\xc3");
	cr_expect_eq(find(), 0);
}

Test(holds, minds_that_a_lock_somewhere_was_taken)
{
	CODE(&t, "\x48\x89\xd8"); /* mov rax, rbx: unknown */
	locks_call(&t, FN_LOCK);
	unlock();
	CODE(&t, RET);
	cr_expect_eq(find(), 0);
}

Test(holds, calls_closures)
{
	locks_put(&t, LOCKS_HEAP, t.entry[FN_HELPER], 8);
	locks_put(&t, LOCKS_HEAP + 8, LOCK, 8);
	locks_slot(&t, 0x18, LOCKS_HEAP);
	CODE(&t, "\x48\x8b\x54\x24\x18" /* mov rdx, [rsp+0x18] */
		 "\x48\x8b\x02\xff\xd0" /* mov rax, [rdx]; call rax */
	     RET);
	t.at = t.entry[FN_HELPER];
	CODE(&t, "\x48\x8b\x42\x08"); /* mov rax, [rdx+8] */
	locks_call(&t, FN_UNLOCK);
	CODE(&t, "\xc3");
	cr_expect_eq(find(), 1);
}

Test(holds, knows_an_inlined_unlock)
{
	uint64_t pcs[] = { t.entry[FN_GOPARK] + 4, t.entry[FN_INLINED] + 5,
			   t.entry[FN_GOEXIT] + 1 };

	t.at = t.entry[FN_INLINED];
	locks_call(&t, FN_GOPARK);
	CODE(&t, "\xeb\x39"); /* to its second half */
	t.at = t.entry[FN_INLINED] + 0x40;
	CODE(&t, LOAD_RAX "\xbb\xff\xff\xff\xff" /* mov ebx, -1 */
			  "\xf0\x0f\xc1\x18"     /* lock xadd [rax], ebx */
			  "\xff\xcb\x74\x05");   /* dec ebx; je past the slow path */
	locks_call(&t, FN_OTHER);
	CODE(&t, RET);
	cr_assert_eq(fake_locks__find_from(&t, pcs, 3, LOCKS_SP - 0x10, 0, held, MAX, &complete),
		     1);
	cr_expect_eq(held[0].lock, LOCK);
	cr_expect_eq(held[0].release_pc, t.entry[FN_INLINED] + 0x4a);
}

/* g._defer stands before g.m; _defer {sp@8, fn@24, link@32}. */
Test(holds, runs_what_was_deferred)
{
	uint64_t g = LOCKS_HEAP + 0x100, d = LOCKS_HEAP + 0x180, fn = LOCKS_HEAP + 0x10;

	locks_put(&t, g + (uint64_t)t.rt.layout.g_m - 8, d, 8);
	locks_put(&t, d + 8, LOCKS_SP, 8);
	locks_put(&t, d + 24, fn, 8);
	locks_put(&t, d + 32, d, 8); /* a list without an end */
	locks_put(&t, fn, t.entry[FN_HELPER], 8);
	locks_put(&t, fn + 8, LOCK, 8);
	locks_call(&t, FN_DEFERRETURN);
	CODE(&t, RET);
	t.at = t.entry[FN_HELPER];
	CODE(&t, "\x48\x8b\x42\x08");
	locks_call(&t, FN_UNLOCK);
	CODE(&t, "\xc3");
	cr_expect_eq(fake_locks__find(&t, g, held, MAX, &complete), 1);
	cr_expect_not(complete, "the list is longer than is looked at");
	locks_put(&t, d + 8, LOCKS_SP + 0x100, 8);
	locks_put(&t, d + 32, 0, 8);
	cr_expect_eq(fake_locks__find(&t, g, held, MAX, &complete), 0, "of another frame");
	cr_expect(complete);
}

/* semacquire1 <- lockSlow <- main.f, which gives the lock back once */
static int find_waiting(uint64_t *sp)
{
	uint64_t pcs[] = { t.entry[FN_SEMACQUIRE] + 5, t.entry[FN_LOCK_SLOW] + 4,
			   t.entry[FN_MAIN] + 5, t.entry[FN_GOEXIT] + 1 };

	*sp = LOCKS_SP - 0x28;
	return fake_locks__find_from(&t, pcs, 4, *sp, 0, held, MAX, &complete);
}

Test(holds, counts_the_lock_that_is_waited_for_as_taken)
{
	uint64_t sp;

	unlock();
	CODE(&t, RET);
	t.at = t.entry[FN_SEMACQUIRE];
	CODE(&t, "\x48\x89\x44\x24\x10\xc3"); /* mov [rsp+0x10], rax: its caller has room for it */
	find_waiting(&sp);
	locks_put(&t, sp + 0x10, LOCK + 4, 8);
	cr_expect_eq(find_waiting(&sp), 0);
	cr_expect(complete);
	locks_put(&t, sp + 0x10, LOCK + 0x24, 8);
	cr_expect_eq(find_waiting(&sp), 1, "it waits for another one");
}

Test(holds, finds_the_semaphore_in_code_that_was_not_optimised)
{
	uint64_t sp;

	unlock();
	CODE(&t, RET);
	t.at = t.entry[FN_SEMACQUIRE];
	CODE(&t, "\x0f\x1f\x44\x00\x00\x48\x8b\x04\x24"); /* nop; mov rax, [rsp] */
	locks_call(&t, FN_CANSEMACQUIRE);
	CODE(&t, "\xc3");
	find_waiting(&sp);
	cr_expect_eq(find_waiting(&sp), 0);
	cr_expect_not(complete, "no semaphore: any lock may be the one that it waits for");
	locks_put(&t, sp, LOCK + 4, 8);
	cr_expect_eq(find_waiting(&sp), 0);
	cr_expect(complete);
	locks_put(&t, sp, LOCK + 0x24, 8);
	cr_expect_eq(find_waiting(&sp), 1);
}

Test(holds, tells_a_lock_once_unless_it_is_read)
{
	unlock();
	unlock();
	CODE(&t, RET);
	cr_expect_eq(find(), 1);
	fake_locks__done(&t);
	open_target(22);
	locks_put(&t, LOCK + 16, 2, 4); /* two readers */
	CODE(&t, LOAD_RAX);
	locks_call(&t, FN_RUNLOCK);
	CODE(&t, RET);
	cr_assert_eq(find(), 1);
	cr_expect_eq(held[0].kind, HELD_READ);
}

Test(holds, gives_no_more_than_there_is_room_for)
{
	locks_slot(&t, 0x10, LOCK + 8);
	locks_put(&t, LOCK + 8, 1, 4);
	unlock();
	CODE(&t, "\x48\x8b\x44\x24\x10");
	locks_call(&t, FN_UNLOCK);
	CODE(&t, RET);
	cr_expect_eq(find(), 2);
	cr_expect_eq(fake_locks__find(&t, 0, held, 1, &complete), 1);
	cr_expect_not(complete);
}

Test(holds, ends_in_any_code)
{
	static const struct {
		const char *why, *code;
		size_t len;
	} rows[] = {
		{ "a loop", "\xeb\xfe", 2 },
		{ "a loop that counts", "\x48\xff\xc0\xeb\xfb", 5 },
		{ "one that fills memory", "\x48\x83\xec\x08\x48\x89\x04\x24\xeb\xf6", 10 },
		{ "a call of itself", "\xe8\xf6\xff\xff\xff\xc3", 6 },
		{ "a jump to unknown code", "\xff\xe0", 2 },
		{ "no stack", "\x48\x89\xc4\x58\xc3", 5 },
		{ "no instruction", "\x06\x06", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fake_locks__done(&t);
		open_target(22);
		locks_bytes(&t, rows[i].code, rows[i].len);
		unlock();
		CODE(&t, RET);
		cr_expect_eq(find(), 0, "%s", rows[i].why);
	}
}

Test(holds, says_so_when_the_stack_makes_no_sense)
{
	uint64_t pcs[] = { 0x1234, t.entry[FN_MAIN] + 5 };

	cr_expect_eq(fake_locks__find_from(&t, pcs, 2, LOCKS_SP, 0, held, MAX, &complete), 0);
	cr_expect_not(complete);
	cr_expect_eq(fake_locks__find_from(&t, pcs, 2, LOCKS_SP + 1, 0, held, MAX, &complete),
		     -EFAULT);
	cr_expect_eq(fake_locks__find_from(&t, pcs, 2, 0x1000, 0, held, MAX, &complete), -EFAULT);
	cr_expect_eq(fake_locks__find_from(&t, pcs, 0, LOCKS_SP, 0, held, MAX, &complete), 0);
	cr_expect(complete);
}

Test(holds, reads_arguments_from_the_stack_in_old_versions)
{
	fake_locks__done(&t);
	open_target(15);
	CODE(&t, LOAD_RAX "\x48\x89\x04\x24"); /* mov [rsp], rax */
	locks_call(&t, FN_UNLOCK);
	CODE(&t, RET);
	cr_expect_eq(find(), 1);
}

Test(holds, knows_the_states_of_a_lock)
{
	static const struct {
		const char *why;
		int32_t state, count, wait;
		bool want[5]; /* by enum held_kind; of a WaitGroup nothing is asked */
	} rows[] = {
		{ "free", 0, 0, 0, { false, false, false, true, false } },
		{ "locked", 1, 0, 0, { true, false, false, true, false } },
		{ "two readers", 0, 2, 0, { false, false, true, true, false } },
		{ "a writer, and readers outside",
		  1,
		  -MAX_READERS + 3,
		  0,
		  { true, true, false, true, false } },
		{ "a writer that waits for one reader",
		  1,
		  -MAX_READERS + 1,
		  1,
		  { true, false, true, true, true } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		locks_put(&t, LOCK, (uint32_t)rows[i].state, 4);
		locks_put(&t, LOCK + 16, (uint32_t)rows[i].count, 4);
		locks_put(&t, LOCK + 20, (uint32_t)rows[i].wait, 4);
		for (enum held_kind k = HELD_MUTEX; k <= HELD_PENDING; k++) {
			bool taken = false;

			cr_expect_eq(holds__is_taken(t.holds, LOCK, k, &taken), 0);
			cr_expect_eq(taken, rows[i].want[k], "%s: %s", rows[i].why,
				     held_kind_name(k));
		}
	}
	cr_expect_eq(holds__is_taken(t.holds, 0x1000, HELD_READ, &complete), -EFAULT);
}

/* --- many goroutines --- */

static bool may_give(void)
{
	uint64_t pcs[] = { t.entry[FN_GOPARK] + 4, t.entry[FN_MAIN] + 5, t.entry[FN_GOEXIT] + 1 };
	bool ret = false;

	cr_assert_eq(holds__may_give(t.holds, pcs, ARRAY_SIZE(pcs), &ret), 0);
	return ret;
}

Test(holds, tells_by_the_code_what_gives_nothing_back)
{
	CODE(&t, LOAD_RAX);
	locks_call(&t, FN_LOCK);
	CODE(&t, RET);
	unlock(); /* no way leads here */
	cr_expect_not(may_give());
}

Test(holds, tells_by_the_code_what_may_give_something_back)
{
	CODE(&t, "\x85\xc0\x74\x05"); /* je past the return */
	CODE(&t, RET);
	unlock();
	cr_expect(may_give());
}

Test(holds, cannot_tell_of_code_that_calls_what_nobody_knows)
{
	CODE(&t, "\xff\xd0" RET); /* call rax */
	cr_expect(may_give());
}

Test(holds, looks_for_wanted_locks_only)
{
	uint64_t other[] = { LOCK - 8, LOCK + 8 }, both[] = { LOCK - 8, LOCK };

	unlock();
	CODE(&t, RET);
	holds__want(t.holds, other, 2);
	cr_expect_eq(find(), 0);
	cr_expect(complete);
	holds__want(t.holds, both, 2);
	cr_expect_eq(find(), 1);
}

#define MOVED 0x80 /* another goroutine's main.f is that much further up */

static int find_moved(void)
{
	uint64_t pcs[] = { t.entry[FN_GOPARK] + 4, t.entry[FN_MAIN] + 5, t.entry[FN_GOEXIT] + 1 };

	return fake_locks__find_from(&t, pcs, ARRAY_SIZE(pcs), LOCKS_SP - 0x10 + MOVED, 0, held,
				     MAX, &complete);
}

Test(holds, takes_another_goroutine_for_itself)
{
	static const struct {
		const char *why;
		uint64_t lock, slot, flag; /* slot: what holds the address of the lock's address */
		int want;
	} rows[] = {
		{ "the same", LOCK, LOCKS_SP + MOVED + 8, 2, 1 },
		{ "another lock", LOCK + 0x10, LOCKS_SP + MOVED + 8, 2, 1 },
		{ "of a stack that is not its own", LOCK, LOCKS_SP + 8, 2, 1 },
		{ "another way", LOCK, LOCKS_SP + MOVED + 8, 0, 0 },
		{ "the same again", LOCK, LOCKS_SP + MOVED + 8, 2, 1 },
		{ "unreadable", LOCK, 0xdead000, 2, 0 },
	};

	CODE(&t, "\x0f\xb6\x4c\x24\x10" /* movzx ecx, byte [rsp+0x10] */
		 "\x48\x8b\x44\x24\x18" /* mov rax, [rsp+0x18] */
		 "\xf6\xc1\x02\x74\x08" /* test cl, 2; je past the unlock */
		 "\x48\x8b\x00");       /* mov rax, [rax] */
	locks_call(&t, FN_UNLOCK);
	CODE(&t, RET);
	locks_put(&t, LOCK + 0x10, 1, 4);
	locks_slot(&t, 0x10, 2);
	locks_slot(&t, 0x18, LOCKS_SP + 8);
	cr_assert_eq(find(), 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		locks_slot(&t, MOVED + 8, rows[i].lock);
		locks_slot(&t, MOVED + 0x10, rows[i].flag);
		locks_slot(&t, MOVED + 0x18, rows[i].slot);
		cr_expect_eq(find_moved(), rows[i].want, "%s", rows[i].why);
		if (rows[i].want)
			cr_expect_eq(held[0].lock, rows[i].lock, "%s", rows[i].why);
	}
}

Test(holds, reads_no_stack_that_was_read_before)
{
	uint64_t pcs[] = { t.entry[FN_GOPARK] + 4, t.entry[FN_MAIN] + 5, t.entry[FN_GOEXIT] + 1 };
	uint8_t bytes[LOCKS_BYTES - 0x30];
	struct hold_stack s = { .pcs = pcs,
				.nr = ARRAY_SIZE(pcs),
				.sp = LOCKS_SP - 0x10,
				.stack_hi = LOCKS_STACK + LOCKS_BYTES,
				.bytes = bytes,
				.nr_bytes = sizeof(bytes) };

	unlock();
	CODE(&t, RET);
	memcpy(bytes, t.stack + 0x30, sizeof(bytes));
	memset(t.stack, 0, sizeof(t.stack));
	cr_assert_eq(holds__find(t.holds, &s, held, MAX, &complete), 1);
	cr_expect_eq(held[0].lock, LOCK);
}
