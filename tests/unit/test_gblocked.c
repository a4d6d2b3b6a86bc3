/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "census/gblocked.h"

Test(gblocked, knows_the_objects_of_waits)
{
	static const struct {
		const char *why;
		int minor;
		uint8_t kind;
		bool known;
		uint32_t size;
	} t[] = {
		{ "channel", 22, CENSUS_WAIT_CHAN, true, 96 },
		{ "mutex", 22, CENSUS_WAIT_MUTEX, true, 8 },
		{ "rwmutex", 22, CENSUS_WAIT_RWMUTEX, true, 24 },
		{ "waitgroup of Go 1.17", 17, CENSUS_WAIT_WAITGROUP, true, 12 },
		{ "waitgroup", 18, CENSUS_WAIT_WAITGROUP, true, 16 },
		{ "cond", 22, CENSUS_WAIT_COND, true, 56 },
		{ "a semaphore of somebody", 22, CENSUS_WAIT_SEMAPHORE, false, 0 },
		{ "coroutine", 22, CENSUS_WAIT_CORO, true, 16 },
		{ "sleep", 22, CENSUS_WAIT_TIMER, false, 0 },
		{ "I/O", 22, CENSUS_WAIT_FD, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct census_wait w = { .addr = 0x1000, .kind = t[i].kind };
		uint64_t addr = 0;
		uint32_t size = 0;

		cr_expect_eq(gblocked_object(t[i].minor, &w, &addr, &size), t[i].known, "%s",
			     t[i].why);
		cr_expect_eq(size, t[i].size, "%s", t[i].why);
		cr_expect_eq(addr, t[i].known ? 0x1000 : 0, "%s", t[i].why);
	}
}
