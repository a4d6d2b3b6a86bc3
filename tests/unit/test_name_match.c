/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "view/leaks.h"
#include "names/name_match.h"
#include "names/filter.h"

#define MILL "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun"

Test(name_match, takes_a_package_in_both_its_spellings)
{
	static const struct {
		const char *why, *asked, *name;
		bool want;
	} t[] = {
		{ "as printed", "lumberjack%2ev2\\.", MILL, true },
		{ "as imported", "^gopkg\\.in/natefinch/lumberjack\\.v2\\.", MILL, true },
		{ "another version", "lumberjack\\.v3", MILL, false },
		{ "without a dot", "^main\\.worker$", "main.worker", true },
		{ "a per cent sign that says nothing", "%zz$", "main.a%zz", true },
		{ "... at the end", "^main.a%2$", "main.a%2", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(filter) p = NULL;

		cr_assert_eq(filter__new(&p), 0);
		cr_assert_eq(filter__add(p, "func", t[i].asked, false, NULL), 0);
		cr_expect_eq(filter__hits(p, FILTER_FUNC, t[i].name) != 0, t[i].want, "%s",
			     t[i].why);
	}
}

Test(name_match, what_repeats_too_much_is_refused)
{
	static const struct {
		const char *text;
		unsigned int times;
	} t[] = {
		{ "a*(b|c)+d?", 1 },
		{ "a{3}", 3 },
		{ "a{,7}", 7 },
		{ "a{2,}", 2 },
		{ "(a{2,10}){100}", 1000 },
		{ "(a{2,10}){101}", NAME_TIMES_MAX + 1 },
		{ "((a{1,255}){1,255}){1,255}", NAME_TIMES_MAX + 1 },
		{ "a{99999999999999999999}{99999999999999999999}", NAME_TIMES_MAX + 1 },
		{ "{", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(name_times(t[i].text), t[i].times, "%s: %u", t[i].text,
			     name_times(t[i].text));
	cr_expect_eq(name_regex(&(regex_t){ 0 }, "((a{1,255}){1,255}){1,255}"), REG_ESPACE);
}

Test(name_match, a_name_may_be_written_as_it_is_imported)
{
	cr_expect(name_same("select\t" MILL,
			    "select\tgopkg.in/natefinch/lumberjack.v2.(*Logger).millRun"));
	cr_expect(name_same(MILL, MILL));
	cr_expect(!name_same(MILL, "gopkg.in/natefinch/lumberjack.v3.(*Logger).millRun"));
}

Test(name_match, a_text_that_is_too_long_has_one_spelling)
{
	scoped_mem char *name = calloc(1, NAME_PLAIN_MAX + 4);

	memset(name, 'a', NAME_PLAIN_MAX);
	memcpy(name, "%2e", 3);
	cr_expect(name_same(name, name));
	cr_expect(!name_same(name, "."));
}
