/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "heap/retained_heap.h"
#include "heap/grefs.h"
#include "fake_process.h"

#define CHAN(i)           fp_object(FP_CHANS, i)
#define SMALL(i)          fp_object(FP_SMALL, i)
#define for_each_minor(m) for (int m = GO_MINOR_MIN; m <= GO_MINOR_MAX; m++)

static struct fake_process fp;

/* groups: of each goroutine. After it the process is over. */
static int kept(const uint32_t *groups, size_t nr_groups, uint64_t budget_ns, uint64_t *ret)
{
	struct retained_heap_in in = { .as = &fp.as,
				       .rt = &fp.rt,
				       .groups = groups,
				       .nr_groups = nr_groups,
				       .budget_ns = budget_ns };
	struct cause why = { "" };
	struct census *c = NULL;
	int err;

	cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &c), 0);
	cr_assert_eq(c->nr, fp.nr_gs);
	in.census = c;
	err = retained_heap_bytes(&in, ret, &why);
	cr_expect_eq(err != 0, why.text[0] != '\0', "%s", why.text);
	census__free(c);
	fake_process__done(&fp);
	return err;
}

Test(retained_heap, counts_what_only_a_goroutine_leads_to_in_every_version)
{
	for_each_minor(minor)
	{
		const uint32_t groups[] = { 0, GKEPT_NONE };
		uint64_t bytes[1];
		uint32_t g;

		fake_process__init(&fp, minor);
		g = fp_blocked(&fp, CHAN(0));
		fp_sleeping(&fp);
		fp_word(&fp, fp_local(g, 0), SMALL(3));
		fp_word(&fp, SMALL(3) + 8, SMALL(1)); /* down the heap */
		fp_word(&fp, SMALL(1), SMALL(7));     /* and up */
		fp_word(&fp, SMALL(7) + 16, fp_object(FP_TINY, 5) + 3);
		cr_assert_eq(kept(groups, 1, 0, bytes), 0, "Go 1.%d", minor);
		/* Its sudog, which nobody else has, is as large as a channel. */
		cr_expect(bytes[0] == 112 + 3 * 32 + 16 || bytes[0] == 2 * 112 + 3 * 32 + 16,
			  "Go 1.%d: %llu", minor, (unsigned long long)bytes[0]);
	}
}

