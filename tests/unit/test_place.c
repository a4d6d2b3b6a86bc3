/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "dump_fake.h"
#include "view/place.h"

#define PCS_MOST 6

Test(place, of_a_wait_is_the_first_frame_that_says_something)
{
	static const struct {
		const char *why;
		uint64_t pcs[PCS_MOST];
		const char *want;
	} t[] = {
		{ "the program's own",
		  { PC_GOPARK, PC_CHANRECV, PC_WORKER, PC_GOEXIT },
		  "main.worker" },
		{ "past packages that wait for others",
		  { PC_GOPARK, PC_SELECTGO, PC_PROPAGATE, PC_MAIN, PC_GOEXIT },
		  "main.main" },
		{ "a goroutine of package context",
		  { PC_GOPARK, PC_SELECTGO, PC_PROPAGATE, PC_GOEXIT },
		  "context.(*cancelCtx).propagateCancel.func2" },
		{ "a goroutine of the runtime",
		  { PC_GOPARK, PC_SWEEP, PC_GOEXIT },
		  "runtime.bgsweep" },
		{ "nothing but parking", { PC_GOPARK }, "runtime.gopark" },
		{ "nothing", { 0 }, "?" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct census_stack stack = { .nr_gs = 1 };
		struct census_g g = {
			.who = { .goid = 7, .gopc = PC_MAIN, .startpc = START_WORKER },
			.status = GOSTATUS_WAITING,
			.m = -1,
			.p = -1
		};
		struct census c = { .gs = &g,
				    .nr = 1,
				    .stacks = &stack,
				    .nr_stacks = 1,
				    .pcs = (uint64_t *)t[i].pcs };
		const struct census *censuses[] = { &c };
		scoped(dump) d = NULL;
		struct place p;

		while (stack.nr_pcs < PCS_MOST && t[i].pcs[stack.nr_pcs])
			stack.nr_pcs++;
		c.nr_pcs = stack.nr_pcs;
		cr_assert_eq(dump__new(&(struct dump_input){ .censuses = censuses,
							     .namers = &dump_namer,
							     .nr = 1 },
				       &(struct dump_opts){ .system = true }, &d),
			     0);
		cr_assert_eq(place_of_wait(d, dump__stack(d, &d->rows[0]), &p), 0);
		cr_expect_str_eq(p.func, t[i].want, "%s: %s", t[i].why, p.func);
	}
}
