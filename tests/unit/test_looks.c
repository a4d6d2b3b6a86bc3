/* SPDX-License-Identifier: BSD-2-Clause */
#include "names/looks.h"

#include <criterion/criterion.h>

#define F(func, at, ...)                                                                           \
	{                                                                                          \
		.name = func, .file = "main.go", .line = at, __VA_ARGS__                           \
	}

Test(looks, are_the_same_if_all_that_is_seen_is)
{
	static const char a[] = "main.a", b[] = "main.b";
	static const struct frame base[] = { F(a, 5, .pc = 0x1005, .entry = 0x1000),
					     F(b, 9, .pc = 0x2001) };
	static const struct {
		const char *why;
		struct frame v[2];
		size_t nr;
		bool truncated, same;
	} t[] = {
		{ "other addresses",
		  { F(a, 5, .pc = 0x7005), F(b, 9, .pc = 0x8001, .is_return = true) },
		  2,
		  false,
		  true },
		{ "another line", { F(a, 6), F(b, 9) }, 2, false, false },
		{ "another function", { F(b, 5), F(b, 9) }, 2, false, false },
		{ "inlined", { F(a, 5, .inlined = true), F(b, 9) }, 2, false, false },
		{ "a frame less", { F(a, 5) }, 1, false, false },
		{ "its root alone", { F(b, 9) }, 1, false, false },
		{ "the other way round", { F(b, 9), F(a, 5) }, 2, false, false },
		{ "cut", { F(a, 5), F(b, 9) }, 2, true, false },
		{ "nothing", { F(a, 5) }, 0, false, false },
	};
	scoped(looks) l = NULL;
	uint32_t first = 0;

	cr_assert_eq(looks__new(&l), 0);
	cr_assert_eq(looks__of(l, base, 2, false, &first), 0);
	looks__add(l, first);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint32_t look = 0;

		cr_assert_eq(looks__of(l, t[i].v, t[i].nr, t[i].truncated, &look), 0);
		cr_expect(look > 0, "%s", t[i].why);
		cr_expect_eq(look == first, t[i].same, "%s", t[i].why);
		cr_expect_eq(looks__count(l, look), look == first, "%s", t[i].why);
	}
}

Test(looks, are_many)
{
	scoped(looks) l = NULL;
	uint32_t look = 0;

	cr_assert_eq(looks__new(&l), 0);
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 5000; i++) {
			cr_assert_eq(looks__of(l, &(struct frame)F("main.a", i), 1, false, &look),
				     0);
			looks__add(l, look);
			cr_assert_eq(looks__count(l, look), round + 1);
		}
}
