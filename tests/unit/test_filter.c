/* SPDX-License-Identifier: BSD-2-Clause */
#include "names/filter.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S 1000000000ULL

/* "name=value", "!name=value" */
static int add(struct filter *p, const char *filter, struct cause *why)
{
	const bool negate = filter[0] == '!';
	char name[64];

	snprintf(name, sizeof(name), "%s", filter + negate);
	*strchr(name, '=') = '\0';
	return filter__add(p, name, strchr(filter, '=') + 1, negate, why);
}

/* A worker that waits 31 s in a stack of three, made by main.main, with two labels, on no P. */
static bool takes(const char *const *filters)
{
	static const char *const stack[] = { "runtime.gopark", "main.worker",
					     "main.(*Pool[...]).run" };
	struct label_set *set = calloc(1, sizeof(*set) + 2 * sizeof(set->v[0]));
	struct filter_subject s = {
		.goid = 18,
		.status = "waiting",
		.reason = "chan receive",
		.wait_ns = 31 * S,
		.p = -1,
		.labels = set,
	};
	scoped(filter) p = NULL;
	bool ret;

	set->nr = 2;
	set->v[0] = (struct label){ "k", "v" };
	set->v[1] = (struct label){ "a=b", "c" };
	cr_assert_eq(filter__new(&p), 0);
	for (; *filters; filters++)
		cr_assert_eq(add(p, *filters, NULL), 0, "%s", *filters);
	for (size_t i = 0; i < ARRAY_SIZE(stack); i++)
		s.func_hits |= filter__hits(p, FILTER_FUNC, stack[i]);
	s.created_by_hits = filter__hits(p, FILTER_CREATED_BY, "main.main");
	ret = filter__takes(p, &s);
	free(set);
	return ret;
}

