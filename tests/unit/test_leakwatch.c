/* SPDX-License-Identifier: BSD-2-Clause */
/* What the supervisor takes from leak workers, that may be hostile. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "leaks_fake.h"
#include "serve/leakwatch.h"

Test(leakwatch, reports_that_make_no_sense_are_counted_and_the_report_before_stays)
{
	static const char *const bytes[] = { "no figures", "wrong figures", "" };
	static const struct leak_figures wrong = { .nr = LEAK_SITES_MAX + 1 };
	struct leak_turns turns = { 0 };
	struct leakwatch w;
	int fds[2];

	leakwatch__init(&w, 1);
	w.report = strdup("the one before");
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(pipe(fds), 0);
		leakwatch__begin(&w, 1);
		leakwatch__attach(&w, fds[0]);
		if (bytes[i][0])
			cr_assert_eq(fake_frame(fds[1], &(struct frame_figures){ .lost = 3 },
						bytes[i], strlen(bytes[i]), i ? &wrong : NULL),
				     0);
		close(fds[1]);
		cr_expect_eq(leakwatch__read(&w, "id", &turns, 2), 0, "%zu", i);
		cr_expect(!w.plan.running && w.failed == i + 1 && w.from.fd == -1, "%zu", i);
	}
	leakwatch__begin(&w, 1);
	leakwatch__attach(&w, -1);
	cr_expect_eq(w.failed, 4, "it could not be started");
	leakwatch__begin(&w, 1);
	leakwatch__tick(&w, 1 + LEAKWATCH_MOST_NS);
	cr_expect(w.plan.running);
	leakwatch__tick(&w, 2 + LEAKWATCH_MOST_NS);
	cr_expect(!w.plan.running && w.failed == 5, "nobody has answered");
	cr_expect_str_eq(w.report, "the one before");
	leakwatch__done(&w);
}
