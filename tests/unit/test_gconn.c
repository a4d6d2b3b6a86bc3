/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "heap/gconn.h"
#include "fake_process.h"

#define CHAN(i)           fp_object(FP_CHANS, i) /* 112 bytes: room for a netFD too */
#define SMALL(i)          fp_object(FP_SMALL, i)
#define POLL(fd)          (FP_RUNTIME + 0x20000 + 0x100 * (uint64_t)(fd))
#define NR_FDS            16
#define for_each_minor(m) for (int m = GO_MINOR_MIN; m <= GO_MINOR_MAX; m++)

static struct fake_process fp;

/*
 * A descriptor of package net at `at`, as Go 1.`minor` has it; its pollDesc says it is of `polled`.
 */
static void make_fd(uint64_t at, uint32_t fd, uint32_t polled)
{
	fp_word(&fp, at + 16, fd);
	fp_word(&fp, at + (fp.rt.minor < 22 ? 24 : 32), POLL(fd));
	fp_word(&fp, POLL(fd) + (uint64_t)fp.rt.objects.pd_fd, polled);
}

/* Of goroutine 0. 5, 6: accepted; 7, 8: dialled. After it the process is over. */
static struct gconn found(uint64_t budget_ns)
{
	static const uint8_t sides[NR_FDS] = {
		[0 ... 4] = GCONN_NONE,
		[5 ... 6] = GCONN_ACCEPTED,
		[7 ... 8] = GCONN_DIALLED,
		[9 ... NR_FDS - 1] = GCONN_NONE,
	};
	static const uint32_t goal;
	struct gconn_in in = {
		.as = &fp.as, .rt = &fp.rt, .gs = &goal, .nr = 1, .sides = sides, .nr_fds = NR_FDS
	};
	scoped(nearby) near = NULL;
	struct gconn ret = { .fd = { 77, 77 } };
	struct census *c = NULL;

	cr_assert_eq(nearby__new(&fp.as, &fp.rt, NEARBY_FIELDS, budget_ns, &near), 0);
	cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &c), 0);
	in.census = c;
	in.near = near;
	cr_assert_eq(gconns_of(&in, &ret), 0);
	nearby__free(steal(near));
	census__free(c);
	fake_process__done(&fp);
	return ret;
}

static uint32_t begin(int minor)
{
	uint32_t g;

	fake_process__init(&fp, minor);
	g = fp_blocked(&fp, CHAN(0));
	fp_sleeping(&fp);
	return g;
}

Test(gconn, is_what_the_stack_leads_to_in_every_version)
{
	for_each_minor(minor)
	{
		const uint32_t g = begin(minor);
		struct gconn c;

		fp_word(&fp, fp_local(g, 0), SMALL(3) + 8);
		fp_word(&fp, SMALL(3) + 16, SMALL(4));
		fp_word(&fp, SMALL(4), CHAN(9));
		make_fd(CHAN(9), 7, 7);
		c = found(1000000000);
		cr_expect_eq(c.fd[GCONN_DIALLED], 7, "Go 1.%d: %d", minor, c.fd[GCONN_DIALLED]);
		cr_expect_eq(c.fd[GCONN_ACCEPTED], -1, "Go 1.%d", minor);
		cr_expect(!c.context);
	}
}

Test(gconn, is_the_nearest_of_each_side)
{
	static const struct {
		const char *why;
		uint32_t first, second, third, polled;
		int accepted, dialled;
	} t[] = {
		{ "one further is passed over", 7, 8, 0, 8, -1, 7 },
		{ "two at once are none", 7, 0, 8, 7, -1, -1 },
		{ "the same one twice is one", 7, 0, 7, 7, -1, 7 },
		{ "who serves one may be a client on another", 5, 0, 7, 7, 5, 7 },
		{ "... also a step further", 5, 8, 0, 8, 5, 8 },
		{ "it does not count", 9, 0, 0, 9, -1, -1 },
		{ "no such number", 200, 0, 0, 200, -1, -1 },
		{ "it only looks like one", 7, 0, 0, 3, -1, -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const uint32_t g = begin(26);
		struct gconn c;

		fp_word(&fp, fp_local(g, 0), SMALL(3));
		fp_word(&fp, fp_local(g, 1), CHAN(11));
		fp_word(&fp, CHAN(11) + 80, CHAN(9));
		fp_word(&fp, SMALL(3) + 8, CHAN(8));
		fp_word(&fp, CHAN(8) + 80, CHAN(10));
		make_fd(CHAN(8), t[i].first, t[i].polled == 3 ? 3 : t[i].first);
		if (t[i].second)
			make_fd(CHAN(10), t[i].second, t[i].polled);
		if (t[i].third)
			make_fd(CHAN(9), t[i].third, t[i].third);
		c = found(1000000000);
		cr_expect_eq(c.fd[GCONN_ACCEPTED], t[i].accepted, "%s: %d", t[i].why,
			     c.fd[GCONN_ACCEPTED]);
		cr_expect_eq(c.fd[GCONN_DIALLED], t[i].dialled, "%s: %d", t[i].why,
			     c.fd[GCONN_DIALLED]);
	}
}

Test(gconn, is_not_found_through_others_that_wait)
{
	const uint32_t g = begin(26), other = fp_blocked(&fp, CHAN(0));

	fp_word(&fp, fp_local(g, 0), fp_object(FP_SUDOGS, g * 4));
	/* as if it led to the next who waits */
	fp_word(&fp, fp_object(FP_SUDOGS, g * 4) + 104, CHAN(9));
	fp_word(&fp, fp_local(g, 1), fp_object(FP_G, other));
	fp_word(&fp, fp_object(FP_G, other) + (uint64_t)fp.rt.layout.g_labels, CHAN(9));
	make_fd(CHAN(9), 7, 7);
	cr_expect_eq(found(1000000000).fd[GCONN_DIALLED], -1);
}

Test(gconn, is_not_looked_for_too_far_or_too_long)
{
	for (uint32_t far = 3; far < 8; far++) {
		const uint32_t g = begin(26);
		uint64_t at = fp_local(g, 0);

		for (uint32_t i = 1; i < far; i++) {
			fp_word(&fp, at, SMALL(i));
			at = SMALL(i);
		}
		fp_word(&fp, at, CHAN(9));
		make_fd(CHAN(9), 7, 7);
		cr_expect_eq(found(far == 4 ? 0 : 1000000000).fd[GCONN_DIALLED],
			     far == 4 || far > GCONN_LEVELS ? -1 : 7, "%u", far);
	}
}

Test(gconn, ends_in_a_circle)
{
	const uint32_t g = begin(26);

	fp_word(&fp, fp_local(g, 0), SMALL(0));
	for (uint32_t i = 0; i < 200; i++)
		for (uint32_t k = 0; k < 4; k++)
			fp_word(&fp, SMALL(i) + 8 * k, SMALL((i * 7 + k) % 200));
	cr_expect_eq(found(1000000000).fd[GCONN_DIALLED], -1);
}
