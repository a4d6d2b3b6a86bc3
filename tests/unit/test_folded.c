/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <regex.h>

#include "format/folded.h"
#include "report_fake.h"

#define STACK_A 100

Test(folded, writes_stacks_and_sums_in_order)
{
	const struct profile_opts o = { .event = PROFILE_BLOCKED };
	scoped(profile) p = NULL;
	scoped_mem char *text = NULL;
	size_t len;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	fake_stack(p, 200, fake_wait_stack, 3);
	fake_stack(p, 300, fake_wait_stack + 1, 2); /* the same frames without gopark */
	fake_wait(p, 7, STACK_A, FAKE_CHAN_RECEIVE, 100, 200, 0);
	fake_wait(p, 8, 200, FAKE_CHAN_RECEIVE, 100, 110, 0);
	fake_wait(p, 8, 300, FAKE_CHAN_RECEIVE, 100, 103, 0);
	fake_wait(p, 9, 300, FAKE_CHAN_RECEIVE, 100, 100, 0);
	text = fake_render(&renderer_folded, p, false, &len);
	cr_assert_not_null(text);
	cr_expect_str_eq(text, "main.loop;main.inner;main.innermost;main.worker;runtime.chanrecv1;["
			       "chan receive] 100\n"
			       "main.worker;runtime.chanrecv1;[chan receive] 13\n");
}

Test(folded, nothing_seen_is_an_empty_file)
{
	const struct profile_opts o = { .event = PROFILE_BIRTHS };
	scoped(profile) p = NULL;
	scoped_mem char *text = NULL;
	size_t len = 1;

	cr_assert_eq(profile__new(&o, &p), 0);
	text = fake_render(&renderer_folded, p, false, &len);
	cr_expect_eq(len, 0);
}

Test(folded, escapes_what_the_grammar_cannot_hold)
{
	static const struct {
		const char *why, *name, *want;
	} t[] = {
		{ "separator", "f[struct { a int; b int }]", "f[struct { a int: b int }]" },
		{ "blanks inside a frame stay", "[chan receive]", "[chan receive]" },
		{ "a number at the end would be a second count", "f 12", "f_12" },
		{ "with a fraction", "f 12.5", "f_12.5" },
		{ "with a bare point", "f 12.", "f_12." },
		{ "only the last blank matters", "f 1 2", "f 1_2" },
		{ "digits of a name", "f12", "f12" },
		{ "number before the end", "f 12 g", "f 12 g" },
		{ "only a number", "12", "12" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct frame fr = { .name = t[i].name };
		char buf[256];

		cr_assert_geq(folded_stack(&(struct frames){ .v = &fr, .nr = 1 }, buf, sizeof(buf)),
			      0);
		cr_expect_str_eq(buf, t[i].want, "%s: %s", t[i].why, buf);
	}
}

Test(folded, says_when_a_stack_does_not_fit)
{
	const struct frame fr[2] = { { .name = "main.main" }, { .name = "main.f" } };
	char buf[17];

	cr_expect_eq(folded_stack(&(struct frames){ .v = fr, .nr = 2 }, buf, 16), -ENOSPC);
	cr_expect_eq(folded_stack(&(struct frames){ .v = fr, .nr = 2 }, buf, 17), 16);
}

/*
 * flamegraph.pl's own pattern in POSIX words: the stack is all before the last blank, the count all
 * after it.
 */
Test(folded, every_line_of_hostile_names_is_read_back_whole)
{
	const uint64_t pcs[] = { PC_EVIL, PC_EVIL };
	const struct profile_opts o = { .event = PROFILE_BLOCKED };
	scoped(profile) p = NULL;
	scoped_mem char *text = NULL;
	regmatch_t m[3];
	regex_t re;
	size_t len;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_A, pcs, 2);
	fake_wait(p, 7, STACK_A, FAKE_CHAN_RECEIVE, 0, 42, 0);
	text = fake_render(&renderer_folded, p, false, &len);
	cr_assert_not_null(text);
	cr_assert_eq(regcomp(&re, "^([^\n]*)[ ]([0-9]+)\n$", REG_EXTENDED), 0);
	cr_assert_eq(regexec(&re, text, 3, m, 0), 0, "%s", text);
	cr_expect_eq(strtoull(text + m[2].rm_so, NULL, 10), 42);
	text[m[1].rm_eo] = 0;
	cr_expect_str_eq(text,
			 "a:b?c\"</script><!--\\?? 7;a:b?c\"</script><!--\\?? 7;[chan receive]");
	regfree(&re);
}
