/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token: the secret word that a client of the HTTP server must know.
 *
 * A program sends it in each request (Authorization: Bearer). A browser sends it once, from the form of
 * serve/login, and then has a cookie. The cookie holds a random session and not the token: it ends with the
 * daemon, and when the token is read again. All comparisons take the same time, wherever texts differ.
 */
#ifndef PARKWATCH_SERVE_TOKEN_H
#define PARKWATCH_SERVE_TOKEN_H

#include <stdbool.h>

#include "base/cause.h"
#include "base/cleanup.h"

#define TOKEN_BYTES_MIN 16 /* fewer can be guessed */
#define TOKEN_BYTES_MAX 512
#define TOKEN_COOKIE    "parkwatch" /* its name */
#define TOKEN_SESSION   32          /* hexadecimal digits */

struct token {
	char text[TOKEN_BYTES_MAX + 1];
	size_t len;
	char session[TOKEN_SESSION + 1];
};

/*
 * text: what is in the file; one new line at its end is no part of it. path: for the cause. -EBADMSG: it is no
 * token: its length, or a byte that is no printable ASCII or a blank; -ENOMEM.
 */
int token__new(const char *path, const char *text, size_t len, struct token **ret,
	       struct cause *why);
void token__free(struct token *t); /* wiped; NULL is fine */
DEFINE_SCOPED(token)

bool token__is(const struct token *t, const char *given, size_t len);
bool token__in_header(const struct token *t, const char *authorization); /* "Bearer TOKEN" */
bool token__has_session(const struct token *t, const char *session);

#endif
