// SPDX-License-Identifier: BSD-2-Clause
#include "serve/sinks.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/sender.h"

static const struct {
	enum sink_kind sink;
	const char *name, *path, *type;
} posts[POSTS] = {
	[POST_PYROSCOPE] = { SINK_PYROSCOPE, "profiles", "/push.v1.PusherService/Push",
			     "application/json" },
	[POST_METRICS] = { SINK_OTLP, "metrics", "/v1/metrics", "application/json" },
	[POST_LOGS] = { SINK_OTLP, "logs", "/v1/logs", "application/json" },
	[POST_SPANS] = { SINK_OTLP, "spans", "/v1/traces", "application/json" },
	[POST_PROFILES] = { SINK_OTLP, "profiles", "/v1development/profiles",
			    "application/x-protobuf" },
	[POST_HOOK] = { SINK_WEBHOOK, "events", "", "application/json" },
};

struct item {
	enum post what;
	char *body; /* owned */
	size_t len;
};

struct sink {
	enum sink_kind kind;
	char *url;                         /* owned; NULL: there is no such sink */
	bool spans;                        /* it is to have these, too */
	struct item queue[SINK_QUEUE_MAX]; /* a ring, from first on */
	size_t first, bytes;
	struct sink_counts counts; /* waiting: of the queue, with the one that is under way */
	pid_t sender;              /* 0: none */
	int fd;                    /* to it */
	bool under_way;     /* the first of the queue; so it goes last where there is no room */
	uint64_t since_ns;  /* it is */
	uint64_t next_ns;   /* before that nothing is tried */
	unsigned int tries; /* of the first, in vain */
	bool told;          /* of trouble; nothing has arrived since */
	uint64_t paused_until_ns[POSTS]; /* 0: it is not */
};

struct sinks {
	int epoll; /* of the senders */
	struct sink v[SINK_MAX];
};

/* --- the queue --- */

static struct item *sink__at(struct sink *s, size_t i)
{
	return &s->queue[(s->first + i) % SINK_QUEUE_MAX];
}

static void sink__drop_first(struct sink *s)
{
	struct item *first = sink__at(s, 0);

	s->bytes -= first->len;
	free(first->body);
	s->first = (s->first + 1) % SINK_QUEUE_MAX;
	s->counts.waiting--;
	s->tries = 0;
}

/* The oldest that is not under way. */
static void sink__lose_oldest(struct sink *s)
{
	struct item first = *sink__at(s, 0);

	s->counts.lost++;
	if (!s->under_way) {
		sink__drop_first(s);
		return;
	}
	s->bytes -= sink__at(s, 1)->len;
	free(sink__at(s, 1)->body);
	*sink__at(s, 1) = first;
	s->first = (s->first + 1) % SINK_QUEUE_MAX;
	s->counts.waiting--;
}

static void sink__put(struct sink *s, enum post what, char *body, size_t len)
{
	const size_t kept = s->under_way;

	while (s->counts.waiting > kept &&
	       (s->counts.waiting == SINK_QUEUE_MAX || s->bytes + len > SINK_BYTES_MAX))
		sink__lose_oldest(s);
	if (s->bytes + len > SINK_BYTES_MAX) {
		s->counts.lost++;
		free(body);
		return;
	}
	*sink__at(s, s->counts.waiting++) = (struct item){ what, body, len };
	s->bytes += len;
}

/* --- the sender --- */

static void sink__end_sender(struct sink *s)
{
	if (!s->sender)
		return;
	close(s->fd);
	(void)kill(s->sender, SIGKILL);
	while (waitpid(s->sender, NULL, 0) < 0 && errno == EINTR)
		;
	s->sender = 0;
	s->under_way = false;
}

/* Not this time: later, or never. */
static void sink__failed(struct sink *s, uint64_t now_ns, uint32_t after_s, const char *why)
{
	uint64_t wait = SINK_RETRY_NS << (s->tries < 6 ? s->tries : 6);

	wait = wait < SINK_RETRY_NS_MAX ? wait : SINK_RETRY_NS_MAX;
	if (after_s * NS_PER_SEC > wait)
		wait = after_s < 600 ? after_s * NS_PER_SEC : 600 * NS_PER_SEC;
	s->under_way = false;
	s->next_ns = now_ns + wait;
	s->counts.failed++;
	if (!s->told)
		log_warn("nothing arrives at the sink %s: %s; it is tried again",
			 sink_name(s->kind), why);
	s->told = true;
	if (++s->tries < SINK_TRIES_MAX)
		return;
	log_warn("the sink %s lost what was tried %d times: %s", sink_name(s->kind), SINK_TRIES_MAX,
		 why);
	s->counts.lost++;
	sink__drop_first(s);
}

/* It will not arrive. */
static void sink__refused(struct sink *s, uint64_t now_ns, int status)
{
	const enum post what = sink__at(s, 0)->what;
	const bool unknown = status == 404 || status == 405 || status == 415 || status == 501;

	if (unknown && !s->paused_until_ns[what])
		log_warn("the server of the sink %s does not take %s: status %d; tried again in "
			 "%d min",
			 sink_name(s->kind), posts[what].name, status,
			 (int)(SINK_PAUSE_NS / NS_PER_SEC / 60));
	else if (!unknown && !s->told)
		log_warn("the server of the sink %s refuses what is sent: status %d%s",
			 sink_name(s->kind), status,
			 status / 100 == 3 ? ", which is to go elsewhere: write that URL" : "");
	if (unknown)
		s->paused_until_ns[what] = now_ns + SINK_PAUSE_NS;
	else
		s->told = true;
	s->under_way = false;
	s->counts.failed++;
	s->counts.lost++;
	sink__drop_first(s);
}

