/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/lines.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "base/notes.h"

Test(lines, what_a_worker_says_is_logged_with_its_target, .init = cr_redirect_stderr)
{
	struct textbuf b;

	textbuf__init(&b, NULL);
	note_warn("1 probe was lost");
	note_info("it is large");
	lines_take(&b);
	cr_assert_eq(b.err, 0);
	lines_pass_on(b.v, b.nr, "api-812-1f");
	b.nr = 0;
	lines_take(&b);
	cr_expect_eq(b.nr, 0, "they are forgotten");
	fflush(stderr);
	cr_expect_stderr_eq_str("parkwatch: warning: api-812-1f: 1 probe was lost\n"
				"parkwatch: api-812-1f: it is large\n");
	textbuf__done(&b);
}

Test(lines, that_make_no_sense_do_no_harm, .init = cr_redirect_stderr)
{
	static const char bytes[] = "9a level that there is not\n2\x1b[2J\n\n2no end";

	lines_pass_on(bytes, sizeof(bytes) - 1, "api");
	fflush(stderr);
	cr_expect_stderr_eq_str("parkwatch: api: a level that there is not\n"
				"parkwatch: warning: api: ?[2J\n"
				"parkwatch: api: \n"
				"parkwatch: warning: api: no end\n");
}

Test(lines, many_lines_are_counted, .init = cr_redirect_stderr)
{
	char bytes[3 * (LINES_MAX + 7)];

	for (size_t i = 0; i < sizeof(bytes); i += 3)
		memcpy(bytes + i, "4x\n", 3);
	lines_pass_on(bytes, sizeof(bytes), "api");
	fflush(stderr);
	cr_expect_stderr_eq_str("parkwatch: warning: api: 7 more lines\n");
}
