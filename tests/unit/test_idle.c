/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "golang/gostate.h"
#include "model/wall.h"
#include "view/idle.h"
#include "report_fake.h"

#define IO_WAIT 2 /* of Go 1.22 */

Test(idle, leaves_out_who_waits_for_work_and_says_how_much)
{
	static const struct {
		const char *why;
		uint64_t pcs[4];
		uint32_t nr, reason;
		bool idle;
	} t[] = {
		{ "a worker between two pieces of work",
		  { PC_GOPARK, PC_CHANRECV, PC_WORKER, PC_GOEXIT },
		  4,
		  FAKE_CHAN_RECEIVE,
		  true },
		{ "the same, but its function was called",
		  { PC_GOPARK, PC_CHANRECV, PC_WORKER, PC_MAIN },
		  4,
		  FAKE_CHAN_RECEIVE,
		  false },
		{ "inlined calls are no calls",
		  { PC_GOPARK, PC_CHANRECV, PC_LOOP, PC_GOEXIT },
		  4,
		  FAKE_CHAN_RECEIVE,
		  true },
		{ "who waits for a lock is held up",
		  { PC_GOPARK, PC_SEMACQUIRE, PC_LOCK, PC_WORKER },
		  4,
		  FAKE_SEMACQUIRE,
		  false },
		{ "a listener", { PC_GOPARK, PC_ACCEPT, PC_WORKER, PC_MAIN }, 4, IO_WAIT, true },
		{ "who runs", { PC_WORKER, PC_GOEXIT }, 2, WALL_STATUS + GOSTATUS_RUNNING, false },
		{ "who could run",
		  { PC_GOPARK, PC_CHANRECV, PC_WORKER },
		  3,
		  WALL_STATUS + GOSTATUS_RUNNABLE,
		  false },
		{ "of whom nobody knows where", { 0 }, 0, FAKE_CHAN_RECEIVE, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct snap_row row = {
			.own = { .stack = { .pcs = t[i].pcs, .nr = t[i].nr },
				 .state = t[i].nr ? SNAP_STACK_SEEN : SNAP_STACK_NONE },
			.reason = t[i].reason,
			.value = 700,
			.error = 3,
		};
		const struct snap all = { .event = PROFILE_WALL,
					  .rows = &row,
					  .nr = 1,
					  .value = 700,
					  .windows = 5,
					  .start_ns = 10 };
		const struct report r = {
			.snap = &all, .meta = &fake_meta, .namers = &fake_namer, .nr_namers = 1
		};
		scoped(snap) s = NULL;
		struct idle_left left = { .ns = 77 };

		cr_assert_eq(idle_leave_out(&r, &s, &left), 0);
		cr_expect_eq(s->nr, !t[i].idle, "%s", t[i].why);
		cr_expect_eq(left.ns, t[i].idle ? 700 : 0, "%s", t[i].why);
		cr_expect_eq(left.error, t[i].idle ? 3 : 0, "%s", t[i].why);
		cr_expect_eq(s->value, t[i].idle ? 0 : 700, "%s", t[i].why);
		cr_expect_eq(s->error, t[i].idle ? 0 : 3, "%s", t[i].why);
		cr_expect(snap_is_estimated(s) && s->start_ns == 10, "%s", t[i].why);
	}
}
