/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <string.h>

#include "locks/glock.h"

#define BASE 0x10000ull

struct words {
	struct bufspace space;
	uint32_t w[32];
};

static struct glocks *read_locks(struct words *m, int minor, struct census_wait *waits, size_t nr)
{
	const struct census c = { .waits = waits, .nr_waits = nr };
	struct glocks *ls = NULL;

	bufspace__init(&m->space, m->w, sizeof(m->w), BASE);
	cr_assert_eq(glocks__read(&m->space.as, minor, &c, &ls), 0);
	return ls;
}

Test(glock, a_mutex_says_that_it_is_locked_and_how_many_wait)
{
	struct words m = { .w = { 1 | 4 | 5 << 3, 0 } };
	struct census_wait waits[] = {
		{ .addr = BASE, .via = BASE + 4, .kind = CENSUS_WAIT_MUTEX },
		{ .addr = BASE, .via = BASE + 4, .kind = CENSUS_WAIT_MUTEX }
	};
	scoped(glocks) ls = read_locks(&m, 26, waits, 2);

	cr_assert_eq(ls->nr, 1);
	cr_expect(ls->v[0].settled);
	cr_expect(ls->v[0].locked);
	cr_expect(ls->v[0].starving);
	cr_expect_not(ls->v[0].woken);
	cr_expect_eq(ls->v[0].waiters, 5);
}

Test(glock, an_rwmutex_tells_readers_from_writers)
{
	static const struct {
		const char *why;
		uint32_t count, wait;
		bool writer;
		int32_t readers, departing;
	} t[] = {
		{ "three readers", 3, 0, false, 3, 0 },
		{ "a writer has it, two wait to read", (uint32_t)(2 - (1 << 30)), 0, true, 2, 0 },
		{ "a writer waits for one of three", (uint32_t)(3 - (1 << 30)), 1, true, 3, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct words m = { .w = { 1, 0, 0, 0, t[i].count, t[i].wait } };
		struct census_wait waits[] = {
			{ .addr = BASE, .via = BASE + 12, .kind = CENSUS_WAIT_RWMUTEX }
		};
		scoped(glocks) ls = read_locks(&m, 26, waits, 1);

		cr_expect_eq(ls->v[0].writer, t[i].writer, "%s", t[i].why);
		cr_expect_eq(ls->v[0].readers, t[i].readers, "%s", t[i].why);
		cr_expect_eq(ls->v[0].departing, t[i].departing, "%s", t[i].why);
	}
}

Test(glock, a_mutex_at_the_place_of_an_rwmutex_is_the_rwmutex)
{
	struct words m = { .w = { 1, 0, 0, 0, 1, 0 } };
	struct census_wait waits[] = {
		{ .addr = BASE, .via = BASE + 4, .kind = CENSUS_WAIT_MUTEX },
		{ .addr = BASE, .via = BASE + 12, .kind = CENSUS_WAIT_RWMUTEX }
	};
	scoped(glocks) ls = read_locks(&m, 26, waits, 2);

	cr_assert_eq(ls->nr, 1);
	cr_expect_eq(ls->v[0].kind, CENSUS_WAIT_RWMUTEX);
	cr_expect_eq(glocks__get(ls, BASE), &ls->v[0]);
}

Test(glock, the_state_of_a_waitgroup_is_where_the_version_has_it)
{
	static const struct {
		const char *why;
		int minor;
		uint64_t at;
		uint32_t w[4];
		int32_t counter;
		uint32_t waiters;
	} t[] = {
		{ "1.17 at a multiple of 8: state first", 17, 0, { 2, 7, 99, 0 }, 7, 2 },
		{ "1.17 at a multiple of 4: semaphore first", 17, 4, { 0, 99, 2, 7 }, 7, 2 },
		{ "1.18", 18, 0, { 2, 7, 99, 0 }, 7, 2 },
		{ "1.25 with the bit of synctest", 25, 0, { 2 | 1u << 31, 7, 0, 0 }, 7, 2 },
		{ "1.24 knows no such bit", 24, 0, { 2 | 1u << 31, 7, 0, 0 }, 7, 2 | 1u << 31 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct census_wait waits[] = { { .addr = BASE + t[i].at,
						 .kind = CENSUS_WAIT_WAITGROUP } };
		struct words m = { 0 };
		struct glocks *ls;

		memcpy(m.w, t[i].w, sizeof(t[i].w));
		ls = read_locks(&m, t[i].minor, waits, 1);
		cr_expect_eq(ls->v[0].counter, t[i].counter, "%s", t[i].why);
		cr_expect_eq(ls->v[0].waiters, t[i].waiters, "%s", t[i].why);
		glocks__free(ls);
	}
}

Test(glock, a_cond_names_its_lock_and_counts_tickets)
{
	struct words m = { .w = { 1, 2, 0xc000, 0x12, 9, 4 } };
	struct census_wait waits[] = {
		{ .addr = BASE, .via = BASE + 16, .kind = CENSUS_WAIT_COND }
	};
	scoped(glocks) ls = read_locks(&m, 26, waits, 1);

	cr_expect_eq(ls->v[0].locker, 0x120000c000ull);
	cr_expect_eq(ls->v[0].waiters, 5);
}

Test(glock, what_cannot_be_read_is_counted)
{
	struct words m = { 0 };
	struct census_wait waits[] = { { .addr = 0xdead000, .kind = CENSUS_WAIT_MUTEX },
				       { .addr = BASE, .kind = CENSUS_WAIT_CHAN } };
	scoped(glocks) ls = read_locks(&m, 26, waits, 2);

	cr_assert_eq(ls->nr, 1);
	cr_expect_eq(ls->unsettled, 1);
	cr_expect_not(ls->v[0].settled);
}

static int changing_read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	static uint32_t n;

	(void)as, (void)addr;
	n++;
	memset(buf, (int)n, len);
	return 0;
}

Test(glock, what_never_holds_still_is_not_told)
{
	struct addrspace as = { .read = changing_read };
	struct census_wait waits[] = { { .addr = BASE, .kind = CENSUS_WAIT_MUTEX } };
	const struct census c = { .waits = waits, .nr_waits = 1 };
	scoped(glocks) ls = NULL;

	cr_assert_eq(glocks__read(&as, 26, &c, &ls), 0);
	cr_expect_eq(ls->unsettled, 1);
	cr_expect_not(ls->v[0].settled);
}
