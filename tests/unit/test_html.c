/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>

#include <json-c/json.h>

#include "view/flametree.h"
#include "report_fake.h"

#define STACK_A 100

static struct profile *waits(const uint64_t *pcs, size_t nr)
{
	const struct profile_opts o = { .event = PROFILE_BLOCKED };
	struct profile *p = NULL;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_A, pcs, nr);
	fake_wait(p, 7, STACK_A, FAKE_CHAN_RECEIVE, 100, 200, 0);
	return p;
}

/*
 * The report in the page, as a browser would take it: all up to the first end tag. NULL: this build
 * has no page.
 */
static struct json_object *report_of(const struct profile *p, const struct report_meta *meta)
{
	static const char begin[] = "<script id=\"report\" type=\"application/json\">";
	size_t len;
	scoped_mem char *page = NULL;
	char *at, *end;

	page = fake_render_of(&renderer_html, p, false, meta, &len);
	cr_assert_not_null(page);
	at = strstr(page, begin);
	cr_assert_not_null(at);
	at += sizeof(begin) - 1;
	end = strstr(at, "</script");
	cr_assert_not_null(end);
	*end = 0;
	cr_expect_null(strstr(at, "<!--"));
	return json_tokener_parse(at);
}

static struct json_object *report_in(const struct profile *p)
{
	return report_of(p, &fake_meta);
}

static const char *name_of(struct json_object *node)
{
	return json_object_get_string(json_object_object_get(node, "n"));
}

static struct json_object *first_child(struct json_object *node)
{
	return json_object_array_get_idx(json_object_object_get(node, "c"), 0);
}

Test(html, holds_the_tree_and_what_is_said_of_it)
{
	scoped(profile) p = waits(fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	struct json_object *r = report_in(p), *node;

	cr_assert_not_null(r);
	cr_expect_eq(json_object_get_int(json_object_object_get(r, "pid")), 812);
	cr_expect_str_eq(json_object_get_string(json_object_object_get(r, "unit")), "nanoseconds");
	node = json_object_object_get(r, "tree");
	cr_expect_str_eq(name_of(node), "all");
	cr_expect_eq(json_object_get_int64(json_object_object_get(node, "v")), 100);
	cr_expect_str_eq(name_of(first_child(node)), "main.loop");
	for (int depth = 0; depth < 6; depth++)
		node = first_child(node);
	cr_expect_str_eq(name_of(node), "[chan receive]");
	json_object_put(r);
}

Test(html, tells_the_time_that_is_missing)
{
	const struct report_meta meta = fake_meta_with_gap();
	scoped(profile) p = waits(fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	struct json_object *whole = report_in(p), *gap = report_of(p, &meta);

	cr_assert_not_null(whole);
	cr_expect_str_eq(json_object_get_string(json_object_object_get(whole, "gap")), "");
	cr_expect_str_eq(json_object_get_string(json_object_object_get(gap, "gap")), FAKE_GAP);
	json_object_put(whole);
	json_object_put(gap);
}

Test(renderers, tell_how_many_events_are_missing_in_a_gap_at_most)
{
	static const struct {
		int64_t missing;
		const char *want;
	} t[] = {
		{ -1, FAKE_GAP },
		{ 0, FAKE_GAP },
		{ 12, FAKE_GAP "; up to 12 births are missing" },
	};
	const struct snap s = { .event = PROFILE_BIRTHS };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct report_meta m = fake_meta_with_gap();
		char buf[REPORT_GAP_MAX];

		m.gap_missing = t[i].missing;
		cr_expect_str_eq(report_gap(&(struct report){ .snap = &s, .meta = &m }, buf),
				 t[i].want);
	}
}

Test(html, hostile_names_stay_inside_their_string)
{
	const uint64_t pcs[] = { PC_EVIL };
	scoped(profile) p = waits(pcs, 1);
	struct json_object *r = report_in(p);

	cr_assert_not_null(r);
	cr_expect_str_eq(name_of(first_child(json_object_object_get(r, "tree"))),
			 "a;b?c\"</script><!--\\?? 7");
	json_object_put(r);
}

Test(html, a_tree_too_large_loses_its_narrowest_frames_only)
{
	const struct profile_opts o = { .event = PROFILE_BLOCKED, .root = PROFILE_ROOT_GOID };
	scoped(profile) p = NULL;
	scoped(snap) s = NULL;
	scoped(rowframer) f = NULL;
	scoped(flametree) t = NULL;
	const struct flamenode *n;
	size_t shown = 0;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_A, fake_wait_stack, 3);
	for (uint64_t goid = 1; goid <= 100; goid++)
		fake_wait(p, goid, STACK_A, FAKE_CHAN_RECEIVE, 0, goid * 10, 0);
	cr_assert_eq(snap__take(p, &s), 0);
	cr_assert_eq(rowframer__new(&fake_namer, 1, false, &f), 0);
	cr_assert_eq(flametree__new(&(struct report){ .snap = s,
						      .meta = &fake_meta,
						      .namers = &fake_namer,
						      .nr_namers = 1 },
				    f, &t),
		     0);
	flametree__cut(t, 40);
	for (n = flametree__root(t)->child; n; n = n->next) {
		cr_expect_gt(n->value, 900, "the ten widest of four frames each");
		shown++;
	}
	cr_expect_eq(shown, 10);
	cr_expect_eq(flametree__left_out(t), 4 * 90);
	cr_expect_eq(flametree__root(t)->value, 10 * 5050, "what is left out still counts");
}

/* Two looks, of which one met a wait: half of the time, and nobody knows it well. */
Test(html, an_estimate_has_its_interval)
{
	const struct profile_opts o = { .event = PROFILE_BLOCKED };
	const struct profile_sample one = { .stack_id = STACK_A, .who.goid = 7, .value = 100 };
	scoped(profile) exact = waits(fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	scoped(profile) p = NULL;
	struct json_object *r, *node;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	for (int look = 0; look < 4; look++) {
		profile__window(p);
		if (look % 2)
			cr_assert_eq(profile__sample(p, &one), 0);
		profile__weigh(p, 1, 1, 100);
	}
	r = report_in(p);
	cr_expect(json_object_get_boolean(json_object_object_get(r, "estimated")));
	cr_expect_eq(json_object_get_int(json_object_object_get(r, "windows")), 4);
	node = json_object_object_get(r, "tree");
	cr_expect_eq(json_object_get_int64(json_object_object_get(node, "v")), 200);
	cr_expect_gt(json_object_get_int64(json_object_object_get(node, "e")), 50);
	cr_expect_gt(json_object_get_int64(json_object_object_get(first_child(node), "e")), 50);
	json_object_put(r);
	r = report_in(exact);
	cr_expect_not(json_object_get_boolean(json_object_object_get(r, "estimated")));
	cr_expect_null(json_object_object_get(json_object_object_get(r, "tree"), "e"));
	json_object_put(r);
}
