/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <elf.h>
#include <string.h>

#include "base/cleanup.h"
#include "golang/golayout.h"

static const uint16_t machines[] = { EM_X86_64, EM_AARCH64 };

Test(golayout, has_a_row_for_every_version_and_arch)
{
	for (size_t k = 0; k < ARRAY_SIZE(machines); k++) {
		for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor++) {
			const struct golayout_row *r = golayout_row(minor, machines[k]);

			cr_assert_not_null(r);
			cr_expect_eq(r->minor, minor);
		}
		cr_expect_eq(golayout_row(GO_MINOR_MAX + 5, machines[k])->minor, GO_MINOR_MAX,
			     "the newest for newer ones");
		cr_expect_null(golayout_row(GO_MINOR_MIN - 1, machines[k]));
	}
	cr_expect_null(golayout_row(22, EM_RISCV));
}

#define FIELD_MAX 131072 /* runtime.mheap is by far the largest */

static void expect_fields(const struct golayout_row *r, const struct golayout_field *fields,
			  const void *values)
{
	for (const struct golayout_field *l = fields; l->name; l++) {
		__s32 v = *(const __s32 *)((const char *)values + l->offset);
		bool wanted = r->minor >= l->since && r->minor <= l->until;

		if (wanted)
			cr_expect(v >= 0 && v < FIELD_MAX, "Go 1.%d %s is %d", r->minor, l->name,
				  v);
	}
}

Test(golayout, every_field_that_a_version_has_is_filled)
{
	for (size_t k = 0; k < ARRAY_SIZE(machines); k++) {
		for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor++) {
			const struct golayout_row *r = golayout_row(minor, machines[k]);

			expect_fields(r, golayout_fields, &r->layout);
			expect_fields(r, gotables_fields, &r->tables);
			expect_fields(r, goobjects_fields, &r->objects);
		}
	}
}

/* Measured on live programs, by hand and apart from the generator. */
Test(golayout, agrees_with_what_was_measured)
{
	static const struct {
		int minor;
		__s32 goid, gopc, waiting, elem, next;
	} t[] = {
		{ 15, 152, 280, 312, 24, 448 }, { 17, 152, 296, 328, 24, 528 },
		{ 21, 152, 280, 312, 24, 584 }, { 23, 160, 288, 320, 24, 576 },
		{ 25, 152, 280, 312, 24, 576 }, { 27, 152, 288, 320, 32, 560 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct golayout_row *r = golayout_row(t[i].minor, EM_X86_64);

		cr_expect_eq(r->layout.g_goid, t[i].goid, "Go 1.%d", t[i].minor);
		cr_expect_eq(r->layout.g_gopc, t[i].gopc, "Go 1.%d", t[i].minor);
		cr_expect_eq(r->layout.g_waiting, t[i].waiting, "Go 1.%d", t[i].minor);
		cr_expect_eq(r->layout.sudog_elem, t[i].elem, "Go 1.%d", t[i].minor);
		cr_expect_eq(r->tables.md_next, t[i].next, "Go 1.%d", t[i].minor);
	}
}
