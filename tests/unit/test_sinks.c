/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue alone: nothing is sent without sinks__tick(). */
#include "serve/sinks.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static struct sinks *sinks_of(const char *text)
{
	scoped(config) c = NULL;
	struct sinks *s = NULL;

	cr_assert_eq(config__parse("f", text, strlen(text), &c, NULL), 0);
	cr_assert_eq(sinks__new(&s), 0);
	sinks__configure(s, c, NULL, false);
	return s;
}

static void put(struct sinks *s, size_t len)
{
	sinks__put(s, POST_METRICS, calloc(1, len), len);
}

Test(sinks, those_that_are_not_configured_get_nothing)
{
	struct sinks *s = sinks_of("sinks: {webhook: {url: http://a}}");

	cr_expect(sinks__wants(s, POST_HOOK) && !sinks__wants(s, POST_METRICS));
	put(s, 10);
	cr_expect_eq(sinks__counts(s, SINK_OTLP).waiting, 0);
	cr_expect_eq(sinks__counts(s, SINK_OTLP).lost, 0);
	sinks__free(s);
}

Test(sinks, a_queue_is_bounded_and_what_it_refuses_is_counted)
{
	struct sinks *s = sinks_of("sinks: {otlp: {url: http://a}}");

	for (size_t i = 0; i < SINK_QUEUE_MAX + 44; i++)
		put(s, 10);
	cr_expect_eq(sinks__counts(s, SINK_OTLP).waiting, SINK_QUEUE_MAX);
	cr_expect_eq(sinks__counts(s, SINK_OTLP).lost, 44);
	put(s, SINK_BYTES_MAX);
	cr_expect_eq(sinks__counts(s, SINK_OTLP).waiting, 1, "the newest stays");
	cr_expect_eq(sinks__counts(s, SINK_OTLP).lost, 44 + SINK_QUEUE_MAX);
	put(s, SINK_BYTES_MAX + 1);
	cr_expect_eq(sinks__counts(s, SINK_OTLP).waiting, 0);
	cr_expect_eq(sinks__counts(s, SINK_OTLP).lost, 44 + SINK_QUEUE_MAX + 2);
	sinks__free(s);
}

Test(sinks, the_command_line_says_where_otlp_goes_and_that_it_gets_spans)
{
	struct sinks *s = sinks_of("sinks: {otlp: {url: http://a}}");
	scoped(config) c = NULL;

	cr_expect(sinks__wants(s, POST_METRICS) && !sinks__wants(s, POST_SPANS));
	cr_assert_eq(config__parse("f", "", 0, &c, NULL), 0);
	sinks__configure(s, c, NULL, true);
	cr_expect_not(sinks__wants(s, POST_SPANS), "there is no such sink");
	sinks__configure(s, c, "http://b", false);
	cr_expect(sinks__wants(s, POST_METRICS) && !sinks__wants(s, POST_SPANS));
	sinks__configure(s, c, "http://b", true);
	cr_expect(sinks__wants(s, POST_SPANS) && !sinks__wants(s, POST_HOOK));
	sinks__free(s);
}

Test(sinks, what_waits_for_one_that_is_gone_is_dropped)
{
	struct sinks *s = sinks_of("sinks: {otlp: {url: http://a}}");
	scoped(config) c = NULL;

	put(s, 10);
	cr_assert_eq(config__parse("f", "", 0, &c, NULL), 0);
	sinks__configure(s, c, NULL, false);
	cr_expect_eq(sinks__counts(s, SINK_OTLP).waiting, 0);
	cr_expect_not(sinks__wants(s, POST_METRICS));
	sinks__free(s);
}
