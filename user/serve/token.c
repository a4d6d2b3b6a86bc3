// SPDX-License-Identifier: BSD-2-Clause
#include "serve/token.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

static int make_session(char session[TOKEN_SESSION + 1])
{
	unsigned char random[TOKEN_SESSION / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(session + 2 * i, 3, "%02x", random[i]);
	return 0;
}

int token__new(const char *path, const char *text, size_t len, struct token **ret,
	       struct cause *why)
{
	scoped(token) t = NULL;

	len -= len && text[len - 1] == '\n';
	if (len < TOKEN_BYTES_MIN || len > TOKEN_BYTES_MAX)
		return cause__set(why, -EBADMSG,
				  "'%s' is no token: it has %zu bytes, %d to %d are allowed; "
				  "'openssl rand -hex 32' makes one",
				  path, len, TOKEN_BYTES_MIN, TOKEN_BYTES_MAX);
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return cause__set(why, -EBADMSG,
					  "'%s' is no token: byte %zu is a blank or no printable "
					  "ASCII; 'openssl rand -hex 32' makes one",
					  path, i + 1);
	t = calloc(1, sizeof(*t));
	if (!t)
		return cause__no_memory(why);
	memcpy(t->text, text, len);
	t->len = len;
	if (make_session(t->session))
		return cause__set(why, -EIO, "the kernel gives no random numbers");
	*ret = steal(t);
	return 0;
}

void token__free(struct token *t)
{
	if (t)
		explicit_bzero(t, sizeof(*t));
	free(t);
}

/* All bytes of the secret are looked at, whatever was given. */
static bool same(const char *secret, size_t secret_len, const char *given, size_t len)
{
	volatile unsigned char differ = secret_len != len;

	for (size_t i = 0; i < secret_len; i++)
		differ |= (unsigned char)(secret[i] ^ (i < len ? given[i] : 0));
	return !differ;
}

bool token__is(const struct token *t, const char *given, size_t len)
{
	return same(t->text, t->len, given, len);
}

bool token__in_header(const struct token *t, const char *authorization)
{
	const char scheme[] = "Bearer ";
	const size_t len = sizeof(scheme) - 1;

	return !strncasecmp(authorization, scheme, len) &&
	       token__is(t, authorization + len, strlen(authorization + len));
}

bool token__has_session(const struct token *t, const char *session)
{
	return same(t->session, TOKEN_SESSION, session, strlen(session));
}
