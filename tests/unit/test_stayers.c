/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/addrspace.h"
#include "base/deadline.h"
#include "base/cleanup.h"
#include "census/gview.h"
#include "engine/met.h"
#include "engine/stayers.h"
#include "golang/golayout.h"
#include "golang/gostate.h"

#define SINCE 1000

static uint64_t g_of(size_t i)
{
	return 0xc000000000 + i * 448;
}

static void fill(struct stayers *s, size_t nr)
{
	for (size_t i = 0; i < nr; i++) /* not in the order of their addresses, as allgs is not */
		cr_assert_eq(stayers__add(s,
					  &(struct stayer){ .addr = g_of(i ^ 1), .who.goid = i }),
			     0);
}

struct left {
	size_t nr;
	uint64_t goids[8];
};

static void leave(void *ctx, const struct stayer *s)
{
	struct left *l = ctx;

	if (l->nr < ARRAY_SIZE(l->goids))
		l->goids[l->nr] = s->who.goid;
	l->nr++;
}

Test(met, is_of_whom_something_was_seen_since_then)
{
	static const struct {
		const char *why;
		struct pw_gstate s;
		bool met;
	} t[] = {
		{ "parked", { .start_ns = SINCE }, true },
		{ "ran", { .ran_ns = SINCE + 1 }, true },
		{ "was woken", { .ready_ns = SINCE }, true },
		{ "parked before, and ran", { .start_ns = SINCE - 1, .ran_ns = SINCE }, true },
		{ "parked before", { .start_ns = SINCE - 1 }, false },
		{ "ran before", { .ran_ns = SINCE - 1, .ready_ns = 1 }, false },
		{ "nothing", { .goid = SINCE }, false },
	};
	struct met m = { 0 };

	met__begin(&m, SINCE);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		met__see(&m, g_of(i), &t[i].s);
	met__order(&m);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(met__has(&m, g_of(i)), t[i].met, "%s", t[i].why);
	cr_expect_eq(m.err, 0);
	met__begin(&m, SINCE);
	met__order(&m);
	cr_expect(!met__has(&m, g_of(0)), "of another time");
	met__done(&m);
}

Test(met, comes_in_any_order)
{
	struct met m = { 0 };

	met__begin(&m, SINCE);
	for (size_t i = 0; i < 1000; i++)
		met__see(&m, g_of(i * 7919 % 1000 * 2), &(struct pw_gstate){ .ran_ns = SINCE });
	met__order(&m);
	for (size_t i = 0; i < 2000; i++)
		cr_assert_eq(met__has(&m, g_of(i)), i % 2 == 0, "%zu", i);
	met__done(&m);
}

Test(stayers, are_those_that_were_not_met)
{
	struct stayers s = { 0 };
	struct met m = { 0 };
	struct left l = { 0 };

	fill(&s, 6);
	met__begin(&m, SINCE);
	met__see(&m, g_of(5), &(struct pw_gstate){ .ran_ns = SINCE });
	met__see(&m, g_of(0), &(struct pw_gstate){ .start_ns = SINCE });
	met__see(&m, g_of(77), &(struct pw_gstate){ .start_ns = SINCE }); /* born since */
	met__order(&m);
	cr_assert_eq(stayers__each(&s, &m, leave, &l), 0);
	cr_assert_eq(l.nr, 4);
	cr_expect_eq(l.goids[0], 0, "whose g is at 1");
	cr_expect_eq(l.goids[1], 3, "at 2");
	cr_expect_eq(l.goids[2], 2);
	cr_expect_eq(l.goids[3], 5);
	met__done(&m);
	stayers__drop(&s);
	cr_expect_eq(stayers__nr(&s), 0);
	cr_assert_eq(stayers__each(&s, &m, leave, &l), 0);
	cr_expect_eq(l.nr, 4);
}

Test(stayers, one_that_a_list_of_lies_has_many_times_stayed_once)
{
	struct stayers s = { 0 };
	struct met m = { 0 };
	struct left l = { 0 };

	for (int i = 0; i < 1000; i++)
		fill(&s, 4);
	met__begin(&m, SINCE);
	met__see(&m, g_of(1), &(struct pw_gstate){ .ran_ns = SINCE });
	met__order(&m);
	cr_assert_eq(stayers__each(&s, &m, leave, &l), 0);
	cr_assert_eq(l.nr, 3);
	cr_expect_eq(l.goids[0], 1);
	cr_expect_eq(l.goids[1], 3);
	cr_expect_eq(l.goids[2], 2);
	met__done(&m);
	stayers__drop(&s);
}

