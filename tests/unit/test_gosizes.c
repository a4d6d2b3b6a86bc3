/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "golang/gosizes.h"

Test(gosizes, an_object_has_the_span_class_that_go_gives_it)
{
	static const struct {
		const char *why;
		int minor;
		uint64_t size;
		bool pointers;
		unsigned int want;
		uint64_t spent;
	} rows[] = {
		{ "tiny", 26, 15, false, GOSIZES_TINY_CLASS, 15 },
		{ "pointers are never tiny", 26, 8, true, 2, 8 },
		{ "16 bytes are not tiny, but of that class", 26, 16, false, 5, 16 },
		{ "24 bytes", 16, 24, true, 6, 24 },
		{ "Go 1.15 has no 24", 15, 24, true, 6, 32 },
		{ "512 with pointers: bits in the span", 22, 512, true, 52, 512 },
		{ "above it a header", 22, 576, true, 56, 640 },
		{ "no header before 1.22", 21, 576, true, 54, 576 },
		{ "no header without pointers", 22, 576, false, 55, 576 },
		{ "the last small one", 22, 32760, true, 134, 32768 },
		{ "1.22: large already", 22, 32761, false, 1, 32768 },
		{ "1.21: small still", 21, 32768, false, 135, 32768 },
		{ "1.15 has a class less", 15, 32768, false, 133, 32768 },
		{ "large, with pointers", 26, 32769, true, 0, 40960 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cr_expect_eq(gosizes_span_class(rows[i].minor, rows[i].size, rows[i].pointers),
			     rows[i].want, "%s: %u", rows[i].why,
			     gosizes_span_class(rows[i].minor, rows[i].size, rows[i].pointers));
		cr_expect_eq(gosizes_spent(rows[i].minor, rows[i].size, rows[i].pointers),
			     rows[i].spent, "%s", rows[i].why);
	}
}

Test(gosizes, there_are_no_other_classes)
{
	cr_expect_eq(gosizes_slot(26, 67), 32768);
	cr_expect_eq(gosizes_slot(26, 68), 0);
	cr_expect_eq(gosizes_slot(15, 66), 32768);
	cr_expect_eq(gosizes_slot(15, 67), 0);
	cr_expect_eq(gosizes_slot(26, 0), 0);
}