static void sink__answered(struct sink *s, const struct sender_result *r, uint64_t now_ns)
{
	char why[sizeof(r->text) + 1];

	if (r->status >= 200 && r->status < 300) {
		s->under_way = s->told = false;
		s->counts.sent++;
		s->next_ns = 0;
		sink__drop_first(s);
	} else if (!r->status || r->status == 408 || r->status == 429 ||
		   (r->status >= 500 && r->status != 501)) {
		snprintf(why, sizeof(why), "%.*s", (int)sizeof(r->text) - 1, r->text);
		if (r->status)
			snprintf(why, sizeof(why), "its server says %d", (int)r->status);
		sink__failed(s, now_ns, r->retry_after_s, why);
	} else {
		sink__refused(s, now_ns, (int)r->status);
	}
}

static void sink__hear(struct sink *s, uint64_t now_ns)
{
	struct sender_result r;
	const ssize_t n = recv(s->fd, &r, sizeof(r), MSG_DONTWAIT);

	if (n == (ssize_t)sizeof(r) && s->under_way) {
		sink__answered(s, &r, now_ns);
	} else if (n >= 0 || errno != EAGAIN ||
		   (s->under_way && now_ns - s->since_ns > SINK_ANSWER_NS)) {
		const bool under_way = s->under_way;

		sink__end_sender(s);
		if (under_way)
			sink__failed(s, now_ns, 0, "its sender died or hung");
	}
}

static void sink__send(struct sinks *all, struct sink *s, uint64_t now_ns)
{
	const struct item *first = sink__at(s, 0);
	struct epoll_event e = { .events = EPOLLIN };

	if (!s->sender) {
		if (sender__start(s->url, &s->sender, &s->fd)) {
			s->sender = 0;
			s->next_ns = now_ns + SINK_RETRY_NS_MAX;
			return;
		}
		(void)epoll_ctl(all->epoll, EPOLL_CTL_ADD, s->fd, &e);
	}
	s->since_ns = now_ns;
	s->under_way = !sender__post(s->fd, posts[first->what].path, posts[first->what].type,
				     first->body, first->len);
	if (!s->under_way)
		s->next_ns = now_ns + SINK_RETRY_NS;
}

/* --- all of them --- */

int sinks__new(struct sinks **ret)
{
	struct sinks *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0) {
		free(s);
		return -errno;
	}
	for (int k = 0; k < SINK_MAX; k++)
		s->v[k].kind = (enum sink_kind)k;
	*ret = s;
	return 0;
}

static void sink__set_url(struct sink *s, const char *url)
{
	if (s->url && url && !strcmp(s->url, url))
		return;
	sink__end_sender(s);
	free(s->url);
	s->url = url ? strdup(url) : NULL;
	s->next_ns = 0;
	s->tries = 0;
	s->told = false;
	memset(s->paused_until_ns, 0, sizeof(s->paused_until_ns));
	while (!s->url && s->counts.waiting)
		sink__drop_first(s);
}

void sinks__free(struct sinks *s)
{
	if (!s)
		return;
	for (int k = 0; k < SINK_MAX; k++)
		sink__set_url(&s->v[k], NULL);
	close(s->epoll);
	free(s);
}

void sinks__configure(struct sinks *s, const struct config *c, const char *otlp, bool spans)
{
	for (int k = 0; k < SINK_MAX; k++)
		sink__set_url(&s->v[k], k == SINK_OTLP && otlp ? otlp : c->sinks[k].url);
	s->v[SINK_OTLP].spans = spans || c->sinks[SINK_OTLP].spans;
}

bool sinks__has(const struct sinks *s, enum sink_kind kind)
{
	return s->v[kind].url;
}

bool sinks__wants(const struct sinks *s, enum post what)
{
	const struct sink *one = &s->v[posts[what].sink];

	return one->url && !one->paused_until_ns[what] && (what != POST_SPANS || one->spans);
}

void sinks__put(struct sinks *s, enum post what, char *body, size_t len)
{
	if (sinks__wants(s, what))
		sink__put(&s->v[posts[what].sink], what, body, len);
	else
		free(body);
}

struct sink_counts sinks__counts(const struct sinks *s, enum sink_kind kind)
{
	return s->v[kind].counts;
}

int sinks__fd(const struct sinks *s)
{
	return s->epoll;
}

void sinks__tick(struct sinks *s, uint64_t now_ns)
{
	for (int k = 0; k < SINK_MAX; k++) {
		struct sink *one = &s->v[k];

		for (int p = 0; p < POSTS; p++)
			if (now_ns >= one->paused_until_ns[p])
				one->paused_until_ns[p] = 0;
		if (one->sender)
			sink__hear(one, now_ns);
		if (one->counts.waiting && !one->under_way && now_ns >= one->next_ns)
			sink__send(s, one, now_ns);
	}
}
