/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <json-c/json.h>

#include "fake_process.h"
#include "engine/refs_build.h"
#include "report_fake.h"

#define CHAN(i)  fp_object(FP_CHANS, i)
#define SMALL(i) fp_object(FP_SMALL, i)

static struct fake_process fp;

/* The made-up process, looked at once. */
struct scene {
	struct census *c;
	struct namer namer;
	struct dump *d;
	uint32_t goals[FP_GS];
	struct refs_source source;
	struct reach *r;
	struct refs *refs;
	uint64_t object;
	struct cause why;
};

/* *s is not moved afterwards. Returns what refs__new() does. */
static int look(struct scene *s, bool (*was)(const void *, uint16_t, uint64_t, uint64_t))
{
	struct reach_in in = { .as = &fp.as,
			       .rt = &fp.rt,
			       .goals = s->goals,
			       .objects = &s->object,
			       .nr_objects = !!s->object };
	struct refs_in rin = {
		.sources = &s->source, .as = &fp.as, .object = s->object, .was_unreached = was
	};
	static const struct census *cs[1];

	cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &s->c), 0);
	cs[0] = s->c;
	namer__init(&s->namer, fp.rt.sym, NULL, fp.rt.minor);
	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = cs, .namers = &s->namer, .nr = 1 },
			       &(struct dump_opts){ .system = true }, &s->d),
		     0);
	for (uint32_t i = 0; i < s->c->nr && !s->object; i++)
		s->goals[in.nr_goals++] = i;
	in.census = s->c;
	cr_assert_eq(reach__run(&in, &s->r, NULL), 0);
	s->source = (struct refs_source){
		.rt = &fp.rt, .r = s->r, .goals = s->goals, .nr_goals = in.nr_goals
	};
	rin.d = s->d;
	return refs__new(&rin, &s->refs, &s->why);
}

static void scene__done(struct scene *s)
{
	refs__free(s->refs);
	reach__free(s->r);
	dump__free(s->d);
	census__free(s->c);
	fake_process__done(&fp);
}

static char *shown(const struct scene *s, bool json)
{
	const struct refs_show show = { .meta = &fake_meta,
					.looks = 2,
					.heap_bytes = 5000000,
					.ns = 1200000,
					.doubt = "",
					.top = 1 };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq((json ? refs_show__json : refs_show__text)(s->refs, &show, out, NULL), 0);
	fclose(out);
	return text;
}

Test(refs, tell_the_way_from_a_variable)
{
	struct scene s = { .c = NULL };
	scoped_mem char *text = NULL;
	uint32_t g;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(1));
	fp_word(&fp, FP_VARIABLES + 16, SMALL(3));
	fp_word(&fp, SMALL(3) + 8, CHAN(1));
	cr_assert_eq(look(&s, NULL), 0);
	cr_assert_eq(s.refs->nr, 1);
	cr_expect_eq(s.refs->groups[0].of[REF_HELD], 1);
	cr_assert_eq(s.refs->nr_paths, 1);
	cr_expect_eq(s.refs->paths[0].goid, 10 + g);
	text = shown(&s, false);
	cr_expect_not_null(strstr(text, "5.0 MB of heap searched through in 2 looks"), "%s", text);
	cr_expect_not_null(strstr(text, "  held by\n"
					"    a variable at 0x600010 (data)\n"
					"    -> object 0xc000002060, 32 bytes: +0x8\n"
					"    -> chan 0xc000000070, 112 bytes\n"),
			   "%s", text);
	scene__done(&s);
}

Test(refs, tell_equal_ways_once)
{
	struct scene s = { .c = NULL };
	scoped_mem char *text = NULL;
	uint32_t sleeper;

	fake_process__init(&fp, 22);
	for (uint32_t i = 0; i < 3; i++)
		fp_blocked(&fp, CHAN(i));
	sleeper = fp_sleeping(&fp);
	fp_word(&fp, fp_local(sleeper, 0), CHAN(0));
	fp_word(&fp, fp_local(sleeper, 1), CHAN(1));
	fp_word(&fp, FP_VARIABLES, CHAN(2));
	cr_assert_eq(look(&s, NULL), 0);
	cr_assert_eq(s.refs->nr, 2, "those that wait, and the sleeper");
	cr_expect_eq(s.refs->groups[0].nr, 3);
	cr_expect_eq(s.refs->groups[0].nr_paths, 2);
	cr_expect_eq(s.refs->paths[0].nr, 2, "the commonest first");
	cr_expect_eq(s.refs->steps[s.refs->paths[0].steps_at].kind, REACH_STACK);
	cr_expect_eq(s.refs->groups[1].of[REF_NO_OBJECT], 1);
	text = shown(&s, false);
	cr_expect_not_null(strstr(text, "  held by (2 of 3, such as goroutine 10)\n    goroutine "
					"13 [sleep] in main.f "),
			   "%s", text);
	cr_expect_not_null(strstr(text, "  1 more paths are left out; --top shows more\n"), "%s",
			   text);
	cr_expect_not_null(strstr(text, "  goes on     by itself; or it is the main goroutine, or "
					"the runtime's own\n"),
			   "%s", text);
	scene__done(&s);
}

