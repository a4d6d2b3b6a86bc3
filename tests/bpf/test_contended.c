/* SPDX-License-Identifier: BSD-2-Clause */
/* The BPF programs of Go's own profiles of contention, run as host C on a made-up goroutine and a made-up queue of a semaphore. */
#include "world.h"

int pw_park(struct pt_regs *ctx);
int pw_ready(struct pt_regs *ctx);
int pw_queue(struct pt_regs *ctx);
int pw_dequeue(struct pt_regs *ctx);

static struct pw_knobs *knobs;

/* --- block --- */

static void block_world(void)
{
	make_world();
	knobs = (struct pw_knobs *)(uintptr_t)&pw_knobs;
	knobs->blocks = 1ULL << REASON;
	pw_want = PW_WANT_BLOCK;
}

TestSuite(blocks, .init = block_world, .fini = shim_done);

static void at(int (*program)(struct pt_regs *ctx), uint64_t now)
{
	shim.now = now;
	program(&regs);
}

/* Ready has the woken g as its first argument: here the same register as the one that parks. */
Test(blocks, a_wait_ends_with_its_ready)
{
	const struct pw_block *e;

	at(pw_park, 1000);
	at(pw_ready, 1700);
	e = record(shim.nr_records - 1, PW_BLOCK);
	cr_expect_eq(e->start_ns, 1000);
	cr_expect_eq(e->hdr.ts_ns, 1700);
	cr_expect_eq(e->hdr.goid, GOID);
	cr_expect_eq(e->gopc, GOPC);
	cr_expect_eq(e->startpc, STARTPC);
	cr_expect_eq(e->labels, 0, "nobody asks for them");
	cr_expect_eq(e->reason, REASON);
	cr_expect_geq(e->stack_id, PW_STACK_ID_MIN);
	at(pw_ready, 1800);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1, "it has ended once");
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 1);
}

Test(blocks, other_reasons_are_none_of_it)
{
	knobs->blocks = ~(1ULL << REASON);
	at(pw_park, 1000);
	at(pw_ready, 1700);
	pw_begin_ns = 500; /* nothing was seen of it since */
	made.g[G_SCHED_PC] = SCHED_PC;
	knobs->modules[0].gopark = (struct pw_range){ SCHED_PC - 0x10, 0x20 };
	at(pw_ready, 1800);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 0);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 2);
}

Test(blocks, a_wait_since_before_counts_from_the_beginning)
{
	const struct pw_block *e;

	pw_begin_ns = 500;
	knobs->modules[0].gopark = (struct pw_range){ SCHED_PC - 0x10, 0x20 };
	at(pw_ready, 1800);
	e = record(shim.nr_records - 1, PW_BLOCK);
	cr_expect_eq(e->start_ns, 500);
	cr_expect_eq(e->hdr.ts_ns, 1800);
}

Test(blocks, waits_are_summed)
{
	struct pw_wait_key key = {
		.gopc = GOPC, .startpc = STARTPC, .reason = REASON, .kind = PW_BLOCK
	};
	const struct pw_wait_sum *sum;

	at(pw_park, 1000);
	at(pw_ready, 1500);
	key.stack_id = ((const struct pw_block *)record(shim.nr_records - 1, PW_BLOCK))->stack_id;
	pw_sums = 1;
	at(pw_park, 2000);
	at(pw_ready, 2300);
	at(pw_park, 3000);
	at(pw_ready, 3030);
	sum = bpf_map_lookup_elem(&pw_waits, &key);
	cr_assert(sum);
	cr_expect_eq(sum->count, 2);
	cr_expect_eq(sum->ns, 330);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1, "the first, alone");
}

/* --- mutex --- */

enum { NEXT = 1, PREV = 2, ELEM = 3, WAITERS = 4, LINK = 5, SUDOG_WORDS = 8, SUDOGS = 6 };
enum { SEMA = 0x5000, OTHER_SEMA = 0x6000, BEGIN = 100 };

static struct queues {
	uint64_t root[2]; /* its lock, its tree */
	uint64_t sudogs[SUDOGS][SUDOG_WORDS];
} queues;

