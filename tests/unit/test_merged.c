/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <json-c/json.h>

#include "view/merged.h"
#include "report_fake.h"

#define STACK_A 100

static struct profile *two_stacks(void)
{
	const struct profile_opts o = { .event = PROFILE_BLOCKED };
	struct profile *p = NULL;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	fake_stack(p, 200, fake_wait_stack, 3);
	fake_stack(p, 300, fake_wait_stack + 1, 2); /* the same frames without gopark */
	fake_wait(p, 7, STACK_A, FAKE_CHAN_RECEIVE, 100, 200, 0);
	fake_wait(p, 8, 200, FAKE_CHAN_RECEIVE, 100, 110, 0);
	fake_wait(p, 8, 300, FAKE_CHAN_RECEIVE, 100, 103, 0);
	return p;
}

Test(merged, rows_that_look_the_same_are_one_the_largest_first)
{
	scoped(profile) p = two_stacks();
	scoped_mem char *text = NULL;
	struct json_object *json, *stacks, *row, *v;
	size_t len;

	text = fake_render(&renderer_json, p, false, &len);
	cr_assert_not_null(text);
	json = json_tokener_parse(text);
	cr_assert_not_null(json, "%s", text);
	cr_assert(json_object_object_get_ex(json, "stacks", &stacks));
	cr_assert_eq(json_object_array_length(stacks), 2, "%s", text);
	row = json_object_array_get_idx(stacks, 0);
	cr_assert(json_object_object_get_ex(row, "value", &v));
	cr_expect_eq(json_object_get_int(v), 100);
	row = json_object_array_get_idx(stacks, 1);
	cr_assert(json_object_object_get_ex(row, "value", &v));
	cr_expect_eq(json_object_get_int(v), 13);
	cr_assert(json_object_object_get_ex(row, "count", &v));
	cr_expect_eq(json_object_get_int(v), 2);
	cr_assert(json_object_object_get_ex(json, "estimated", &v));
	cr_expect(!json_object_get_boolean(v));
	json_object_put(json);
}

Test(merged, text_says_what_is_an_estimate)
{
	const struct profile_opts o = { .event = PROFILE_BLOCKED };
	scoped_mem char *exact = NULL, *estimate = NULL;
	scoped(profile) p = two_stacks();
	scoped(profile) looks = NULL;
	size_t len;

	exact = fake_render(&renderer_text, p, false, &len);
	cr_expect(exact && !strchr(exact, '~') && strstr(exact, " in 2 waits  [chan receive]\n"),
		  "%s", exact);
	cr_assert_eq(profile__new(&o, &looks), 0);
	for (uint32_t i = 0; i < 3; i++) {
		profile__window(looks);
		profile__sample(looks, &(struct profile_sample){
					       .stack_id = profile__stack(looks, fake_wait_stack, 3,
									  false),
					       .who.goid = 7,
					       .value = 1000000000 + i,
					       .reason = FAKE_CHAN_RECEIVE,
					       .counts = !i });
		profile__weigh(looks, 1, 1, 1000000000);
	}
	estimate = fake_render(&renderer_text, looks, false, &len);
	cr_expect(estimate && strstr(estimate, "estimated from 3 windows\n~3 s +- "), "%s",
		  estimate);
	cr_expect(estimate && strstr(estimate, "100.0 %  ~3 s +- "), "%s", estimate);
	cr_expect(estimate && strstr(estimate, " in at least 1 waits  [chan receive]\n"), "%s",
		  estimate);
}

Test(merged, allocations_say_what_was_allocated_and_how_that_is_known)
{
	static const uint64_t pcs[] = { PC_MALLOC, PC_WORKER, PC_MAIN };
	const struct profile_opts o = { .event = PROFILE_ALLOC };
	struct profile_alloc a = {
		.stack_id = STACK_A, .object_bytes = 48, .objects = 3, .bytes = 144
	};
	scoped_mem char *text = NULL, *json = NULL;
	scoped(profile) p = NULL;
	size_t len;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_A, pcs, ARRAY_SIZE(pcs));
	a.type = profile__label(p, "main.node");
	profile__alloc(p, 0, &a);
	a = (struct profile_alloc){ .stack_id = STACK_A,
				    .object_bytes = 64,
				    .objects = 90000,
				    .bytes = 5760000,
				    .measure = ALLOC_ESTIMATED };
	profile__alloc(p, 0, &a);
	text = fake_render(&renderer_text, p, false, &len);
	cr_expect(text && strstr(text, "alloc for 10.0 s\n5.8 MB in all; "), "%s", text);
	cr_expect(text && strstr(text, "100.0 %  ~5.8 MB  in ~90000 objects  [64 B, estimated]\n   "
				       " main.worker "),
		  "%s", text);
	cr_expect(
		text && strstr(text,
			       "  0.0 %  144 B  in 3 objects  [main.node 48 B]\n    main.worker "),
		"%s", text);
	json = fake_render(&renderer_json, p, false, &len);
	cr_expect(json && strstr(json, "\"event\":\"alloc\",\"unit\":\"bytes\""), "%s", json);
	cr_expect(json && strstr(json, "\"estimated\":true"), "%s", json);
	cr_expect(json && strstr(json, "{\"value\":144,\"error\":0,\"count\":3,\"reason\":null,"
				       "\"object\":{\"type\":\"main.node\",\"bytes\":48,"
				       "\"measure\":\"exact\"},"),
		  "%s", json);
	cr_expect(
		json && strstr(json,
			       "\"object\":{\"type\":null,\"bytes\":64,\"measure\":\"estimated\"}"),
		"%s", json);
	a = (struct profile_alloc){ .stack_id = STACK_A,
				    .object_bytes = 64,
				    .objects = 1,
				    .bytes = 64,
				    .measure = ALLOC_SAMPLED };
	profile__alloc(p, 0, &a);
	free(text);
	text = fake_render(&renderer_text, p, false, &len);
	cr_expect(text && strstr(text, "\n~5.8 MB in all; "), "a sum of samples: %s", text);
}
