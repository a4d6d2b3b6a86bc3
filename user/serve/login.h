/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * login: how a person with a browser gives the token: a form at the page that was asked for. It is sent by POST, so
 * that the token is in no URL, no history and no log; the answer is a cookie, and the way back to the page. No
 * script, no style: the page of serve is not given out before.
 */
#ifndef PARKWATCH_SERVE_LOGIN_H
#define PARKWATCH_SERVE_LOGIN_H

#include "serve/http.h"
#include "serve/token.h"

#define LOGIN_BODY_MAX 2048 /* bytes of a form: a token, each byte as %XX */
#define LOGIN_BACK_MAX 4096 /* bytes of a URL to go back to */

struct login_body { /* of one request */
	char text[LOGIN_BODY_MAX + 1];
	size_t nr; /* LOGIN_BODY_MAX + 1: too long, it is dropped */
};

void login_body__add(struct login_body *b, const char *text, size_t len);

/* Why there is no answer: 401, a form where HTML is understood, else a line. */
void login_ask(const struct http_request *q, struct http_answer *a);
/* The form was sent: a cookie and 303, or the form again. False: the token was wrong. */
bool login_take(const struct token *t, const struct http_request *q, struct login_body *b,
		bool is_tls, struct http_answer *a);

#endif