static void mutex_world(void)
{
	make_world();
	knobs = (struct pw_knobs *)(uintptr_t)&pw_knobs;
	knobs->sema = (struct pw_sema_layout){ .root_treap = 8,
					       .sudog_next = 8 * NEXT,
					       .sudog_prev = 8 * PREV,
					       .sudog_waiters = 8 * WAITERS };
	knobs->lay.sudog_elem = 8 * ELEM;
	knobs->lay.sudog_waitlink = 8 * LINK;
	memset(&queues, 0, sizeof(queues));
	shim_map_memory(&queues, sizeof(queues));
	pw_want = PW_WANT_MUTEX;
	pw_begin_ns = BEGIN;
}

TestSuite(mutexes, .init = mutex_world, .fini = shim_done);

/* The queue of SEMA as the runtime has it: so many wait, as many as `others` of them behind the first. */
static void queue_is(size_t nr, uint64_t others)
{
	for (size_t i = 0; i < nr; i++) {
		queues.sudogs[i][ELEM] = SEMA;
		queues.sudogs[i][LINK] = i + 1 < nr ? addr(queues.sudogs[i + 1]) : 0;
	}
	queues.sudogs[0][WAITERS] = others | OTHER_32; /* a u16 */
	queues.root[1] = nr ? addr(queues.sudogs[0]) : 0;
}

/* registers as make_knobs() has the places: semaphore, root, lifo */
static void hit(int (*program)(struct pt_regs *ctx), uint64_t now, bool lifo)
{
	regs.ax = SEMA;
	regs.bx = addr(queues.root);
	regs.cx = 0xffffff00 | lifo;
	at(program, now);
}

static uint64_t charged(void)
{
	const struct pw_mutex *e = record(shim.nr_records - 1, PW_MUTEX);

	return e->hdr.ts_ns - e->start_ns;
}

Test(mutexes, an_unlock_is_charged_with_the_wait_that_it_ends)
{
	const struct pw_mutex *e;

	queue_is(0, 0);
	hit(pw_queue, 1000, false);
	queue_is(1, 0);
	hit(pw_dequeue, 1700, false);
	e = record(shim.nr_records - 1, PW_MUTEX);
	cr_expect_eq(charged(), 700);
	cr_expect_eq(e->hdr.goid, GOID, "who gives it up");
	cr_expect_eq(e->gopc, GOPC);
	cr_expect_eq(e->startpc, STARTPC);
	cr_expect_geq(e->stack_id, PW_STACK_ID_MIN);
	cr_expect_eq(e->reason, 0);
}

/* Go 1.22 runtime/sema.go semrelease1: dt0 + (dtail + dt0) / 2 * waiters; then both begin anew. */
Test(mutexes, an_unlock_is_charged_with_all_who_wait)
{
	queue_is(0, 0);
	hit(pw_queue, 1000, false);
	queue_is(1, 0);
	hit(pw_queue, 1200, false);
	queue_is(2, 1);
	hit(pw_queue, 1600, false);
	queue_is(3, 2);
	hit(pw_dequeue, 2000, false);
	cr_expect_eq(charged(), 1000 + (400 + 1000) / 2 * 2);
	queue_is(2, 1);
	hit(pw_dequeue, 2100, false);
	cr_expect_eq(charged(), 100 + (0 + 100) / 2,
		     "what was charged before is not again; the last of two is set first");
	queue_is(1, 1); /* the runtime counts one that is there no more */
	hit(pw_dequeue, 2150, false);
	cr_expect_eq(charged(), 50 + (50 + 50) / 2);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 3);
}

Test(mutexes, before_go_1_22_only_the_first_counts)
{
	knobs->sema.sudog_waiters = PW_NO_FIELD;
	queue_is(0, 0);
	hit(pw_queue, 1000, false);
	queue_is(1, 0);
	hit(pw_queue, 1200, false);
	queue_is(2, 1);
	hit(pw_dequeue, 2000, false);
	cr_expect_eq(charged(), 1000);
	queue_is(1, 0);
	hit(pw_dequeue, 2100, false);
	cr_expect_eq(charged(), 100);
}

