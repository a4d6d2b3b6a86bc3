/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/reqlabel.h"

static struct reqlabel back(const struct reqlabel *l, char buf[REQLABEL_TEXT_MAX + 1])
{
	char text[REQLABEL_TEXT_MAX + 1];
	struct reqlabel r;

	reqlabel__put(l, text, sizeof(text));
	reqlabel__get(text, buf, &r);
	return r;
}

Test(reqlabel, is_what_it_was_made_of)
{
	static const struct {
		const char *why;
		struct reqlabel l;
	} t[] = {
		{ "all is known",
		  { "GET /quote/{id}", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331",
		    "GET /api/quote", NULL } },
		{ "a route alone", { "GET /", "", "", "", NULL } },
		{ "nothing but that there is one", { "", "", "", "", NULL } },
		{ "there is none", { "", "", "", "", REQLABEL_SEVERAL } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char buf[REQLABEL_TEXT_MAX + 1];
		const struct reqlabel r = back(&t[i].l, buf);

		cr_expect_str_eq(r.route, t[i].l.route, "%s", t[i].why);
		cr_expect_str_eq(r.trace_id, t[i].l.trace_id, "%s", t[i].why);
		cr_expect_str_eq(r.span_id, t[i].l.span_id, "%s", t[i].why);
		cr_expect_str_eq(r.span, t[i].l.span, "%s", t[i].why);
		cr_expect_eq(!r.why, !t[i].l.why, "%s", t[i].why);
		if (t[i].l.why)
			cr_expect_str_eq(r.why, t[i].l.why, "%s", t[i].why);
	}
}

Test(reqlabel, what_a_program_calls_something_is_nothing_else)
{
	char long_route[2 * REQLABEL_TEXT_MAX], buf[REQLABEL_TEXT_MAX + 1];
	struct reqlabel r;

	r = back(&(struct reqlabel){ "GET /a|b\tc", "", "", "x\ny|z", NULL }, buf);
	cr_expect_str_eq(r.route, "GET /a?b?c");
	cr_expect_str_eq(r.span, "x?y?z");
	memset(long_route, 'r', sizeof(long_route) - 1);
	long_route[sizeof(long_route) - 1] = '\0';
	r = back(&(struct reqlabel){ long_route, "0af7651916cd43dd8448eb211c80319c",
				     "b7ad6b7169203331", long_route, NULL },
		 buf);
	cr_expect_str_eq(r.span_id, "b7ad6b7169203331", "ids have room whatever the route is");
	cr_expect(strlen(r.route) >= 200 && strlen(r.span) >= 100);
}

Test(reqlabel, a_text_of_nothing_says_that_there_was_no_room)
{
	char buf[REQLABEL_TEXT_MAX + 1];
	struct reqlabel r;

	reqlabel__get("", buf, &r);
	cr_expect_str_eq(r.why, REQLABEL_REFUSED);
	reqlabel__get("k=v", buf, &r);
	cr_expect_str_eq(r.why, "k=v", "of a file of somebody else's");
}

Test(reqlabel, who_has_no_span_of_its_own_has_none_but_the_clients_that_it_serves)
{
	const struct gtrace own = { { 1 }, { 2 }, "fetch" }, of_request = { { 3 }, { 4 }, "GET /" };
	static const struct {
		const char *why;
		bool own;
		enum grequest_relation relation;
		const char *trace, *span, *name;
	} t[] = {
		{ "it has one", true, GREQUEST_OF, "01", "02", "fetch" },
		{ "it is of the request", false, GREQUEST_OF, "03", "", "" },
		{ "it serves it: of the header", false, GREQUEST_SERVES, "03", "04", "GET /" },
		{ "it serves it, and has one", true, GREQUEST_SERVES, "01", "02", "fetch" },
	};
	const struct grequest q = { .method = "GET", .route = "/", .trace = of_request };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct grequest_of of = { .request = 1, .relation = (uint8_t)t[i].relation };
		struct reqlabel_texts texts;
		struct reqlabel l;

		if (t[i].own)
			of.trace = own;
		reqlabel__of(&of, &q, &texts, &l);
		cr_expect_str_eq(l.route, "GET /");
		cr_expect_eq(strncmp(l.trace_id, t[i].trace, 2), 0, "%s", t[i].why);
		cr_expect_eq(strncmp(l.span_id, t[i].span, 2), 0, "%s: %s", t[i].why, l.span_id);
		cr_expect_eq(!l.span_id[0], !t[i].span[0], "%s", t[i].why);
		cr_expect_str_eq(l.span, t[i].name, "%s", t[i].why);
	}
}
