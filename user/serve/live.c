// SPDX-License-Identifier: BSD-2-Clause
#include "serve/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "serve/api.h"

struct live_client {
	struct live *of;
	struct http_later *later;
	struct textbuf queue;
	size_t at; /* of the queue: what comes next */
	bool cut;
};

/* --- a client --- */

static ssize_t on_read(void *ctx, char *to, size_t room)
{
	struct live_client *c = ctx;
	const size_t left = c->queue.nr - c->at, n = left < room ? left : room;

	if (c->cut)
		return HTTP_BROKEN;
	if (n)
		memcpy(to, c->queue.v + c->at, n);
	c->at += n;
	if (c->at == c->queue.nr)
		c->at = c->queue.nr = 0;
	return (ssize_t)n;
}

static void on_end(void *ctx)
{
	struct live_client *c = ctx;
	struct live *l = c->of;
	size_t i = 0;

	while (l->v[i] != c)
		i++;
	l->v[i] = l->v[--l->nr];
	textbuf__done(&c->queue);
	free(c);
}

static void live_client__put(struct live_client *c, const char *bytes, size_t len)
{
	if (c->cut)
		return;
	if (c->queue.nr - c->at + len > LIVE_QUEUE_BYTES) {
		c->cut = true;
		c->of->cut++;
	} else {
		memmove(c->queue.v, c->queue.v + c->at, c->queue.nr - c->at);
		c->queue.nr -= c->at;
		c->at = 0;
		textbuf__bytes(&c->queue, bytes, len);
		c->cut = c->queue.err;
	}
	http_later__wake(c->later);
}

void live_get(struct live *l, const struct events *e, struct http_answer *a)
{
	struct live_client *c = l->nr < LIVE_CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		l->refused++;
		api_error(a, 503, "too many take the stream: try again later");
		a->retry_s = LIVE_BEAT_NS / NS_PER_SEC;
		return;
	}
	if (!l->nr)
		l->seen = e->told; /* nobody was there to be told of those before */
	c->of = l;
	c->later = a->later;
	textbuf__init(&c->queue, NULL);
	textbuf__text(&c->queue, ": parkwatch\n\n");
	l->v[l->nr++] = c;
	a->type = "text/event-stream";
	a->stream = (struct http_stream){ .read = on_read, .end = on_end, .ctx = c };
}

/* --- what is told --- */

static void live__put(const struct live *l, const char *bytes, size_t len)
{
	for (size_t i = 0; i < l->nr; i++)
		live_client__put(l->v[i], bytes, len);
}

/* json: of one value, which may have several lines. */
static void live__tell(const struct live *l, const char *name, const struct textbuf *json)
{
	const char *at = json->v, *end = at + json->nr;
	struct textbuf b;

	textbuf__init(&b, NULL);
	textbuf__format(&b, "event: %s\n", name);
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at)), *stop = nl ? nl : end;

		textbuf__text(&b, "data: ");
		textbuf__bytes(&b, at, (size_t)(stop - at));
		textbuf__text(&b, "\n");
		at = nl ? nl + 1 : end;
	}
	textbuf__text(&b, "\n");
	if (!b.err && !json->err)
		live__put(l, b.v, b.nr);
	textbuf__done(&b);
}

static void live__tell_event(const struct live *l, const struct event *e)
{
	scoped_mem struct json_writer *w = malloc(sizeof(*w));
	struct textbuf json;

	textbuf__init(&json, NULL);
	if (w) {
		jsonw_init(w, &json);
		event__json(w, e);
		jsonw_end(w);
		live__tell(l, "event", &json);
	}
	textbuf__done(&json);
}

void live__target(struct live *l, const struct watched *t)
{
	scoped_mem struct json_writer *w = l->nr ? malloc(sizeof(*w)) : NULL;
	struct textbuf json;

	textbuf__init(&json, NULL);
	if (w) {
		jsonw_init(w, &json);
		api_target(w, t);
		jsonw_end(w);
		live__tell(l, "target", &json);
	}
	textbuf__done(&json);
}

void live__tick(struct live *l, const struct events *e, uint64_t now_ns)
{
	static const char beat[] = ": beat\n\n";
	const uint64_t kept_from = e->told - e->nr;

	if (!l->nr)
		return;
	for (l->seen = l->seen < kept_from ? kept_from : l->seen; l->seen < e->told; l->seen++)
		live__tell_event(l, events__at(e, (size_t)(l->seen - kept_from)));
	if (now_ns < l->beat_ns)
		return;
	l->beat_ns = now_ns + LIVE_BEAT_NS;
	live__put(l, beat, sizeof(beat) - 1);
}