Test(stayers, all_stayed_where_nobody_was_met)
{
	struct stayers s = { 0 };
	struct met m = { 0 };
	struct left l = { 0 };

	fill(&s, 100000);
	met__begin(&m, SINCE);
	met__order(&m);
	cr_assert_eq(stayers__each(&s, &m, leave, &l), 0);
	cr_expect_eq(l.nr, 100000);
	stayers__drop(&s);
}

/* Gs of Go 1.26, all alike at first but for their goid. */
#define NR_GS 600

static struct {
	struct addrspace as;
	struct goruntime rt;
	size_t calls;
	uint64_t goids[NR_GS];
	uint32_t status[NR_GS];
	uint8_t stops[NR_GS];
} target;

static void g_bytes(size_t i, uint8_t *to, size_t len)
{
	const struct pw_layout *lay = &target.rt.layout;
	const uint64_t lo = 0xc100000000, hi = lo + 0x800, sp = lo + 0x700, pc = 0x401000;

	memset(to, 0, len);
	memcpy(to + lay->g_goid, &target.goids[i], sizeof(uint64_t));
	memcpy(to + lay->g_atomicstatus, &target.status[i], sizeof(uint32_t));
	memcpy(to + lay->g_stack_lo, &lo, sizeof(lo));
	memcpy(to + lay->g_stack_hi, &hi, sizeof(hi));
	memcpy(to + lay->g_sched_sp, &sp, sizeof(sp));
	memcpy(to + lay->g_sched_pc, &pc, sizeof(pc));
	to[target.rt.objects.g_trackingseq] = target.stops[i];
}

static void read_gs(const struct addrspace *as, struct memread *reads, size_t nr)
{
	(void)as;
	target.calls++;
	for (size_t k = 0; k < nr; k++) {
		const size_t i = (reads[k].addr - g_of(0)) / (g_of(1) - g_of(0));

		reads[k].err = i < NR_GS ? 0 : -EFAULT;
		if (i < NR_GS)
			g_bytes(i, reads[k].buf, reads[k].len);
	}
}

static void target__init(struct stayers *s)
{
	memset(&target, 0, sizeof(target));
	target.as.read_batch = read_gs;
	target.rt.minor = 26;
	target.rt.layout = golayout_row(26, EM_X86_64)->layout;
	target.rt.arch = goarch_of(EM_X86_64);
	target.rt.objects = golayout_row(26, EM_X86_64)->objects;
	for (size_t i = 0; i < NR_GS; i++) {
		target.goids[i] = i;
		target.status[i] = GOSTATUS_WAITING;
		target.stops[i] = 7;
		cr_assert_eq(stayers__add(s, &(struct stayer){ .addr = g_of(i),
							       .who.goid = i,
							       .stops = 7 }),
			     0);
	}
}

Test(stayers, that_may_have_been_met_are_looked_at_once_more)
{
	struct stayers s = { 0 };

	target__init(&s);
	cr_assert_eq(stayers__add(&s, &(struct stayer){ .addr = g_of(NR_GS),
							.who.goid = 9999,
							.stops = 7 }),
		     0, "cannot be read");
	target.goids[1] = 77777; /* its g is another's by now */
	target.stops[2] = 8;     /* it ran, and waits again */
	target.status[3] = GOSTATUS_RUNNING;
	target.status[4] = GOSTATUS_DEAD;
	target.status[5] = GOSTATUS_RUNNABLE; /* woken, and has not run since */
	stayers__check(&s, &target.as, &target.rt, NULL);
	cr_assert_eq(stayers__nr(&s), NR_GS - 4);
	cr_expect_eq(s.v[0].who.goid, 0);
	cr_expect_eq(s.v[1].who.goid, 5);
	cr_expect_eq(s.v[s.nr - 1].who.goid, NR_GS - 1);
	cr_expect_leq(target.calls, NR_GS / 200 + 1, "many at a time");
	stayers__drop(&s);
}

Test(stayers, that_there_is_no_time_to_look_at_are_not_told)
{
	struct deadline past = { .at_ns = 1 };
	struct stayers s = { 0 };

	target__init(&s);
	stayers__check(&s, &target.as, &target.rt, &past);
	cr_expect_eq(stayers__nr(&s), 0);
	stayers__drop(&s);
}
