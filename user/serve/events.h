/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events: what happened to targets and their workers: the newest EVENTS_MAX, for GET /api/v1/events.
 *
 * An older one makes room for a newer one, and is counted. Plain memory of the supervisor; texts come
 * from targets, and are cut at EVENT_TEXT_MAX. Not thread-safe.
 */
#ifndef PARKWATCH_SERVE_EVENTS_H
#define PARKWATCH_SERVE_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "serve/watched.h"

#define EVENTS_MAX     1000
#define EVENT_TEXT_MAX 640 /* two sites of a history, and words */

enum event_kind {
	EVENT_TARGET_FOUND,
	EVENT_TARGET_ENDED,
	EVENT_NOT_WATCHED,
	EVENT_RESTART,
	EVENT_WORKER_RESTART,
	EVENT_STORM,
	EVENT_SLOW_LEAK,
	EVENT_LEAK,
	EVENT_KINDS
};

struct event {
	uint64_t unix_ns;
	enum event_kind kind;
	char target[WATCHED_ID_MAX];
	char text[EVENT_TEXT_MAX];
};

struct events {          /* zeroed: there are none */
	struct event *v; /* owned: a ring */
	size_t nr, next;
	uint64_t told;    /* in all */
	uint64_t dropped; /* for newer ones, or for want of memory */
};
void events__done(struct events *e);

/* It happened now. */
void events__tell(struct events *e, enum event_kind kind, const char *target, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
const char *events__last(const struct events *e); /* its text; "": there is none */

const struct event *events__at(const struct events *e, size_t i); /* 0: the oldest */

struct json_writer;
void event__json(struct json_writer *w, const struct event *e);
struct http_answer;
void events_get(const struct events *e, struct http_answer *a); /* the oldest first */

#endif
