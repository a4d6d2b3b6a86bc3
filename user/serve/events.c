// SPDX-License-Identifier: BSD-2-Clause
#include "serve/events.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "serve/http.h"

static const char *const words[EVENT_KINDS] = {
	[EVENT_TARGET_FOUND] = "target_found",     [EVENT_TARGET_ENDED] = "target_ended",
	[EVENT_NOT_WATCHED] = "not_watched",       [EVENT_RESTART] = "restart",
	[EVENT_WORKER_RESTART] = "worker_restart", [EVENT_STORM] = "storm",
	[EVENT_SLOW_LEAK] = "slow_leak",           [EVENT_LEAK] = "leak",
};

void events__done(struct events *e)
{
	free(e->v);
	*e = (struct events){ .nr = 0 };
}

void events__tell(struct events *e, enum event_kind kind, const char *target, const char *fmt, ...)
{
	struct event *to;
	va_list args;

	if (!e->v)
		e->v = calloc(EVENTS_MAX, sizeof(*e->v));
	e->dropped += !e->v || e->nr == EVENTS_MAX;
	if (!e->v)
		return;
	to = &e->v[e->next];
	e->next = (e->next + 1) % EVENTS_MAX;
	e->nr += e->nr < EVENTS_MAX;
	e->told++;
	*to = (struct event){ .unix_ns = clock_ns(CLOCK_REALTIME), .kind = kind };
	snprintf(to->target, sizeof(to->target), "%s", target);
	va_start(args, fmt);
	vsnprintf(to->text, sizeof(to->text), fmt, args);
	va_end(args);
}

const struct event *events__at(const struct events *e, size_t i)
{
	return &e->v[(e->next + EVENTS_MAX - e->nr + i) % EVENTS_MAX];
}

const char *events__last(const struct events *e)
{
	return e->nr ? events__at(e, e->nr - 1)->text : "";
}

void event__json(struct json_writer *w, const struct event *e)
{
	jsonw_start_object(w);
	jsonw_seconds_field(w, "time", e->unix_ns);
	jsonw_string_field(w, "target", e->target);
	jsonw_string_field(w, "kind", words[e->kind]);
	jsonw_string_field(w, "text", e->text);
	jsonw_end_object(w);
}

void events_get(const struct events *e, struct http_answer *a)
{
	struct json_writer *w = malloc(sizeof(*w));

	a->type = "application/json";
	if (!w) {
		a->body.err = -ENOMEM;
		return;
	}
	jsonw_init(w, &a->body);
	jsonw_start_object(w);
	jsonw_array_field(w, "events");
	for (size_t i = 0; i < e->nr; i++) {
		jsonw_newline(w);
		event__json(w, events__at(e, i));
	}
	jsonw_end_array(w);
	jsonw_uint_field(w, "dropped", e->dropped);
	jsonw_end_object(w);
	jsonw_end(w);
	free(w);
}