Test(mutexes, who_comes_before_the_others_has_the_time_of_the_first)
{
	queue_is(0, 0);
	hit(pw_queue, 1000, false);
	queue_is(1, 0);
	hit(pw_queue, 1900, true);
	queue_is(2, 1);
	hit(pw_dequeue, 2000, false);
	cr_expect_eq(charged(), 1000 + (0 + 1000) / 2);
	queue_is(3, 2);
	hit(pw_dequeue, 2100, false);
	cr_expect_eq(charged(), 100 + (100 + 100) / 2 * 2);
}

Test(mutexes, who_waits_since_before_does_from_the_beginning_on)
{
	queue_is(2, 1);
	hit(pw_queue, 1500, false); /* a third one: the last of them is known */
	queue_is(3, 2);
	hit(pw_dequeue, 2000, false);
	cr_expect_eq(charged(), 1900 + (500 + 1900) / 2 * 2);
	pw_begin_ns = 3000; /* another window */
	queue_is(2, 1);
	hit(pw_dequeue, 3100, false);
	cr_expect_eq(charged(), 100 + (0 + 100) / 2);
}

Test(mutexes, the_queue_is_found_in_the_tree_of_its_root)
{
	queue_is(0, 0);
	hit(pw_queue, 1000, false);
	/* root: a greater address; left of it a smaller one; right of that ours */
	for (int i = 3; i < 5; i++)
		queues.sudogs[i][ELEM] = i == 3 ? OTHER_SEMA : SEMA - 8;
	queues.sudogs[3][PREV] = addr(queues.sudogs[4]);
	queues.sudogs[4][NEXT] = addr(queues.sudogs[0]);
	queues.sudogs[0][ELEM] = SEMA;
	queues.root[1] = addr(queues.sudogs[3]);
	hit(pw_dequeue, 1400, false);
	cr_expect_eq(charged(), 400);
	queues.sudogs[4][NEXT] = 0;
	hit(pw_dequeue, 1500, false);
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 1, "nobody waits");
	queues.sudogs[4][NEXT] =
		addr(queues.sudogs[4]); /* it changes under our eyes: the search ends */
	hit(pw_dequeue, 1600, false);
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 2);
}

Test(mutexes, unlocks_are_summed_and_short_ones_dropped)
{
	struct pw_wait_key key = { .gopc = GOPC, .startpc = STARTPC, .kind = PW_MUTEX };
	const struct pw_wait_sum *sum;

	queue_is(1, 0);
	hit(pw_dequeue, 1000, false);
	key.stack_id = ((const struct pw_mutex *)record(shim.nr_records - 1, PW_MUTEX))->stack_id;
	pw_sums = 1;
	for (uint64_t now = 2000; now < 4000; now += 1000) {
		queue_is(0, 0);
		hit(pw_queue, now, false);
		queue_is(1, 0);
		hit(pw_dequeue, now + 30, false);
	}
	sum = bpf_map_lookup_elem(&pw_waits, &key);
	cr_assert(sum);
	cr_expect_eq(sum->count, 2);
	cr_expect_eq(sum->ns, 60);
	pw_min_wait_ns = 31;
	queue_is(0, 0);
	hit(pw_queue, 5000, false);
	queue_is(1, 0);
	hit(pw_dequeue, 5030, false);
	cr_expect_eq(sum->count, 2);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
}

Test(mutexes, a_full_map_is_counted)
{
	for (uint64_t i = 1; i <= 4; i++) {
		const struct pw_sema q = { .head_ns = i };

		bpf_map_update_elem(&pw_semas, &i, &q, BPF_ANY);
	}
	queue_is(1, 0);
	hit(pw_queue, 1000, false);
	hit(pw_dequeue, 1000, false);
	cr_expect_eq(stat_of(PW_STAT_LOST_SEMAS), 2);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 0);
}

Test(mutexes, nothing_is_looked_at_where_nobody_asks)
{
	pw_want = PW_WANT_WAIT;
	queue_is(1, 0);
	hit(pw_queue, 1000, false);
	hit(pw_dequeue, 1000, false);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 2);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 0);
}
