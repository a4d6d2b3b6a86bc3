// SPDX-License-Identifier: BSD-2-Clause
#include "serve/otlp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/json_writer.h"
#include "serve/otlp_resource.h"

/* 64-bit integers are strings in protobuf's JSON. */
static void put_u64(struct json_writer *w, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	jsonw_string_field(w, name, text);
}

static void put_any(struct json_writer *w, const struct otlp_attribute *a)
{
	jsonw_start_object(w);
	jsonw_string_field(w, "key", a->key);
	jsonw_name(w, "value");
	jsonw_start_object(w);
	if (a->text)
		jsonw_string_field(w, "stringValue", a->text);
	else
		put_u64(w, "intValue", (uint64_t)a->number);
	jsonw_end_object(w);
	jsonw_end_object(w);
}

static void put_resource(struct json_writer *w, const struct watched *t)
{
	struct otlp_resource r;

	otlp_resource_of(t, &r);
	jsonw_name(w, "resource");
	jsonw_start_object(w);
	jsonw_array_field(w, "attributes");
	for (size_t i = 0; i < r.nr; i++)
		put_any(w, &r.v[i]);
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void begin_point(struct json_writer *w, const char *key, const char *value, uint64_t now_ns)
{
	jsonw_start_object(w);
	jsonw_array_field(w, "attributes");
	put_any(w, &(struct otlp_attribute){ .key = key, .text = value });
	jsonw_end_array(w);
	put_u64(w, "timeUnixNano", now_ns);
}

static void put_count(struct json_writer *w, const char *key, const char *value, uint64_t n,
		      uint64_t now_ns)
{
	begin_point(w, key, value, now_ns);
	put_u64(w, "asInt", n);
	jsonw_end_object(w);
}

static void begin_metric(struct json_writer *w, const char *name, const char *unit,
			 const char *what, const char *kind)
{
	jsonw_start_object(w);
	jsonw_string_field(w, "name", name);
	jsonw_string_field(w, "unit", unit);
	jsonw_string_field(w, "description", what);
	jsonw_name(w, kind);
	jsonw_start_object(w);
	jsonw_array_field(w, "dataPoints");
}

/* An UpDownCounter of the conventions: a sum that may fall; 2 is cumulative. */
static void put_states(struct json_writer *w, const struct watched *t, uint64_t now_ns)
{
	begin_metric(w, "go.goroutine.count", "{goroutine}",
		     "Count of live goroutines, without the runtime's own.", "sum");
	put_count(w, "state", "waiting", watched_counts__waiting(&t->counts), now_ns);
	for (int s = GOSTATE_STATUS; s < GOSTATE_MAX; s++)
		if (t->counts.by_state[s] || s == GOSTATE_RUNNING || s == GOSTATE_RUNNABLE)
			put_count(w, "state", gostate_word((enum gostate)s), t->counts.by_state[s],
				  now_ns);
	jsonw_end_array(w);
	jsonw_uint_field(w, "aggregationTemporality", 2);
	jsonw_bool_field(w, "isMonotonic", false);
	jsonw_end_object(w);
	jsonw_end_object(w);
}

static void put_waits(struct json_writer *w, const struct watched *t, uint64_t now_ns)
{
	begin_metric(w, "parkwatch.goroutines.waiting", "{goroutine}",
		     "Goroutines that wait, by reason.", "gauge");
	for (int s = 0; s < GOSTATE_STATUS; s++)
		if (t->counts.by_state[s])
			put_count(w, "reason", gostate_word((enum gostate)s), t->counts.by_state[s],
				  now_ns);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end_object(w);

	begin_metric(w, "parkwatch.oldest_wait", "s",
		     "The longest wait, by reason; at least so long.", "gauge");
	for (int s = 0; s < GOSTATE_STATUS; s++) {
		if (!t->counts.oldest_ns[s])
			continue;
		begin_point(w, "reason", gostate_word((enum gostate)s), now_ns);
		jsonw_float_field(w, "asDouble", (double)t->counts.oldest_ns[s] / NS_PER_SEC, 3);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end_object(w);
}

static void put_target(struct json_writer *w, const struct watched *t, uint64_t now_ns)
{
	jsonw_start_object(w);
	put_resource(w, t);
	jsonw_array_field(w, "scopeMetrics");
	jsonw_start_object(w);
	jsonw_name(w, "scope");
	jsonw_start_object(w);
	jsonw_string_field(w, "name", "parkwatch");
	jsonw_string_field(w, "version", PARKWATCH_VERSION);
	jsonw_end_object(w);
	jsonw_array_field(w, "metrics");
	put_states(w, t, now_ns);
	put_waits(w, t, now_ns);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end_array(w);
	jsonw_end_object(w);
}

bool otlp__metrics(struct watched *const *targets, size_t nr, uint64_t now_ns, struct textbuf *to)
{
	scoped_mem struct json_writer *w = malloc(sizeof(*w));
	bool some = false;

	if (!w) {
		to->err = -ENOMEM;
		return false;
	}
	jsonw_init(w, to);
	jsonw_start_object(w);
	jsonw_array_field(w, "resourceMetrics");
	for (size_t i = 0; i < nr; i++) {
		if (!targets[i]->look)
			continue;
		put_target(w, targets[i], now_ns);
		some = true;
	}
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end(w);
	return some && !to->err;
}
