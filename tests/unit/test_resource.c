/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "target/resource_read.h"

static void expect(const struct resource *r, const char *key, const char *value)
{
	const char *got = resource__get(r, key);

	cr_expect_str_eq(got ? got : "(none)", value ? value : "(none)", "%s", key);
}

Test(resource, is_what_the_environment_says)
{
	static const char env[] = "PATH=/bin\0OTEL_SERVICE_NAME=quotes\0"
				  "OTEL_RESOURCE_ATTRIBUTES=service.name=other, team = a%2Cb ,"
				  "bad,=none,percent=100%,version=2\0"
				  "OTEL_SERVICE_NAME=second\0NOT_OTEL_SERVICE_NAME=x";
	struct resource r = { .nr = 0 };

	cr_assert_eq(resource_read_environ(env, sizeof(env), &r), 0);
	expect(&r, "service.name", "quotes");
	expect(&r, "team", "a,b");
	expect(&r, "percent", "100%");
	expect(&r, "version", "2");
	expect(&r, "bad", NULL);
	cr_expect_eq(r.nr, 4);
	resource__done(&r);
}

Test(resource, of_an_environment_that_is_cut_is_what_is_there)
{
	static const char env[] = { 'O', 'T', 'E', 'L', '_', 'S', 'E', 'R', 'V', 'I',
				    'C', 'E', '_', 'N', 'A', 'M', 'E', '=', 'a', 'b' };
	struct resource r = { .nr = 0 };

	cr_assert_eq(resource_read_environ(env, sizeof(env), &r), 0);
	expect(&r, "service.name", "ab");
	cr_assert_eq(resource_read_environ(env, 0, &r), 0);
	resource__done(&r);
}

Test(resource, has_a_bound)
{
	char env[64 * 1024] = "OTEL_RESOURCE_ATTRIBUTES=";
	struct resource r = { .nr = 0 };
	char value[2 * RESOURCE_VALUE_MAX];

	for (unsigned int i = 0; i < 2 * RESOURCE_MAX; i++)
		snprintf(env + strlen(env), 32, "key%u=%u,", i, i);
	cr_assert_eq(resource_read_environ(env, strlen(env), &r), 0);
	cr_expect_eq(r.nr, RESOURCE_MAX);
	expect(&r, "key0", "0");
	memset(value, 'x', sizeof(value));
	cr_assert_eq(resource__set(&r, "key0", 4, value, sizeof(value)), 0);
	cr_expect_eq(strlen(resource__get(&r, "key0")), RESOURCE_VALUE_MAX);
	resource__done(&r);
}

/* A Resource: attributes "service.name" = "api", "n" = 7, "on" = true, and one that is an array. */
static const uint8_t payload[] = "\x0a\x15\x0a\x0cservice.name\x12\x05\x0a\x03"
				 "api"
				 "\x0a\x07\x0a\x01n\x12\x02\x18\x07"
				 "\x0a\x08\x0a\x02on\x12\x02\x10\x01"
				 "\x0a\x08\x0a\x02is\x12\x02\x2a\x00"
				 "\x10\x03";

static void expect_payload(const struct resource *r)
{
	expect(r, "service.name", "api");
	expect(r, "n", "7");
	expect(r, "on", "true");
	expect(r, "is", NULL);
}

Test(resource, is_what_a_process_context_publishes)
{
	const size_t len = sizeof(payload) - 1;
	uint8_t outer[sizeof(payload) + 2] = { 0x0a, (uint8_t)len };
	struct resource r = { .nr = 0 };

	cr_assert_eq(resource_read_payload(payload, len, &r), 0);
	expect_payload(&r);
	resource__done(&r);
	memcpy(outer + 2, payload, len);
	cr_assert_eq(resource_read_payload(outer, 2 + len, &r), 0);
	expect_payload(&r);
	resource__done(&r);
}

Test(resource, of_a_context_that_makes_no_sense_is_what_does)
{
	const size_t len = sizeof(payload) - 1;
	uint8_t bad[sizeof(payload)];

	for (size_t cut = 0; cut < len; cut++) {
		struct resource r = { .nr = 0 };

		cr_expect_eq(resource_read_payload(payload, cut, &r), 0);
		resource__done(&r);
	}
	for (size_t at = 0; at < len; at++)
		for (unsigned int byte = 0; byte < 256; byte++) {
			struct resource r = { .nr = 0 };

			memcpy(bad, payload, sizeof(bad));
			bad[at] = (uint8_t)byte;
			cr_expect_eq(resource_read_payload(bad, len, &r), 0);
			resource__done(&r);
		}
}

Test(resource, goes_in_one_piece_and_comes_as_it_was)
{
	static const char *const want[][2] = { { "service.name", "shop" }, { "bad?", "a?b" } };
	struct resource_text text, again;
	struct resource r = { .nr = 0 };
	char value[RESOURCE_VALUE_MAX];
	const char *k, *v;
	size_t at = 0, nr = 0;

	cr_assert_eq(resource__set(&r, "service.name", 12, "shop", 4), 0);
	cr_assert_eq(resource__set(&r, "bad\n", 4, "old", 3), 0);
	cr_assert_eq(resource__set(&r, "bad\n", 4,
				   "a\xff"
				   "b",
				   3),
		     0);
	resource__pack(&r, &text);
	cr_assert(resource_text__take(&again, text.v, text.len));
	for (; resource_text__next(&again, &at, &k, &v); nr++) {
		cr_assert_lt(nr, 2);
		cr_expect_str_eq(k, want[nr][0]);
		cr_expect_str_eq(v, want[nr][1], "it is clean");
	}
	cr_expect_eq(nr, 2);
	memset(value, 'x', sizeof(value));
	cr_assert_eq(resource__set(&r, "one", 3, value, sizeof(value)), 0);
	cr_assert_eq(resource__set(&r, "two", 3, value, sizeof(value)), 0);
	cr_assert_eq(resource__set(&r, "last", 4, "1", 1), 0);
	resource__pack(&r, &text);
	for (at = nr = 0; resource_text__next(&text, &at, &k, &v); nr++)
		cr_expect_str_neq(k, "two", "there is no room for it");
	cr_expect_eq(nr, 4);
	cr_expect_str_eq(k, "last");
	resource__done(&r);
}

Test(resource, bytes_from_elsewhere_are_none_if_they_do_not_fit)
{
	static const char many[RESOURCE_TEXT_MAX + 1];
	struct resource_text t;
	const char *k, *v;
	size_t at = 0;

	cr_expect_not(resource_text__take(&t, "a\0b", 3), "it has no end");
	cr_expect_not(resource_text__take(&t, many, sizeof(many)));
	cr_assert(resource_text__take(&t, "a", 2));
	cr_expect_not(resource_text__next(&t, &at, &k, &v), "a key without a value");
	cr_assert(resource_text__take(&t, "", 0));
	cr_expect_not(resource_text__next(&t, &at, &k, &v));
}
