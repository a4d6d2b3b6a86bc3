/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http: the supervisor's HTTP server: libmicrohttpd, in the supervisor's own loop.
 *
 * Read only: GET and HEAD. The Host header must name this machine, so that no web page of elsewhere can
 * ask in a browser's name. Connections are bounded in number and time.
 */
#ifndef PARKWATCH_SERVE_HTTP_H
#define PARKWATCH_SERVE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/textbuf.h"

#define HTTP_CONNECTIONS_MAX 3000
#define HTTP_TIMEOUT_S       10 /* that a connection may do nothing */

struct http_answer {
	unsigned int status; /* 200, 404, ... */
	const char *type;    /* media type */
	struct textbuf body;
};

struct http_ops {
	/* accept: the header, "" for none. Fills a; its body is freed by the caller. */
	void (*get)(void *ctx, const char *path, const char *accept, struct http_answer *a);
	void *ctx;
};

struct http;
/*
 * listen: "127.0.0.1:7070", "[::1]:7070", ":7070" (any address). ops: borrowed. -EINVAL: listen makes no
 * sense; -EADDRINUSE, ...; each with a cause.
 */
int http__new(const char *listen, const struct http_ops *ops, struct http **ret, struct cause *why);
void http__free(struct http *h);

int http__fd(const struct http *h);         /* readable: call http__run() */
int http__timeout_ms(const struct http *h); /* after that, too; -1: never */
void http__run(struct http *h);

#endif