Test(retained_heap, leaves_out_what_anybody_else_has)
{
	static const struct {
		const char *why;
		bool variable, sleeper, of_other_group;
		uint64_t want;
	} t[] = {
		{ "nobody", false, false, false, 24576 },
		{ "a variable", true, false, false, 0 },
		{ "a goroutine of no group", false, true, false, 0 },
		{ "one of a later group", false, false, true, 24576 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint32_t groups[] = { 0, GKEPT_NONE, 1 }, g, sleeper, other;
		uint64_t bytes[2];

		fake_process__init(&fp, 22);
		g = fp_blocked(&fp, CHAN(0));
		sleeper = fp_sleeping(&fp);
		other = fp_blocked(&fp, CHAN(1));
		fp_word(&fp, fp_local(g, 0), fp_object(FP_LARGE, 0) + 5000); /* into the middle */
		if (t[i].variable)
			fp_word(&fp, FP_VARIABLES + 24, fp_object(FP_LARGE, 0));
		if (t[i].sleeper)
			fp_word(&fp, fp_local(sleeper, 0), fp_object(FP_LARGE, 0));
		if (t[i].of_other_group)
			fp_word(&fp, fp_local(other, 0), fp_object(FP_LARGE, 0));
		cr_assert_eq(kept(groups, 2, 0, bytes), 0, "%s", t[i].why);
		cr_expect_eq(bytes[0] / 8192 * 8192, t[i].want, "%s: %llu", t[i].why,
			     (unsigned long long)bytes[0]);
		cr_expect_lt(bytes[1], 300, "%s: it counts once", t[i].why);
	}
}

Test(retained_heap, does_not_go_through_the_runtimes_own)
{
	const uint32_t groups[] = { 0, GKEPT_NONE };
	uint64_t bytes[1];
	uint32_t g;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	fp_sleeping(&fp);
	fp_word(&fp, fp_local(g, 0), SMALL(3));
	fp_word(&fp, FP_VARIABLES, fp_object(FP_G, g)); /* as allgs does */
	fp_word(&fp, fp_object(FP_G, g) + (uint64_t)fp.rt.layout.g_labels, SMALL(3));
	fp_word(&fp, FP_VARIABLES + 8, fp_object(FP_SUDOGS, g * 4));
	cr_assert_eq(kept(groups, 1, 0, bytes), 0);
	cr_expect_eq(bytes[0], 112 + 32);
}

Test(retained_heap, ends_in_a_circle)
{
	const uint32_t groups[] = { 0 };
	uint64_t bytes[1];
	uint32_t g;

	fake_process__init(&fp, 26);
	g = fp_blocked(&fp, CHAN(0));
	fp_word(&fp, fp_local(g, 0), SMALL(0));
	for (uint32_t i = 0; i < 200; i++) {
		fp_word(&fp, SMALL(i), SMALL((i + 71) % 200));
		fp_word(&fp, SMALL(i) + 8, SMALL(i));
	}
	cr_assert_eq(kept(groups, 1, 0, bytes), 0);
	cr_expect_eq(bytes[0] - 200 * 32, 2 * 112, "the channel and the sudog: %llu",
		     (unsigned long long)bytes[0]);
}

Test(retained_heap, says_when_it_cannot)
{
	const uint32_t groups[] = { 0, 0 };
	uint64_t bytes[1] = { 77 };
	uint32_t g;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	fp_word(&fp, fp_local(g, 0), SMALL(3));
	cr_expect_eq(kept(groups, 1, 1, bytes), -ETIME);
	fake_process__init(&fp, 22);
	fp_blocked(&fp, CHAN(0));
	fp.rt.modules[0].bss = (struct tabspan){ 0x7fff0000, 4096 };
	cr_expect_eq(kept(groups, 1, 0, bytes), -EFAULT, "variables that cannot be read");
	fake_process__init(&fp, 22);
	fp_blocked(&fp, CHAN(0));
	memset(fp.code, 0, sizeof(fp.code));
	cr_expect_eq(kept(groups, 1, 0, bytes), -EBADMSG, "no heap");
	cr_expect_eq(bytes[0], 77, "ret is touched on failure");
}

Test(retained_heap, who_ran_since_they_were_read_is_asked_what_he_has_now)
{
	static const struct {
		const char *why;
		bool ran;
		uint64_t want;
	} t[] = {
		{ "nobody ran", false, 24576 },
		{ "one ran that has it now", true, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const uint32_t groups[] = { 0, GKEPT_NONE };
		struct retained_heap_in in = {
			.as = &fp.as, .rt = &fp.rt, .groups = groups, .nr_groups = 1
		};
		struct cause why = { "" };
		struct census *c = NULL;
		uint64_t bytes[1];
		uint32_t g, other;

		fake_process__init(&fp, 22);
		g = fp_blocked(&fp, CHAN(0));
		other = fp_sleeping(&fp);
		fp_word(&fp, fp_local(g, 0), fp_object(FP_LARGE, 0));
		cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &c), 0);
		cr_assert_eq(grefs__read(&fp.as, &fp.rt, c, 0, UINT64_MAX, &in.refs), 0);
		if (t[i].ran) {
			fp_word(&fp, fp_local(other, 0), fp_object(FP_LARGE, 0));
			fp_put(&fp, fp_object(FP_G, other) + (uint64_t)fp.rt.objects.g_trackingseq,
			       99, 1);
		}
		in.census = c;
		cr_assert_eq(retained_heap_bytes(&in, bytes, &why), 0, "%s: %s", t[i].why,
			     why.text);
		cr_expect_eq(bytes[0] / 8192 * 8192, t[i].want, "%s: %llu", t[i].why,
			     (unsigned long long)bytes[0]);
		census__free(c);
		fake_process__done(&fp);
	}
}
