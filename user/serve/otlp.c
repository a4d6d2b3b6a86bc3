// SPDX-License-Identifier: BSD-2-Clause
#include "serve/otlp.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "serve/otlp_json.h"

static void begin_point(struct json_writer *w, const char *key, const char *value, uint64_t now_ns)
{
	jsonw_start_object(w);
	jsonw_array_field(w, "attributes");
	otlp_json__text(w, key, value);
	jsonw_end_array(w);
	otlp_json__u64(w, "timeUnixNano", now_ns);
}

static void put_count(struct json_writer *w, const char *key, const char *value, uint64_t n,
		      uint64_t now_ns)
{
	begin_point(w, key, value, now_ns);
	otlp_json__u64(w, "asInt", n);
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
	otlp_json__begin(w, t, "scopeMetrics", "metrics");
	put_states(w, t, now_ns);
	put_waits(w, t, now_ns);
	otlp_json__end(w);
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
