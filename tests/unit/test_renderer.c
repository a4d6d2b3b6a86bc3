/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>

#include "format/format.h"
#include "report_fake.h"

Test(renderer, reports_a_full_disk)
{
	const struct profile_opts o = { .event = PROFILE_BLOCKED };

	for (size_t i = 0; format_at(i); i++) {
		const struct renderer *how = format_at(i)->rows;
		scoped(profile) p = NULL;
		scoped(snap) s = NULL;
		struct cause why = { "" };
		FILE *out = fopen("/dev/full", "w");

		if (!out)
			cr_skip_test("no /dev/full");
		setvbuf(out, NULL, _IONBF, 0);
		cr_assert_eq(profile__new(&o, &p), 0);
		fake_stack(p, 100, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
		fake_wait(p, 7, 100, FAKE_CHAN_RECEIVE, 0, 10, 0);
		cr_assert_eq(snap__take(p, &s), 0);
		if (how) {
			cr_expect_eq(how->render(&(struct report){ .snap = s,
								   .meta = &fake_meta,
								   .namers = &fake_namer,
								   .nr_namers = 1 },
						 out, &why),
				     -ENOSPC, "%s", format_at(i)->name);
			cr_expect_neq(why.text[0], 0);
		}
		fclose(out);
	}
}
