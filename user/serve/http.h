/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http: the supervisor's HTTP server: libmicrohttpd, in the supervisor's own loop.
 *
 * Read only: GET and HEAD, but for the form that takes the token (serve/login). serve/guard says whom it answers.
 * Connections are bounded in number and time.
 *
 * An answer may come later, and in pieces: see http_later. Until then its connection sleeps, and the
 * others are answered.
 */
#ifndef PARKWATCH_SERVE_HTTP_H
#define PARKWATCH_SERVE_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/textbuf.h"

#define HTTP_CONNECTIONS_MAX 3000
#define HTTP_TIMEOUT_S       10    /* that a connection may do nothing */
#define HTTP_PIECE_BYTES     65536 /* of a stream */

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

/* A body that comes in pieces. */
struct http_stream {
	/* At most room bytes. 0: none now, until http_later__wake(); HTTP_END; HTTP_BROKEN. NULL: there is no stream */
	ssize_t (*read)(void *ctx, char *to, size_t room);
	void (*end)(void *ctx); /* nobody reads any more: it ended, or the client went away */
	void *ctx;
};
#define HTTP_END    (-1)
#define HTTP_BROKEN (-2) /* the client sees that the body is not whole */

struct http_answer {
	unsigned int status;  /* 200, 404, ... */
	const char *type;     /* media type */
	const char *encoding; /* Content-Encoding; NULL: none */
	bool lasts;           /* a browser may keep it: what is at this address never changes */
	bool go_pprof;        /* of /debug/pprof: `go tool pprof` tells an error's text */
	unsigned int retry_s; /* of a 503: Retry-After; 0: none */
	char interval
		[48]; /* of an estimate, its sum: "1200 +- 40" (X-Parkwatch-Interval); "": none */
	struct textbuf body;
	FILE *out; /* borrowed; where a body goes piece by piece (serve/answer); NULL: into body */
	bool begun, broken;        /* of out: the status is gone; what is gone is not whole */
	struct textbuf location;   /* of a redirection, NUL at its end; empty: none */
	char cookie[128];          /* Set-Cookie; "": none */
	struct http_stream stream; /* instead of the body */
	struct http_later *later;  /* of this request; borrowed */
};

struct http_refused { /* requests that were not answered */
	uint64_t host, site, token;
};

struct http_ops {
	/* Fills a; its body is freed by the caller. Or it calls http_later__wait(), and answers later. */
	void (*get)(void *ctx, const struct http_request *q, struct http_answer *a);
	void *ctx;
};

/* A line of plain text, with a status. */
void http_say(struct http_answer *a, unsigned int status, const char *text);
/* The value of the first with this name; NULL: there is none. */
const char *http_query(const struct http_request *q, const char *name);
/* It as a number, 0 where there is none. False: it is none, or over most. */
bool http_number(const struct http_request *q, const char *name, uint32_t most, uint32_t *ret);

/*
 * In ops->get: the answer comes later. Exactly one call of tell() or again() must follow, in the same thread; until
 * then the connection is there, even if its client is gone.
 */
void http_later__wait(struct http_later *l);
/* The answer; takes its body. Its stream may be woken until its end() is called; without one l is gone. */
void http_later__tell(struct http_later *l, struct http_answer *a);
void http_later__again(struct http_later *l); /* ops->get is asked again; l is gone */
void http_later__wake(struct http_later *l); /* its stream has more; no harm if it does not sleep */

struct http_tls { /* PEM, borrowed for the call */
	const char *cert, *key;
};

struct http;
struct token;
/*
 * listen: "127.0.0.1:7070", "[::1]:7070", ":7070" (any address). ops: borrowed. token: NULL: nobody needs one; else
 * taken over, at success. tls: NULL: plain HTTP. -EINVAL: listen makes no sense; -EPERM: others could ask, and there is no token;
 * -EADDRINUSE, ...; each with a cause.
 */
int http__new(const char *listen, struct token *token, const struct http_tls *tls,
	      const struct http_ops *ops, struct http **ret, struct cause *why);
/* What still waits gets no answer; streams end. */
void http__free(struct http *h);
void http__set_token(struct http *h, struct token *token); /* taken over, in the old one's place */
/*
 * Another certificate, for connections from now on; those that are there have HTTP_TIMEOUT_S to end. If it is wrong
 * (-EINVAL with a cause), the one of before stays.
 */
int http__set_tls(struct http *h, const struct http_tls *tls, struct cause *why);
bool http__is_tls(const struct http *h);
struct http_refused http__refused(const struct http *h);

int http__fd(const struct http *h);         /* readable: call http__run() */
int http__timeout_ms(const struct http *h); /* after that, too; -1: never */
void http__run(struct http *h);

#endif
