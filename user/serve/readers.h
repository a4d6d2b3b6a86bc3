/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * readers: answers that are made elsewhere (serve/reader) on their way to who asked. Nothing here waits: a client that
 * reads slowly slows its own reader, and one that goes away ends it, once the answer has begun.
 *
 * At most READERS_MAX at a time; who asks for more is told to come again. Recordings that somebody has waited for, and what is
 * to be posted, wait for their turn.
 */
#ifndef PARKWATCH_SERVE_READERS_H
#define PARKWATCH_SERVE_READERS_H

#include "serve/reader.h"
#include "serve/reading.h"
#include "serve/sinks.h"

#define READERS_WAITING_MAX 64
#define READERS_RETRY_S     2

struct readers_counts {
	uint64_t begun, failed, refused; /* failed: no whole answer came of them */
	size_t running;
};

struct readers;
/* Before there are secrets and clients: what reads has none of them then. 0, or negative errno with a cause. */
int readers__new(struct readers **ret, struct cause *why);
void readers__free(struct readers *r); /* after its clients */
/* later: of the request, which waits from here on. If it cannot be read now, a is the answer. */
void readers__ask(struct readers *r, const struct reading *what, struct http_answer *a);
/* The same of one that waits already; it is told in any case. */
void readers__tell(struct readers *r, const struct reading *what, struct http_later *later);

/*
 * What comes of it is put into those sinks; nothing, if nothing whole comes. often: it is made again soon, so it does not wait while others are
 * read. -EAGAIN: it is not begun.
 */
int readers__post(struct readers *r, const struct reading *what, struct sinks *sinks,
		  enum post post, bool often);

int readers__fd(const struct readers *r); /* readable: call readers__run() */
/* -ECHILD: what starts readers has ended. */
int readers__run(struct readers *r);
struct readers_counts readers__counts(const struct readers *r);

#endif
