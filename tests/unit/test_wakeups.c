/* SPDX-License-Identifier: BSD-2-Clause */
/* Recordings of wakeups: rows, frames, and the pairs of who waits for whom. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "report_fake.h"
#include "view/merged.h"
#include "view/wakepairs.h"

#define WAITER  100
#define WAKER   200
#define BEFORE  300
#define TIMER   400
#define FAKE_IO 2 /* Go 1.22's wait reason */

static const uint64_t waker_stack[] = { PC_NEWPROC1, PC_CHANRECV, PC_MAIN, PC_RUNMAIN };
static const uint64_t before_stack[] = { PC_LOOP };
static const uint64_t timer_stack[] = { PC_GOFUNC, PC_UNLOCKRUN, PC_FINDRUNNABLE, PC_MCALL };

static struct profile *wakeups(void)
{
	const struct profile_opts o = { .event = PROFILE_WAKEUPS };
	struct profile *p = NULL;

	cr_assert_eq(profile__new(&o, &p), 0);
	profile__begin(p, 1000);
	fake_stack(p, WAITER, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	fake_stack(p, WAKER, waker_stack, ARRAY_SIZE(waker_stack));
	fake_stack(p, BEFORE, before_stack, ARRAY_SIZE(before_stack));
	fake_stack(p, TIMER, timer_stack, ARRAY_SIZE(timer_stack));
	return p;
}

static void woken(struct profile *p, uint64_t ns, uint32_t reason, uint64_t waker, uint64_t before)
{
	const struct pw_wake w = {
		.hdr = { .ts_ns = 2000 + ns, .goid = 7, .kind = PW_WAKE, .size = sizeof(w) },
		.start_ns = 2000,
		.key = { .stack_id = WAITER,
			 .gopc = PC_MAIN,
			 .startpc = START_GOWRAP,
			 .wakers = { waker, before },
			 .reason = reason },
	};

	cr_assert_eq(profile__apply(p, &w.hdr, 0), 0);
}

/* Still waits at the end. */
static void open_wait(struct profile *p, uint64_t end_ns)
{
	const struct pw_gstate s = {
		.start_ns = 2000, .stack_id = WAITER, .goid = 9, .reason = 14
	};

	profile__end(p, end_ns);
	cr_assert_eq(profile__open_wait(p, 0, &s, PC_MAIN, START_GOWRAP, 0), 0);
}

Test(wakeups, rows_are_apart_by_who_ended_the_wait)
{
	scoped(profile) p = wakeups();
	scoped(snap) s = NULL;

	woken(p, 500, FAKE_CHAN_RECEIVE, WAKER, 0);
	woken(p, 100, FAKE_CHAN_RECEIVE, WAKER, 0);
	woken(p, 30, FAKE_CHAN_RECEIVE, WAKER, BEFORE);
	woken(p, 7, FAKE_IO, PW_STACK_ID_NONE, 0);
	open_wait(p, 2001);
	cr_assert_eq(snap__take(p, &s), 0);
	cr_expect_eq(s->nr, 4);
	cr_expect_eq(s->value, 638);
	cr_expect_eq(s->count, 5);
}

Test(wakeups, sums_are_the_same_rows_as_single_ones)
{
	scoped(profile) one = wakeups();
	scoped(profile) sum = wakeups();
	scoped(snap) a = NULL;
	scoped(snap) b = NULL;
	const struct pw_wake_key key = { .stack_id = WAITER,
					 .gopc = PC_MAIN,
					 .startpc = START_GOWRAP,
					 .wakers = { WAKER, BEFORE },
					 .reason = FAKE_CHAN_RECEIVE };

	woken(one, 500, FAKE_CHAN_RECEIVE, WAKER, BEFORE);
	woken(one, 20, FAKE_CHAN_RECEIVE, WAKER, BEFORE);
	cr_assert_eq(profile__wakes(sum, 0, &key, &(struct pw_wait_sum){ 2, 520 }), 0);
	cr_assert_eq(snap__take(one, &a), 0);
	cr_assert_eq(snap__take(sum, &b), 0);
	cr_assert_eq(a->nr, 1);
	cr_assert_eq(b->nr, 1);
	cr_expect_eq(a->rows[0].chain.nr, 2);
	cr_expect_eq(b->rows[0].chain.nr, 2);
	cr_expect_eq(a->rows[0].value, b->rows[0].value);
	cr_expect_eq(a->rows[0].count, b->rows[0].count);
}

static void expect_folded(const char *why, void (*fill)(struct profile *p), const char *want)
{
	scoped(profile) p = wakeups();
	size_t len;
	char *text;

	fill(p);
	text = fake_render(&renderer_folded, p, false, &len);
	cr_assert_not_null(text);
	cr_expect_str_eq(text, want, "%s:\n got %swant %s", why, text, want);
	free(text);
}

#define WAITS "main.loop;main.inner;main.innermost;main.worker;runtime.chanrecv1;[chan receive];--;"

static void by_a_goroutine(struct profile *p)
{
	woken(p, 5, FAKE_CHAN_RECEIVE, WAKER, 0);
}

static void by_two(struct profile *p)
{
	woken(p, 5, FAKE_CHAN_RECEIVE, WAKER, BEFORE);
}

static void by_a_timer(struct profile *p)
{
	woken(p, 5, FAKE_CHAN_RECEIVE, TIMER, 0);
}

static void by_nobody(struct profile *p)
{
	open_wait(p, 2005);
}

Test(wakeups, folded_is_waiter_then_waker_from_its_leaf_on)
{
	expect_folded("a goroutine", by_a_goroutine,
		      WAITS "runtime.chanrecv1;main.main;runtime.main 5\n");
	expect_folded("and who woke it", by_two,
		      WAITS "runtime.chanrecv1;main.main;runtime.main;--;main.innermost;main.inner;"
			    "main.loop 5\n");
	expect_folded("a timer", by_a_timer, WAITS "time.goFunc;[timer] 5\n");
	expect_folded("it waits still", by_nobody, WAITS "[not seen] 5\n");
}

static void expect_pair(const struct wakepair *p, const char *waker, enum waker_kind kind,
			uint64_t count, uint64_t ns)
{
	cr_expect_str_eq(p->waiter.func, "main.worker");
	cr_expect_str_eq(p->waiter.file, "main.go");
	cr_expect_eq(p->waiter.line, 20);
	cr_expect_eq(p->kind, kind);
	if (waker)
		cr_expect_str_eq(p->waker.func, waker);
	else
		cr_expect_null(p->waker.func);
	cr_expect_eq(p->count, count);
	cr_expect_eq(p->blocked_ns, ns);
}

Test(wakeups, pairs_are_by_the_programs_own_lines)
{
	scoped(profile) p = wakeups();
	scoped(snap) s = NULL;
	scoped(merged) m = NULL;
	struct wakepairs pairs;
	struct report r;

	woken(p, 500, FAKE_CHAN_RECEIVE, WAKER, 0);
	woken(p, 100, FAKE_CHAN_RECEIVE, WAKER, BEFORE);
	woken(p, 60, FAKE_CHAN_RECEIVE, BEFORE, 0);
	woken(p, 7, FAKE_IO, PW_STACK_ID_NONE, 0);
	woken(p, 3, FAKE_CHAN_RECEIVE, TIMER, 0);
	cr_assert_eq(snap__take(p, &s), 0);
	r = (struct report){ .snap = s, .meta = &fake_meta, .namers = &fake_namer, .nr_namers = 1 };
	cr_assert_eq(merged__new(&r, &m), 0);
	cr_assert_eq(wakepairs__init(&pairs, m), 0);
	cr_assert_eq(pairs.nr, 4);
	expect_pair(&pairs.v[0], "main.main", WAKER_GOROUTINE, 2, 600);
	expect_pair(&pairs.v[1], "main.innermost", WAKER_GOROUTINE, 1, 60);
	expect_pair(&pairs.v[2], NULL, WAKER_NETPOLL, 1, 7);
	expect_pair(&pairs.v[3], NULL, WAKER_TIMER, 1, 3);
	cr_expect_str_eq(pairs.v[0].reason, "chan receive");
	wakepairs__done(&pairs);
}
