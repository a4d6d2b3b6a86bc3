/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <string.h>

#include <parkwatch/points.h>

#include "base/cleanup.h"
#include "golang/gofacts.h"
#include "probe/plan.h"

#define BPF_NAME_MAX 15

static const struct point {
	const char *program, *function, *before, *missing;
	enum go_fact since;
	enum pw_point point, like;
	double times;
	uint32_t uses;
} points[] = {
#define PW_POINT(NAME, name, uses, function, before, since, ask, missing, class, like, times)      \
	{ "pw_" #name,     function,        before, missing, since,                                \
	  PW_POINT_##NAME, PW_POINT_##like, times,  uses },
	PW_POINTS(PW_POINT)
#undef PW_POINT
};

Test(points, each_has_one_row_in_the_order_of_the_enum)
{
	cr_assert_eq(ARRAY_SIZE(points), PW_POINT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		cr_expect_eq(points[i].point, i);
		cr_expect_str_eq(pw_point_name((enum pw_point)i),
				 points[i].program + strlen("pw_"));
	}
	cr_expect_str_eq(pw_point_name(PW_POINT_MAX), "?");
	cr_expect_eq(PW_POINT_CALLS, PW_POINT_CALL, "those of goroutines come first");
	cr_expect_eq(PW_POINT_ALLOCS, PW_POINT_MALLOC, "then those of system calls");
}

Test(points, rows_hold_together)
{
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		const struct point *p = &points[i], *like = &points[p->like];

		cr_expect_leq(strlen(p->program), BPF_NAME_MAX, "%s", p->program);
		cr_expect(p->function || p->missing, "%s is nowhere", p->program);
		cr_expect_eq(!p->before, !p->since, "%s", p->program);
		cr_expect(p->uses, "nothing probes %s", p->program);
		cr_expect(like->like == like->point && like->times == 1,
			  "%s is like one that is not measured", p->program);
		for (size_t k = 0; k < i; k++)
			cr_expect(!p->function || !points[k].function ||
					  strcmp(p->function, points[k].function),
				  "a function is looked up once: %s", p->function);
	}
}

Test(points, uses_say_which_are_probed)
{
	static const struct {
		const char *why;
		uint32_t uses, want;
	} t[] = {
		{ "nothing", 0, 0 },
		{ "births", PW_FOR_BIRTHS, 1u << PW_POINT_BIRTH | 1u << PW_POINT_COBIRTH },
		{ "exits", PW_FOR_LIVES,
		  1u << PW_POINT_BIRTH | 1u << PW_POINT_COBIRTH | 1u << PW_POINT_EXIT },
		{ "waits", PW_FOR_WAITS, 1u << PW_POINT_PARK | 1u << PW_POINT_RUN },
		{ "latencies", PW_FOR_SCHED, 1u << PW_POINT_READY | 1u << PW_POINT_RUN },
		{ "who parks", PW_FOR_PARKS, 1u << PW_POINT_PARK },
		{ "both", PW_FOR_WAITS | PW_FOR_SCHED,
		  1u << PW_POINT_PARK | 1u << PW_POINT_READY | 1u << PW_POINT_RUN },
		{ "who ends waits", PW_FOR_WAKES,
		  1u << PW_POINT_PARK | 1u << PW_POINT_READY | 1u << PW_POINT_RUN },
		{ "who ends what Go calls blocked", PW_FOR_BLOCKS,
		  1u << PW_POINT_PARK | 1u << PW_POINT_READY },
		{ "who gives up locks", PW_FOR_MUTEXES,
		  1u << PW_POINT_QUEUE | 1u << PW_POINT_DEQUEUE },
		{ "system calls", PW_FOR_CALLS, 1u << PW_POINT_CALL | 1u << PW_POINT_BACK },
		{ "allocations", PW_FOR_SINGLES, 1u << PW_POINT_MALLOC | 1u << PW_POINT_SIZED },
		{ "refills", PW_FOR_REFILLS, 1u << PW_POINT_REFILL | 1u << PW_POINT_LARGE },
		{ "releases", PW_FOR_RELEASES, 1u << PW_POINT_RELEASE },
		{ "samples", PW_FOR_SAMPLES, 1u << PW_POINT_SAMPLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(pw_points_for(t[i].uses), t[i].want, "%s", t[i].why);
}
