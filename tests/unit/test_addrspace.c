/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/addrspace.h"

#define BASE 0x10000ull
#define BIG  (1u << 20)

/* A reader that counts, over a bufspace. */
struct counted {
	struct addrspace as;
	struct bufspace under;
	unsigned int reads;
};

static int counted__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	struct counted *c = (struct counted *)as;

	c->reads++;
	return addrspace__read(&c->under.as, addr, buf, len);
}

static void counted__init(struct counted *c, const void *buf, size_t len)
{
	*c = (struct counted){ .as.read = counted__read };
	bufspace__init(&c->under, buf, len, BASE);
}

Test(addrspace, a_buffer_is_read_inside_of_its_bounds_only)
{
	static const struct {
		const char *why;
		uint64_t addr;
		size_t len;
		int want;
	} t[] = {
		{ "all of it", BASE, 16, 0 },
		{ "nothing at its end", BASE + 16, 0, 0 },
		{ "one past the end", BASE + 1, 16, -EFAULT },
		{ "before it", BASE - 1, 1, -EFAULT },
		{ "wraps around", UINT64_MAX, 8, -EFAULT },
		{ "far too long", BASE, SIZE_MAX, -EFAULT },
	};
	static const char buf[16] = "0123456789abcdef";
	struct bufspace b;
	char out[16];

	bufspace__init(&b, buf, sizeof(buf), BASE);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(addrspace__read(&b.as, t[i].addr, out, t[i].len), t[i].want, "%s",
			     t[i].why);
}

Test(pagecache, reads_a_page_once)
{
	static uint8_t buf[3 * 4096];
	struct counted c;
	scoped(pagecache) pc = NULL;
	uint64_t v = 0;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7);
	counted__init(&c, buf, sizeof(buf));
	cr_assert_eq(pagecache__new(&c.as, 0, &pc), 0);
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(pagecache__u64(pc, BASE + 4096 - 4, &v), 0, "across two pages");
		cr_expect_eq(memcmp(&v, buf + 4096 - 4, 8), 0);
	}
	cr_expect_eq(c.reads, 2);
	cr_expect_eq(pagecache__u64(pc, BASE + sizeof(buf) - 7, &v), -EFAULT);
	cr_expect_eq(pagecache__u64(pc, UINT64_MAX - 3, &v), -EFAULT, "wraps around");
}

Test(pagecache, stays_under_its_bound_and_right)
{
	static uint8_t buf[BIG];
	struct counted c;
	scoped(pagecache) pc = NULL;

	for (size_t i = 0; i < BIG; i++)
		buf[i] = (uint8_t)(i / 4096);
	counted__init(&c, buf, BIG);
	cr_assert_eq(pagecache__new(&c.as, 128u << 10, &pc), 0);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < BIG; i += 1024) {
			uint8_t v = 0, hot = 1;

			cr_assert_eq(pagecache__u8(pc, BASE + i, &v), 0);
			cr_assert_eq(v, (uint8_t)(i / 4096));
			cr_assert_eq(pagecache__u8(pc, BASE, &hot), 0);
			cr_assert_eq(hot, 0);
		}
	}
	cr_expect_leq(pagecache__bytes(pc), 128u << 10);
	cr_expect_gt(pagecache__bytes(pc), 64u << 10);
	cr_expect_leq(c.reads, 3 * BIG / 4096 + 3, "the page in constant use stays");
}

Test(pagecache, strings_end_at_nul_or_at_the_size_given)
{
	static uint8_t buf[8192];
	struct bufspace b;
	scoped(pagecache) pc = NULL;
	char out[300];
	size_t len = 0;

	memset(buf, 'a', sizeof(buf));
	buf[4096 + 100] = 0;
	bufspace__init(&b, buf, sizeof(buf), BASE);
	cr_assert_eq(pagecache__new(&b.as, 0, &pc), 0);
	cr_expect_eq(pagecache__read_str(pc, BASE + 4096 - 100, out, sizeof(out), &len), 0,
		     "across pages");
	cr_expect_eq(len, 200);
	cr_expect_eq(strlen(out), 200);
	cr_expect_eq(pagecache__read_str(pc, BASE, out, 10, &len), 0, "cut");
	cr_expect_str_eq(out, "aaaaaaaaa");
	cr_expect_eq(len, 9);
	cr_expect_eq(pagecache__read_str(pc, BASE + 8000, out, sizeof(out), &len), -EFAULT,
		     "no NUL before the end");
}

Test(window, streams_what_is_larger_than_itself)
{
	static uint8_t buf[3 * WINDOW_BYTES + 100];
	struct counted c;
	struct window w;
	const uint8_t *p;
	size_t len, sum = 0;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 13);
	counted__init(&c, buf, sizeof(buf));
	cr_assert_eq(window__init(&w, &c.as, BASE, BASE + sizeof(buf)), 0);
	for (uint64_t at = BASE; !window__piece(&w, at, &p, &len) && len; at += len) {
		cr_assert_eq(memcmp(p, buf + (at - BASE), len), 0);
		sum += len;
	}
	cr_expect_eq(sum, sizeof(buf));
	cr_expect_eq(c.reads, 4);
	cr_expect_eq(window__at(&w, BASE + 10, 20, &p), 0, "a step back");
	cr_expect_eq(memcmp(p, buf + 10, 20), 0);
	cr_expect_eq(window__at(&w, BASE + sizeof(buf) - 1, 2, &p), -EFAULT, "past its stretch");
	cr_expect_eq(window__at(&w, BASE - 1, 2, &p), -EFAULT, "before its stretch");
	window__done(&w);
}
