// SPDX-License-Identifier: BSD-2-Clause
#include "serve/login.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#define FIELD "token="

static const char form[] =
	"<!doctype html>\n"
	"<html lang=\"en\"><meta charset=\"utf-8\"><title>parkwatch</title>\n"
	"<h1>parkwatch</h1>\n"
	"<form method=\"post\">\n"
	"<p><label>Token: <input type=\"password\" name=\"token\" required autofocus></label>\n"
	"<button>Show</button></p>\n"
	"<p>It is in the file that 'parkwatch serve --token-file' names.</p>\n"
	"</form>\n";

void login_body__add(struct login_body *b, const char *text, size_t len)
{
	if (b->nr > LOGIN_BODY_MAX || len > LOGIN_BODY_MAX - b->nr) {
		b->nr = LOGIN_BODY_MAX + 1;
		return;
	}
	memcpy(b->text + b->nr, text, len);
	b->nr += len;
}

void login_ask(const struct http_request *q, struct http_answer *a)
{
	http_say(a, 401, "");
	if (strstr(q->accept, "text/html")) {
		a->type = "text/html; charset=utf-8";
		textbuf__text(&a->body, form);
	} else {
		textbuf__text(&a->body,
			      "no token, or a wrong one: send 'Authorization: Bearer TOKEN'\n");
	}
}

/* --- the form --- */

/* Each byte but letters and digits as %XX: nothing in it ends a header, or names another machine. */
static void put_escaped(struct textbuf *to, const char *text)
{
	for (; *text; text++)
		if ((*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
		    (*text >= 'a' && *text <= 'z'))
			textbuf__bytes(to, text, 1);
		else
			textbuf__format(to, "%%%02X", (unsigned char)*text);
}

/* The same page with the same query, or without one if that is long. */
static void put_back(const struct http_request *q, struct textbuf *to)
{
	textbuf__text(to, "/");
	for (size_t i = 0; i < q->nr_query; i++) {
		textbuf__text(to, i ? "&" : "?");
		put_escaped(to, q->query[i].name);
		textbuf__text(to, "=");
		put_escaped(to, q->query[i].value);
	}
	if (to->nr > LOGIN_BACK_MAX)
		to->nr = 1;
	textbuf__bytes(to, "", 1);
}

/* "token=..." as forms are sent. NULL: it is none. */
static char *read_form(struct login_body *b, size_t *ret_len)
{
	char *token = b->text + strlen(FIELD);

	if (b->nr > LOGIN_BODY_MAX)
		return NULL;
	b->text[b->nr] = '\0';
	if (strncmp(b->text, FIELD, strlen(FIELD)) != 0)
		return NULL;
	token[strcspn(token, "&")] = '\0';
	for (char *c = token; *c; c++)
		if (*c == '+')
			*c = ' ';
	*ret_len = MHD_http_unescape(token);
	return token;
}

bool login_take(const struct token *t, const struct http_request *q, struct login_body *b,
		bool is_tls, struct http_answer *a)
{
	size_t len = 0;
	const char *token = read_form(b, &len);
	const bool right = token && token__is(t, token, len);

	explicit_bzero(b->text, sizeof(b->text));
	if (!right) {
		login_ask(q, a);
		return false;
	}
	http_say(a, 303, "see /\n");
	put_back(q, &a->location);
	snprintf(a->cookie, sizeof(a->cookie), "%s=%s; Path=/; HttpOnly; SameSite=Strict%s",
		 TOKEN_COOKIE, t->session, is_tls ? "; Secure" : "");
	return true;
}