static bool was_never(const void *ctx, uint16_t rt, uint64_t goid, uint64_t waits_for)
{
	(void)ctx;
	(void)rt;
	(void)goid;
	(void)waits_for;
	return false;
}

static size_t told;

static void count_unreached(void *ctx, uint16_t rt, uint64_t goid, uint64_t waits_for)
{
	const struct scene *s = ctx;

	cr_expect_eq(rt, 0);
	cr_expect_eq(waits_for, s->object ? s->object : CHAN(goid - 10));
	told++;
}

Test(refs, say_unreached_only_of_what_is_so_in_each_look)
{
	for (int before = 0; before < 2; before++) {
		struct scene s = { .c = NULL };
		scoped_mem char *text = NULL;
		uint32_t first;

		fake_process__init(&fp, 22);
		first = fp_blocked(&fp, CHAN(0));
		fp_blocked(&fp, CHAN(1));
		fp_word(&fp, fp_local(first, 0), CHAN(1));
		cr_assert_eq(look(&s, before ? was_never : NULL), 0);
		told = 0;
		refs__each_unreached(s.refs, count_unreached, &s);
		cr_expect_eq(told, 2, "the look after this one asks for it");
		cr_expect_eq(s.refs->of[before ? REF_ONCE : REF_UNREACHED], 2);
		text = shown(&s, false);
		cr_expect_not_null(
			strstr(text, before ? "  too new     2 of 2: nothing refers to what it "
					      "waits for, but one look is no proof"
					    : "  unreached   2 of 2: nothing that can still run"),
			"%s", text);
		scene__done(&s);
	}
}

Test(refs, tell_of_an_address)
{
	struct scene s = { .object = SMALL(9) + 5 };
	scoped_mem char *text = NULL, *json = NULL;
	struct json_object *all;
	uint32_t g;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	fp_word(&fp, fp_local(g, 0), SMALL(9));
	cr_assert_eq(look(&s, NULL), 0);
	text = shown(&s, false);
	cr_expect_not_null(
		strstr(text,
		       "object 0xc000002120, 32 bytes\n"
		       "  unreached   nothing that can still run refers to it\n"
		       "              only goroutines that nothing can wake refer to it: 10\n"),
		"%s", text);
	json = shown(&s, true);
	all = json_tokener_parse(json);
	cr_expect_not_null(all, "%s", json);
	json_object_put(all);
	scene__done(&s);
	fake_process__init(&fp, 22);
	fp_blocked(&fp, CHAN(0));
	s = (struct scene){ .object = FP_VARIABLES };
	cr_expect_eq(look(&s, NULL), -ENOENT);
	cr_expect_not_null(strstr(s.why.text, "0x600000 is not in the Go heap"), "%s", s.why.text);
	scene__done(&s);
}

Test(refs, are_json_with_null_for_what_is_not_known)
{
	static const struct {
		const char *path, *want;
	} t[] = {
		{ "/looks", "2" },
		{ "/search/doubt", "null" },
		{ "/groups/0/count", "1" },
		{ "/groups/0/goid", "10" },
		{ "/groups/0/reason", "\"chan receive\"" },
		{ "/groups/0/object/type", "\"chan\"" },
		{ "/groups/0/verdicts/held", "1" },
		{ "/groups/0/kept_by", "null" },
		{ "/groups/0/paths/0/steps/0/kind", "\"global\"" },
		{ "/groups/0/paths/0/steps/0/name", "null" },
		{ "/groups/0/paths/0/steps/0/addr", "\"0x600010\"" },
		{ "/groups/0/paths/0/steps/0/section", "\"data\"" },
		{ "/groups/0/paths/0/steps/1/kind", "\"object\"" },
		{ "/groups/0/paths/0/steps/1/awaited", "\"chan\"" },
		{ "/groups/0/paths_left_out", "0" },
	};
	struct scene s = { .c = NULL };
	scoped_mem char *text = NULL;
	struct json_object *all;

	fake_process__init(&fp, 22);
	fp_blocked(&fp, CHAN(1));
	fp_word(&fp, FP_VARIABLES + 16, CHAN(1));
	cr_assert_eq(look(&s, NULL), 0);
	text = shown(&s, true);
	all = json_tokener_parse(text);
	cr_assert_not_null(all, "%s", text);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct json_object *v = NULL;

		cr_expect_eq(json_pointer_get(all, t[i].path, &v), 0, "%s is not there: %s",
			     t[i].path, text);
		cr_expect_str_eq(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN),
				 t[i].want, "%s", t[i].path);
	}
	json_object_put(all);
	scene__done(&s);
}
