/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sinks: where results are sent: a queue and a sender (serve/sender) for each sink of the
 * configuration.
 *
 * Whoever has something to send puts it there and goes on. One thing of a sink is under way at a time;
 * if it does not arrive, it is tried again, later each time. A queue is bounded: its oldest goes, and is
 * counted as lost, as is what the server refuses and what was tried too often. What a server does not
 * know (404 and the like) is not wanted for SINK_PAUSE_NS. Trouble is one line of the log until
 * something arrives again. Supervisor only; nothing here waits.
 */
#ifndef PARKWATCH_SERVE_SINKS_H
#define PARKWATCH_SERVE_SINKS_H

#include <stdbool.h>

#include "base/clock.h"
#include "serve/config.h"

#define SINK_QUEUE_MAX    256
#define SINK_BYTES_MAX    (16u << 20) /* of all that waits for one sink */
#define SINK_RETRY_NS     NS_PER_SEC  /* before the second try; then twice as long each time */
#define SINK_RETRY_NS_MAX (60 * NS_PER_SEC)
#define SINK_TRIES_MAX    12                /* 8 minutes in all */
#define SINK_ANSWER_NS    (30 * NS_PER_SEC) /* without a word for so long, the sender is killed */
#define SINK_PAUSE_NS     (600 * NS_PER_SEC)

/* What is sent; each has its sink, and there its path and its media type. */
enum post { POST_PYROSCOPE, POST_METRICS, POST_LOGS, POST_SPANS, POST_PROFILES, POST_HOOK, POSTS };

struct sink_counts {
	uint64_t sent, failed, lost; /* failed: tries */
	size_t waiting;
};

struct sinks;
int sinks__new(struct sinks **ret); /* 0, or negative errno */
void sinks__free(struct sinks *s);
/*
 * Those of the configuration. What waits for one that is there no more is dropped. otlp: the URL of that one whatever it says,
 * unless NULL; spans: that one gets them whatever it says.
 */
void sinks__configure(struct sinks *s, const struct config *c, const char *otlp, bool spans);

bool sinks__has(const struct sinks *s, enum sink_kind kind); /* there is such a sink */
bool sinks__wants(const struct sinks *s, enum post what);    /* there is, and it takes that */
/* body: malloc()ed, owned by the sink from here on. Where nobody wants it, it is freed. */
void sinks__put(struct sinks *s, enum post what, char *body, size_t len);
struct sink_counts sinks__counts(const struct sinks *s, enum sink_kind kind);

int sinks__fd(const struct sinks *s); /* readable: call sinks__tick(); so once a second */
void sinks__tick(struct sinks *s, uint64_t now_ns);

#endif
