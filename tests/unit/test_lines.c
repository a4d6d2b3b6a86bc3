/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/lines.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "base/log.h"

Test(lines, what_a_worker_says_is_logged_with_its_target, .init = cr_redirect_stderr)
{
	struct book_line v[LINES_MAX + 2] = {
		{ .level = LOG_WARN, .text = "1 probe was lost" },
		{ .level = 77, .text = "a level that there is not" },
		{ .level = LOG_DEBUG, .text = "for who looks for a mistake" },
	};

	lines_pass_on(&(struct book){ .lines = v, .nr_lines = 3 }, "api-812-1f");
	fflush(stderr);
	cr_expect_stderr_eq_str("parkwatch: warning: api-812-1f: 1 probe was lost\n"
				"parkwatch: api-812-1f: a level that there is not\n");
}

Test(lines, many_lines_are_counted, .init = cr_redirect_stderr)
{
	struct book_line v[LINES_MAX + 2];

	for (size_t i = 0; i < LINES_MAX + 2; i++)
		v[i] = (struct book_line){ .level = LOG_DEBUG, .text = "x" };
	lines_pass_on(&(struct book){ .lines = v, .nr_lines = LINES_MAX + 2, .lines_lost = 5 },
		      "api");
	fflush(stderr);
	cr_expect_stderr_eq_str("parkwatch: warning: api: 7 more lines\n");
}
