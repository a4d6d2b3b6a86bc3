/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <parkwatch/event.h>

#include "model/places.h"

static const struct place here = {
	.startpc = 0x400100, .pc = 0x400200, .depth = 320, .reason = 14, .rt = 0
};

Test(places, are_told_apart_by_all_that_is_known_of_them)
{
	static const struct {
		const char *why;
		struct place at;
	} rows[] = {
		{ "started with another function", { 0x400108, 0x400200, 320, 0, 14, 0 } },
		{ "stopped elsewhere", { 0x400100, 0x400208, 320, 0, 14, 0 } },
		{ "deeper", { 0x400100, 0x400200, 328, 0, 14, 0 } },
		{ "for another reason", { 0x400100, 0x400200, 320, 0, 15, 0 } },
		{ "in another runtime", { 0x400100, 0x400200, 320, 0, 14, 1 } },
		{ "of one goroutine", { 0x400100, 0x400200, 320, 7, 14, 0 } },
	};
	scoped(places) p = NULL;

	cr_assert_eq(places__new(&p), 0);
	places__learn(p, &here, 77);
	cr_expect_eq(places__find(p, &here, 0), 77);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_expect_eq(places__find(p, &rows[i].at, 0), PW_STACK_ID_NONE, "%s", rows[i].why);
}

Test(places, with_several_stacks_give_each_its_part)
{
	scoped(places) p = NULL;
	int first = 0;

	cr_assert_eq(places__new(&p), 0);
	for (int i = 0; i < 4; i++)
		places__learn(p, &here, i % 4 ? 101 : 100);
	for (int i = 0; i < 1000; i++)
		first += places__find(p, &here, i / 1000.0) == 100;
	cr_expect_eq(first, 250, "%d of 1000", first);
}

Test(places, learn_no_more_than_they_have_room_for)
{
	scoped(places) p = NULL;
	struct place at = here;

	cr_assert_eq(places__new(&p), 0);
	for (uint64_t id = 100; id < 100 + 2 * PLACES_ALIKE; id++)
		places__learn(p, &here, id);
	cr_expect_eq(places__find(p, &here, 0.999), 100 + PLACES_ALIKE - 1);
	for (uint64_t i = 0; i < PLACES_MAX; i++) {
		at.depth = 1000 + i;
		places__learn(p, &at, 5000);
	}
	cr_expect_eq(places__find(p, &at, 0), PW_STACK_ID_NONE);
	at.depth = 1000;
	cr_expect_eq(places__find(p, &at, 0), 5000);
}
