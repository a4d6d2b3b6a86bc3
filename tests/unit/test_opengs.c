// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "engine/opengs.h"

#define G_BYTES 16
#define NR      1000

/* A target whose g at address a holds a, twice; 0x13000 cannot be read. */
struct fake {
	struct addrspace as;
	size_t calls, single_calls;
};

static int fake__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	((struct fake *)(uintptr_t)as)->single_calls++;
	(void)addr;
	memset(buf, 0, len);
	return 0;
}

static void fake__read_batch(const struct addrspace *as, struct memread *reads, size_t nr)
{
	((struct fake *)(uintptr_t)as)->calls++;
	for (size_t i = 0; i < nr; i++) {
		reads[i].err = reads[i].addr == 0x13000 ? -EFAULT : 0;
		for (size_t k = 0; k < reads[i].len / sizeof(uint64_t); k++)
			((uint64_t *)reads[i].buf)[k] = reads[i].addr;
	}
}

struct told {
	size_t nr, unread, wrong;
};

static void tell(void *ctx, const struct pw_gstate *s, const uint8_t *g)
{
	struct told *t = ctx;
	uint64_t addr;

	t->nr++;
	t->unread += !g;
	if (g) {
		memcpy(&addr, g + sizeof(addr), sizeof(addr));
		t->wrong += addr != s->goid;
	}
}

static struct told all(struct fake *f, struct deadline *until)
{
	struct told t = { 0 };
	scoped(opengs) o = NULL;

	cr_assert_eq(opengs__new(&f->as, G_BYTES, until, tell, &t, &o), 0);
	for (uint64_t i = 0; i < NR; i++)
		opengs__add(o, 0x1000 * i, &(struct pw_gstate){ .goid = 0x1000 * i });
	opengs__flush(o);
	opengs__flush(o);
	return t;
}

Test(opengs, each_is_told_once_with_its_own_g)
{
	struct fake f = { .as = { fake__read, fake__read_batch } };
	struct told t = all(&f, NULL);

	cr_expect_eq(t.nr, NR);
	cr_expect_eq(t.wrong, 0);
	cr_expect_eq(t.unread, 1, "one cannot be read, and is told all the same");
}

Test(opengs, many_are_read_in_one_call)
{
	struct fake f = { .as = { fake__read, fake__read_batch } };

	(void)all(&f, NULL);
	cr_expect_eq(f.single_calls, 0);
	cr_expect_leq(f.calls, NR / 100);
}

Test(opengs, after_the_deadline_nothing_is_read_and_all_are_told)
{
	struct fake f = { .as = { fake__read, fake__read_batch } };
	struct deadline over = { .at_ns = 1 };
	struct told t = all(&f, &over);

	cr_expect_eq(f.calls, 0);
	cr_expect_eq(t.nr, NR);
	cr_expect_eq(t.unread, NR);
}

Test(opengs, a_g_of_no_size_that_go_has_is_refused)
{
	struct opengs *o = NULL;

	cr_expect_eq(opengs__new(NULL, OPENGS_BYTES_MAX + 1, NULL, tell, NULL, &o), -EOPNOTSUPP);
	cr_expect_null(o);
}