Test(filter, takes_what_all_filters_take)
{
	static const struct {
		const char *why;
		const char *filters[4];
		bool want;
	} t[] = {
		{ "no filter", { NULL }, true },
		{ "its state", { "state=waiting" }, true },
		{ "one of several states", { "state=running,waiting" }, true },
		{ "another state", { "state=running" }, false },
		{ "its reason", { "wait=chan receive" }, true },
		{ "half a reason", { "wait=chan" }, false },
		{ "the beginning of a reason", { "wait=chan*" }, true },
		{ "another", { "wait=select" }, false },
		{ "one of two that are given", { "wait=select", "wait=chan receive" }, true },
		{ "younger than asked", { "older=32s" }, false },
		{ "as old as asked", { "older=31s" }, true },
		{ "its number", { "goid=1,18,7" }, true },
		{ "other numbers", { "goid=1,180" }, false },
		{ "on no P", { "p=0" }, false },
		{ "anywhere in the stack", { "func=work" }, true },
		{ "from the beginning", { "func=^main\\.worker$" }, true },
		{ "nowhere in it", { "func=^worker" }, false },
		{ "extended expressions", { "func=(Pool|pool).*run" }, true },
		{ "creator", { "created-by=main\\." }, true },
		{ "not the creator's but the stack's", { "created-by=worker" }, false },
		{ "label", { "label=k=v" }, true },
		{ "label with any value", { "label=k" }, true },
		{ "label with another value", { "label=k=w" }, false },
		{ "label whose key has an equals sign", { "label=a=b=c" }, true },
		{ "part of a key", { "label=a" }, false },
		{ "all hold", { "state=waiting", "func=worker", "label=k" }, true },
		{ "one does not", { "state=waiting", "func=nobody", "label=k" }, false },
		{ "kept out", { "!func=worker" }, false },
		{ "not kept out", { "!func=nobody" }, true },
		{ "taken, and not kept out", { "state=waiting", "!state=running" }, true },
		{ "taken, and kept out", { "func=worker", "!wait=chan*" }, false },
		{ "either kept out", { "!goid=1", "!goid=18" }, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(takes(t[i].filters), t[i].want, "%s", t[i].why);
}

Test(filter, does_not_take_for_old_what_nobody_knows)
{
	const struct filter_subject s = { .status = "waiting", .wait_ns = FILTER_UNKNOWN, .p = -1 };
	scoped(filter) p = NULL;

	cr_assert_eq(filter__new(&p), 0);
	cr_assert_eq(add(p, "older=0", NULL), 0);
	cr_expect_not(filter__takes(p, &s));
}

Test(filter, refuses_in_one_line_that_names_what_is_wrong)
{
	static const struct {
		const char *filter, *word;
	} t[] = {
		{ "func=(main", "(main" },
		{ "created-by=[", "created-by" },
		{ "state=wating", "wating" },
		{ "state=waiting,", "waiting," },
		{ "goid=", "goid" },
		{ "goid=1,,2", "1,,2" },
		{ "goid=-1", "-1" },
		{ "p=x", "'x'" },
		{ "wait=", "wait" },
		{ "label==v", "=v" },
		{ "nonsense=1", "nonsense" },
		{ "goid=99999999999999999999", "9999" },
		{ "older=1second", "1second" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cause why = { "" };
		scoped(filter) p = NULL;

		cr_assert_eq(filter__new(&p), 0);
		cr_expect_eq(add(p, t[i].filter, &why), -EINVAL, "%s", t[i].filter);
		cr_expect(strstr(why.text, t[i].word), "%s: %s", t[i].filter, why.text);
		cr_expect_not(strchr(why.text, '\n'));
	}
}

Test(filter, has_a_bound)
{
	scoped(filter) p = NULL;

	cr_assert_eq(filter__new(&p), 0);
	for (int i = 0; i < FILTER_CLAUSES_MAX; i++)
		cr_assert_eq(add(p, "goid=1", NULL), 0);
	cr_expect_eq(add(p, "goid=1", NULL), -ENOSPC);
}

Test(filter, says_of_each_kind_by_itself_what_it_allows)
{
	static const struct {
		const char *why, *filters[4];
		enum filter_kind kind;
		bool want;
	} t[] = {
		{ "no filter of that kind", { "func=x" }, FILTER_CREATED_BY, true },
		{ "one that takes it", { "state=waiting", "func=x" }, FILTER_STATE, true },
		{ "one that does not", { "state=running" }, FILTER_STATE, false },
		{ "either", { "state=running", "state=waiting" }, FILTER_STATE, true },
		{ "what it keeps out", { "!state=waiting" }, FILTER_STATE, false },
		{ "another kind keeps it out",
		  { "!goid=18", "state=waiting" },
		  FILTER_STATE,
		  true },
	};
	const struct filter_subject s = { .goid = 18, .status = "waiting" };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(filter) p = NULL;

		cr_assert_eq(filter__new(&p), 0);
		for (const char *const *f = t[i].filters; *f; f++)
			cr_assert_eq(add(p, *f, NULL), 0, "%s", *f);
		cr_expect_eq(filter__allows(p, t[i].kind, &s), t[i].want, "%s", t[i].why);
	}
}

Test(filter, hands_out_texts_and_numbers_of_a_kind)
{
	scoped(filter) p = NULL;
	const uint64_t *v;
	const char *text;
	size_t nr;

	cr_assert_eq(filter__new(&p), 0);
	cr_assert_eq(add(p, "label=a=b", NULL), 0);
	cr_assert_eq(add(p, "p=3,1", NULL), 0);
	cr_assert_eq(add(p, "label=c", NULL), 0);
	cr_expect(filter__text(p, FILTER_LABEL, 0, &text) && !strcmp(text, "a=b"));
	cr_expect(filter__text(p, FILTER_LABEL, 1, &text) && !strcmp(text, "c"));
	cr_expect_not(filter__text(p, FILTER_LABEL, 2, &text));
	cr_assert(filter__numbers(p, FILTER_P, 0, &v, &nr));
	cr_expect(nr == 2 && v[0] == 1 && v[1] == 3);
	cr_expect_not(filter__numbers(p, FILTER_P, 1, &v, &nr));
}
