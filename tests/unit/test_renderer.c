/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>

#include "report_fake.h"

Test(renderer, is_found_by_the_suffix_of_a_path)
{
	static const struct { const char *path; const struct renderer *want; } t[] = {
		{ "a.folded", &renderer_folded }, { "/tmp/a.b/blocked.txt", &renderer_folded },
		{ "x.pb.gz", &renderer_pprof }, { "x.html", &renderer_html }, { "x.svg", NULL }, { "x", NULL },
		{ "", NULL }, { ".html", NULL }, { "x.html.gz", NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(renderer_by_path(t[i].path), t[i].want, "%s", t[i].path);
}

Test(renderer, is_found_by_its_name)
{
	for (size_t i = 0; renderer_at(i); i++)
		cr_expect_eq(renderer_by_name(renderer_at(i)->name), renderer_at(i));
	cr_expect_null(renderer_by_name("svg"));
}

Test(renderer, reports_a_full_disk)
{
	const struct profile_opts o = { .event = PROFILE_BLOCKED };

	for (size_t i = 0; renderer_at(i); i++) {
		const struct renderer *how = renderer_at(i);
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
		if (!how->missing || !how->missing()) {
			cr_expect_eq(how->render(&(struct report){ .snap = s, .meta = &fake_meta,
								   .namers = &fake_namer, .nr_namers = 1 },
						 out, &why), -ENOSPC, "%s", how->name);
			cr_expect_neq(why.text[0], 0);
		}
		fclose(out);
	}
}
