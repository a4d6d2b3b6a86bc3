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

#define HTTP_QUERY_MAX 32 /* values in a query; more is refused */

/* All borrowed for the call. Hostile input: its length is bounded by the server's buffer, 32 KiB. */
struct http_request {
	const char *path;
	const char *accept; /* the header; "": none */
	const char *host;   /* the same */
	struct http_value {
		const char *name, *value; /* unescaped; value "": none */
	} query[HTTP_QUERY_MAX];
	size_t nr_query;
};

struct http_answer {
	unsigned int status;  /* 200, 404, ... */
	const char *type;     /* media type */
	const char *encoding; /* Content-Encoding; NULL: none */
	struct textbuf body;
};

struct http_ops {
	/* Fills a; its body is freed by the caller. */
	void (*get)(void *ctx, const struct http_request *q, struct http_answer *a);
	void *ctx;
};

/* A line of plain text, with a status. */
void http_say(struct http_answer *a, unsigned int status, const char *text);
/* The value of the first with this name; NULL: there is none. */
const char *http_query(const struct http_request *q, const char *name);

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
