/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <string.h>

#include "base/cleanup.h"
#include "view/leak_cycle.h"

Test(leak_cycle, has_words_for_the_waits_that_make_it)
{
	static const struct {
		const char *why;
		unsigned int cycle;
		const char *words, *cure;
	} t[] = {
		{ "locks alone", LEAK_CYCLE_LOCK, NULL, NULL },
		{ "nothing", 0, NULL, NULL },
		{ "sends with a lock", LEAK_CYCLE_LOCK | LEAK_CYCLE_SEND, "sends with a lock held",
		  "unlock before sending" },
		{ "receives with a lock", LEAK_CYCLE_LOCK | LEAK_CYCLE_RECEIVE,
		  "receives with a lock held", "unlock before receiving" },
		{ "selects with a lock", LEAK_CYCLE_LOCK | LEAK_CYCLE_SELECT,
		  "select with a lock held", "unlock before the select" },
		{ "a Cond with a lock", LEAK_CYCLE_LOCK | LEAK_CYCLE_COND,
		  "for a Cond with a lock held", "unlock it before Wait" },
		{ "waits for Done with a lock", LEAK_CYCLE_LOCK | LEAK_CYCLE_DONE,
		  "for a WaitGroup, and those who should call Done for the waiter",
		  "unlock before Wait" },
		{ "nobody else has the WaitGroup", LEAK_CYCLE_LOCK | LEAK_CYCLE_GROUP,
		  "for a WaitGroup with a lock held", "unlock before Wait" },
		{ "parts send", LEAK_CYCLE_DONE | LEAK_CYCLE_SEND, "first send to the waiter",
		  "receive before Wait" },
		{ "parts receive", LEAK_CYCLE_DONE | LEAK_CYCLE_RECEIVE,
		  "first receive from the waiter", "before Wait" },
		{ "parts wait otherwise", LEAK_CYCLE_DONE | LEAK_CYCLE_COND,
		  "those who should call Done for the waiter", "before Wait" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct leak_pattern *p = leak_cycle_pattern(t[i].cycle);

		cr_assert_eq(p != NULL, t[i].words != NULL, "%s", t[i].why);
		cr_expect(!p || (strstr(p->words, t[i].words) && strstr(p->cure, t[i].cure)),
			  "%s: %s", t[i].why, p ? p->words : "");
	}
}

Test(leak_cycle, tells_waits_apart)
{
	static const struct {
		struct census_wait w;
		enum leak_cycle want;
	} t[] = {
		{ { .kind = CENSUS_WAIT_CHAN, .direction = CENSUS_DIR_SEND }, LEAK_CYCLE_SEND },
		{ { .kind = CENSUS_WAIT_CHAN, .direction = CENSUS_DIR_RECEIVE },
		  LEAK_CYCLE_RECEIVE },
		{ { .kind = CENSUS_WAIT_CHAN, .direction = CENSUS_DIR_SEND, .select = true },
		  LEAK_CYCLE_SELECT },
		{ { .kind = CENSUS_WAIT_COND }, LEAK_CYCLE_COND },
		{ { .kind = CENSUS_WAIT_WAITGROUP }, LEAK_CYCLE_GROUP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(leak_cycle_of_wait(&t[i].w), t[i].want, "%zu", i);
}
