/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * secrets: the files that `parkwatch serve` keeps to itself: the token, the certificate and its key.
 *
 * At the start they are read with the rights of who started it. Later the supervisor has none: at SIGHUP the launcher
 * opens them (serve/wire, REQUEST_SECRET) and passes the descriptor. Only files that were named at the start are ever
 * opened. What is wrong then changes nothing: the old one stays, and that is counted. Supervisor only.
 */
#ifndef PARKWATCH_SERVE_SECRETS_H
#define PARKWATCH_SERVE_SECRETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cause.h"

#define SECRET_BYTES_MAX (64u << 10)

enum secret {
	SECRET_TOKEN,
	SECRET_CERT,
	SECRET_KEY,
	SECRET_MAX
}; /* a key is asked for after its certificate */

struct http;
struct http_ops;
struct secret_text;

struct secrets {
	char *paths[SECRET_MAX]; /* owned; NULL: there is none */
	bool due[SECRET_MAX];    /* the launcher is to open it */
	struct secret_text
		*cert;     /* owned: as it was read again, until its key comes; NULL: it does not */
	uint64_t failures; /* of reading one again */
};

/* A path that is NULL or "": none. 0 or -ENOMEM. */
int secrets__name(struct secrets *s, enum secret which, const char *path, struct cause *why);
void secrets__done(struct secrets *s);
/* As http__new(), with what is in the files. 0, or negative errno with a cause. */
int secrets__open_http(const struct secrets *s, const char *listen, const struct http_ops *ops,
		       struct http **ret, struct cause *why);

/* Of a client: the token in its file, by the same rules. 0, or negative errno with a cause. */
struct token;
int secrets_read_token(const char *path, struct token **ret, struct cause *why);

void secrets__again(struct secrets *s); /* at SIGHUP */
/* fd: the file, taken over; negative: cannot says why there is none. */
void secrets__take(struct secrets *s, uint32_t which, int fd, const struct cause *cannot,
		   struct http *http);

#endif
