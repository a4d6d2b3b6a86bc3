/* SPDX-License-Identifier: BSD-2-Clause */
/* Storms and slow leaks as a webhook and OTLP get them; names of targets may be anything. */
#include <criterion/criterion.h>

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "model/tally.h"
#include "serve/hook.h"
#include "serve/otlp_logs.h"

#define MADE    "main.\"a\\\n\xff</script>"
#define BLOCKED "main.b main.go:20"

static struct watched *target(uint32_t *ret_row)
{
	struct watched *t = calloc(1, sizeof(*t));
	scoped(tally) tally = NULL;
	struct tally_look l;

	cr_assert(t && !history__new(&t->history));
	snprintf(t->id, sizeof(t->id), "api-812-3f2a");
	snprintf(t->row.exe, sizeof(t->row.exe), "/srv/api");
	t->row.pid = 812;
	cr_assert_eq(tally__new(&tally), 0);
	tally__begin(tally, NS_PER_SEC);
	tally__add(tally, &(struct tally_g){ .id = 1,
					     .row = tally__row(tally, MADE, BLOCKED,
							       (enum gostate)GOWAIT_CHAN_RECEIVE),
					     .state = (enum gostate)GOWAIT_CHAN_RECEIVE });
	cr_assert_eq(tally__end(tally, &l), 0);
	cr_assert_eq(history__look(t->history, NS_PER_SEC, NS_PER_SEC, &l, ret_row), 0);
	return t;
}

static void target_free(struct watched *t)
{
	history__free(t->history);
	free(t);
}

static json_object *parsed(struct textbuf *b)
{
	json_object *o;

	textbuf__bytes(b, "", 1);
	cr_assert_eq(b->err, 0);
	o = json_tokener_parse(b->v);
	cr_assert_not_null(o, "%s", b->v);
	textbuf__done(b);
	return o;
}

static json_object *hooked(const struct watched *t, const struct history_alarm *a)
{
	struct textbuf b;

	textbuf__init(&b, NULL);
	cr_assert_eq(hook__alarm(t, a, &b), 0);
	return parsed(&b);
}

static json_object *get(json_object *o, const char *name)
{
	json_object *v = json_object_object_get(o, name);

	cr_assert_not_null(v, "no %s in %s", name, json_object_to_json_string(o));
	return v;
}

static const char *text(json_object *o, const char *name)
{
	return json_object_get_string(get(o, name));
}

/* Of an array of attributes, the value as text; NULL: there is none. */
static const char *attribute(json_object *all, const char *key)
{
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		json_object *one = json_object_array_get_idx(all, i);

		if (strcmp(text(one, "key"), key))
			continue;
		json_object_object_foreach(get(one, "value"), kind, value)
		{
			(void)kind;
			return json_object_get_string(value);
		}
	}
	return NULL;
}

Test(alarms, a_webhook_gets_a_storm_with_its_figures)
{
	const struct history_alarm a = {
		.kind = HISTORY_STORM, .births = 6000, .alive = 6001, .took_ns = 10 * NS_PER_SEC
	};
	uint32_t row;
	struct watched *t = target(&row);
	json_object *o = hooked(t, &a), *figures = get(o, "figures");

	cr_expect_str_eq(text(o, "kind"), "storm");
	cr_expect_str_eq(text(get(o, "target"), "id"), "api-812-3f2a");
	cr_expect(strstr(text(o, "text"), "6000 goroutines"), "%s", text(o, "text"));
	cr_expect_eq(json_object_get_int(get(figures, "births")), 6000);
	cr_expect_eq(json_object_get_int(get(figures, "alive")), 6001);
	cr_expect_float_eq(json_object_get_double(get(figures, "seconds")), 10, 1e-9);
	json_object_put(o);
	target_free(t);
}

Test(alarms, a_webhook_gets_a_slow_leak_with_its_place)
{
	struct history_alarm a = { .kind = HISTORY_SLOW_LEAK,
				   .alive = 90,
				   .leak = { .hours = 12, .rise = 72 } };
	struct watched *t = target(&a.row);
	json_object *o = hooked(t, &a), *figures = get(o, "figures");

	cr_expect_str_eq(text(o, "kind"), "slow_leak");
	cr_expect_eq(json_object_get_int(get(figures, "more")), 72);
	cr_expect_eq(json_object_get_int(get(figures, "hours")), 12);
	cr_expect_str_eq(text(figures, "blocked_at"), BLOCKED);
	cr_expect_str_eq(text(figures, "reason"), "chan receive");
	cr_expect(strstr(text(figures, "created_by"), "main.\"a\\"), "%s",
		  text(figures, "created_by"));
	json_object_put(o);
	target_free(t);
}

Test(alarms, a_log_record_has_the_figures_as_attributes)
{
	struct history_alarm a = { .kind = HISTORY_SLOW_LEAK,
				   .alive = 90,
				   .leak = { .hours = 12, .rise = 72 } };
	struct watched *t = target(&a.row);
	struct textbuf b;
	json_object *o, *resource, *record, *all;

	textbuf__init(&b, NULL);
	cr_assert_eq(otlp_logs__alarm(t, &a, 77, &b), 0);
	o = parsed(&b);
	resource = json_object_array_get_idx(get(o, "resourceLogs"), 0);
	record = json_object_array_get_idx(get(resource, "scopeLogs"), 0);
	record = json_object_array_get_idx(get(record, "logRecords"), 0);
	all = get(record, "attributes");
	cr_expect_str_eq(attribute(get(get(resource, "resource"), "attributes"), "service.name"),
			 "api");
	cr_expect_str_eq(text(record, "timeUnixNano"), "77");
	cr_expect_str_eq(text(record, "eventName"), "parkwatch.slow_leak");
	cr_expect_str_eq(attribute(all, "parkwatch.slow_leak.more"), "72");
	cr_expect_str_eq(attribute(all, "parkwatch.goroutines.alive"), "90");
	cr_expect_str_eq(attribute(all, "parkwatch.slow_leak.blocked_at"), BLOCKED);
	json_object_put(o);
	target_free(t);
}
