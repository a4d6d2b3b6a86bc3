/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/old_dump.h"

#include <criterion/criterion.h>
#include <json-c/json.h>

#include <errno.h>

#include "dump_fake.h"
#include "format/dump_diff.h"

static int parse(const char *text, const struct filter *filter, struct old_dump **ret,
		 struct cause *why)
{
	return old_dump__parse("old.json", text, strlen(text), filter, false, ret, why);
}

#define G(goid, rest) "{\"goid\":" goid ",\"start\":{\"func\":\"main.worker\"}" rest "}"

Test(old_dump, is_read_from_both_shapes_of_json)
{
	static const struct {
		const char *why, *text;
	} t[] = {
		{ "json", "{\"target\":{\"pid\":1,\"exe\":\"x\"},\"goroutines\":[" G("7", "") "," G(
				  "5", "") "],\"refused\":0,\"not_read\":0}\n" },
		{ "spread out",
		  "\n{ \"goroutines\" : [ " G("7", "") " ,\n\n " G("5",
								   "") " ] , \"x\" : [1,{}] } \n" },
		{ "jsonl", G("5", "") "\n" G("7", "") "\n" },
		{ "jsonl whose first name is another",
		  "{\"status\":\"waiting\",\"goid\":7}\n" G("5", "") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(old_dump) o = NULL;
		struct cause why = { "" };

		cr_assert_eq(parse(t[i].text, NULL, &o, &why), 0, "%s: %s", t[i].why, why.text);
		cr_expect(o->nr == 2 && o->gs[0].goid == 5 && o->gs[1].goid == 7, "%s", t[i].why);
		cr_expect_str_eq(o->gs[0].start, "main.worker", "%s", t[i].why);
		for (size_t k = 0; k < 2; k++)
			cr_expect(o->text[o->gs[k].at] == '{' &&
					  o->text[o->gs[k].at + o->gs[k].len - 1] == '}',
				  "%s", t[i].why);
	}
}

Test(old_dump, refuses_what_is_no_dump_in_one_line)
{
	static const struct {
		const char *why, *text;
	} t[] = {
		{ "empty", "" },
		{ "blank", " \n" },
		{ "an array", "[1]" },
		{ "text", "goroutine 1 [running]:" },
		{ "an empty object", "{}" },
		{ "cut off", "{\"goroutines\":[" G("7", "") },
		{ "cut off in a goroutine", "{\"goroutines\":[{\"goid\":7" },
		{ "no goid", "{\"goroutines\":[{\"id\":7}]}" },
		{ "a goid that is a text", "{\"goroutines\":[{\"goid\":\"7\"}]}" },
		{ "no comma", "{\"goroutines\":[" G("7", "") G("8", "") "]}" },
		{ "no object", "{\"goroutines\":[7]}" },
		{ "no array", "{\"goroutines\":7}" },
		{ "more behind it", "{\"goroutines\":[]}{}" },
		{ "a target that says nothing", "{\"target\":5,\"goroutines\":[]}" },
		{ "too deep", "{\"goroutines\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]"
			      "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]" },
		{ "no JSON of the strict kind", "{'goroutines':[]}" },
		{ "not UTF-8", "{\"goroutines\":[{\"goid\":7,\"status\":\"\xff\"}]}" },
		{ "another object", "{\"a\":1}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(old_dump) o = NULL;
		struct cause why = { "" };

		cr_expect_eq(parse(t[i].text, NULL, &o, &why), -EBADMSG, "%s", t[i].why);
		cr_expect(strstr(why.text, "'old.json' is no dump"), "%s: %s", t[i].why, why.text);
	}
}

Test(old_dump, that_was_cut_short_is_nothing_to_compare_with)
{
	scoped(old_dump) o = NULL;
	struct cause why = { "" };

	cr_expect_eq(parse("{\"goroutines\":[" G("7", "") "],\"refused\":0,\"not_read\":12}", NULL,
			   &o, &why),
		     -EINVAL);
	cr_expect_not_null(strstr(why.text, "'old.json' was cut short"), "%s", why.text);
	cr_expect_not_null(strstr(why.text, "of 12 goroutines nothing is known"), "%s", why.text);
}

Test(old_dump, filters_as_the_new_one)
{
	static const char text[] =
		G("1", ",\"status\":\"waiting\",\"reason\":\"select\",\"wait_ns\":5,\"p\":3,"
		       "\"labels\":{\"k\":\"v\"},"
		       "\"created_by\":{\"func\":\"main.f\"},\"stack\":[{\"func\":\"main.g\"}]")
			G("2", ",\"status\":\"running\",\"labels\":{},\"stack\":[]")
				G("3", ",\"system\":true");
	static const struct {
		const char *name, *value;
	} t[] = {
		{ "state", "waiting" },       { "wait", "sel*" },
		{ "older", "5ns" },           { "p", "3" },
		{ "label", "k=v" },           { "goid", "1" },
		{ "created-by", "^main.f$" }, { "func", "main.g" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(old_dump) o = NULL;
		scoped(filter) p = NULL;

		cr_assert_eq(filter__new(&p), 0);
		cr_assert_eq(filter__add(p, t[i].name, t[i].value, false, NULL), 0);
		cr_assert_eq(parse(text, p, &o, NULL), 0);
		cr_expect(o->nr == 1 && o->gs[0].goid == 1, "%s", t[i].name);
	}
}

Test(old_dump, knows_whose_it_is)
{
	scoped(old_dump) o = NULL;
	scoped(old_dump) lines = NULL;

	cr_assert_eq(parse("{\"target\":{\"pid\":812,\"exe\":\"/srv/api\"},\"goroutines\":[]}",
			   NULL, &o, NULL),
		     0);
	cr_expect_eq(old_dump__is_of(o, "old.json", 812, "/srv/api", NULL), 0);
	cr_expect_eq(old_dump__is_of(o, "old.json", 813, "/srv/api", NULL), -EINVAL);
	cr_expect_eq(old_dump__is_of(o, "old.json", 812, "/srv/other", NULL), -EINVAL);
	cr_assert_eq(parse(G("1", ""), NULL, &lines, NULL), 0);
	cr_expect_eq(old_dump__is_of(lines, "old.jsonl", 813, "/srv/api", NULL), 0);
}

/* Of the made-up program: 18 and 19 were there, 20 with another start, 99 has gone. */
#define OLD                                                                                        \
	"{\"target\":{\"pid\":812,\"exe\":\"/srv/api\"},\"goroutines\":[" G(                       \
		"99",                                                                              \
		",\"created_by\":{\"func\":\"main.f\","                                            \
		"\"file\":\"x.go\",\"line\":3}") ",\n" G("18",                                     \
							 "") "," G("19",                           \
								   "") ",{\"goid\":20,\"start\":{" \
								       "\"func\":\"main.other\"}}" \
								       "]}"

static char *diff(bool json)
{
	scoped(dump) d = fake_dump(&(struct dump_opts){ 0 });
	scoped(old_dump) o = NULL;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(parse(OLD, NULL, &o, NULL), 0);
	cr_assert_eq(dump_show__diff(d, &fake_show, o, 0, json, out, NULL), 0);
	fclose(out);
	return text;
}

Test(dump_diff, tells_who_appeared_went_and_stayed)
{
	scoped_mem char *text = diff(false);

	cr_expect_str_eq(text,
			 "appeared: 5 goroutines\n"
			 "\t4 created by main.main at main.go:9: goids 20 21 22 23\n"
			 "\t1 created by no go statement that is known: goid 1\n"
			 "went: 2 goroutines\n"
			 "\t1 created by no go statement that is known: goid 20\n"
			 "\t1 created by main.f at x.go:3: goid 99\n"
			 "stayed: 2 goroutines\n"
			 "\t2 created by main.main at main.go:9: goids 18 19\n",
			 "%s", text);
}

Test(dump_diff, is_json_with_the_goroutines_of_both)
{
	static const struct {
		const char *list;
		size_t nr;
	} t[] = { { "/appeared", 5 }, { "/went", 2 }, { "/stayed", 2 } };
	scoped_mem char *text = diff(true);
	struct json_object *all = json_tokener_parse(text), *v = NULL;

	cr_assert_not_null(all, "%s", text);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cr_assert_eq(json_pointer_get(all, t[i].list, &v), 0);
		cr_expect_eq(json_object_array_length(v), t[i].nr, "%s", t[i].list);
	}
	cr_assert_eq(json_pointer_get(all, "/went/1/created_by/line", &v), 0);
	cr_expect_eq(json_object_get_int(v), 3);
	json_object_put(all);
}

/*
 * What a wrapper runs is known only while it does not: it may have been known to one of the two
 * dumps.
 */
Test(dump_diff, knows_a_goroutine_whose_wrapper_runs)
{
	static const struct {
		const char *why, *old;
		uint64_t startpc;
		bool stayed;
	} t[] = {
		{ "it was known", "main.worker", PC_GOWRAP, true },
		{ "it was not known either", "main.main.gowrap1", PC_GOWRAP, true },
		{ "no wrapper", "main.other", PC_MAIN, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct census_g g = { .who.goid = 5,
					    .who.startpc = t[i].startpc,
					    .status = GOSTATUS_RUNNING,
					    .stack = CENSUS_NO_STACK };
		const struct census c = { .gs = (struct census_g *)&g, .nr = 1 };
		const struct census *const cs[] = { &c };
		scoped(old_dump) o = NULL;
		scoped_mem char *text = NULL;
		scoped(dump) d = NULL;
		char old[96];
		size_t len;
		FILE *out = open_memstream(&text, &len);

		snprintf(old, sizeof(old), "{\"goid\":5,\"start\":{\"func\":\"%s\"}}", t[i].old);
		cr_assert_eq(parse(old, NULL, &o, NULL), 0);
		cr_assert_eq(dump__new(&(struct dump_input){ .censuses = cs,
							     .namers = &dump_namer,
							     .nr = 1 },
				       &(struct dump_opts){ 0 }, &d),
			     0);
		cr_assert_eq(dump_show__diff(d, &fake_show, o, 0, false, out, NULL), 0);
		fclose(out);
		cr_expect_eq(strstr(text, "stayed: 1 goroutine\n") != NULL, t[i].stayed, "%s: %s",
			     t[i].why, text);
	}
}

/* From Go 1.27 on closures may share their code. */
Test(dump_diff, knows_a_goroutine_by_where_it_was_made)
{
	static const struct {
		const char *why, *line;
		bool stayed;
	} t[] = {
		{ "the same", "9", true },
		{ "another go statement of the function", "8", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct census_g g = {
			.who = { .goid = 5, .gopc = PC_MAIN, .startpc = START_WORKER },
			.status = GOSTATUS_RUNNING,
			.stack = CENSUS_NO_STACK
		};
		const struct census c = { .gs = (struct census_g *)&g, .nr = 1 };
		const struct census *const cs[] = { &c };
		scoped(old_dump) o = NULL;
		scoped_mem char *text = NULL;
		scoped(dump) d = NULL;
		char old[160];
		size_t len;
		FILE *out = open_memstream(&text, &len);

		snprintf(old, sizeof(old),
			 "{\"goid\":5,\"start\":{\"func\":\"main.worker\"},\"created_by\":{"
			 "\"func\":\"main.main\",\"file\":\"main.go\",\"line\":%s}}",
			 t[i].line);
		cr_assert_eq(parse(old, NULL, &o, NULL), 0);
		cr_assert_eq(dump__new(&(struct dump_input){ .censuses = cs,
							     .namers = &dump_namer,
							     .nr = 1 },
				       &(struct dump_opts){ 0 }, &d),
			     0);
		cr_assert_eq(dump_show__diff(d, &fake_show, o, 0, false, out, NULL), 0);
		fclose(out);
		cr_expect_eq(strstr(text, "stayed: 1 goroutine\n") != NULL, t[i].stayed, "%s: %s",
			     t[i].why, text);
	}
}
