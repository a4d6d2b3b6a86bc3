// SPDX-License-Identifier: BSD-2-Clause
#include "serve/guard.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* The name in the Host header is an address of a loopback, or "localhost". */
static bool is_local_name(const char *host)
{
	const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const size_t len = strlen(names[i]);

		if (!strncasecmp(host, names[i], len) && (!host[len] || host[len] == ':'))
			return true;
	}
	return false;
}

/*
 * Browsers say where a request is from: in Sec-Fetch-Site, if they hold the way to us for safe, else in Origin, which a
 * GET of our own page has not. A link that a person follows opens a page of its own: nobody else can read it.
 */
static bool is_of_other_site(struct MHD_Connection *c, const struct http_request *q, bool is_post)
{
	const char *site = header(c, "Sec-Fetch-Site"), *mode = header(c, "Sec-Fetch-Mode"),
		   *to = header(c, "Sec-Fetch-Dest"), *origin = header(c, "Origin"), *host;

	if (site) {
		if (!strcmp(site, "same-origin") || !strcmp(site, "none"))
			return false;
		return is_post || !mode || strcmp(mode, "navigate") != 0 || !to ||
		       strcmp(to, "document") != 0;
	}
	if (!origin)
		return false;
	host = strstr(origin, "://");
	return !host || strcasecmp(host + 3, q->host) != 0;
}

static enum MHD_Result count_authorization(void *ctx, enum MHD_ValueKind kind, const char *name,
					   const char *value)
{
	(void)kind;
	(void)value;
	*(size_t *)ctx += !strcasecmp(name, "Authorization");
	return MHD_YES;
}

/* A cookie counts only where there is no header: of two secrets that differ, none is right. */
static bool has_token(const struct token *t, struct MHD_Connection *c)
{
	size_t headers = 0;
	const char *cookie;

	(void)MHD_get_connection_values(c, MHD_HEADER_KIND, count_authorization, &headers);
	if (headers)
		return headers == 1 && token__in_header(t, header(c, "Authorization"));
	cookie = MHD_lookup_connection_value(c, MHD_COOKIE_KIND, TOKEN_COOKIE);
	return cookie && token__has_session(t, cookie);
}

/* They tell nothing of this machine but that parkwatch runs. */
static bool is_for_everybody(const char *path)
{
	return !strcmp(path, "/-/healthy") || !strcmp(path, "/-/ready");
}

bool guard__lets(struct guard *g, struct MHD_Connection *c, const struct http_request *q,
		 struct login_body *body, struct http_answer *a)
{
	if (g->local && !is_local_name(q->host)) {
		g->refused.host++;
		http_say(a, 403, "the Host header names another machine\n");
		return false;
	}
	if (is_of_other_site(c, q, body)) {
		g->refused.site++;
		http_say(a, 403, "a page of another site asks\n");
		return false;
	}
	if (!g->token || is_for_everybody(q->path))
		return true;
	if (body && !strcmp(q->path, "/")) {
		g->refused.token += !login_take(g->token, q, body, g->is_tls, a);
		return false;
	}
	if (has_token(g->token, c))
		return true;
	g->refused.token++;
	login_ask(q, a);
	return false;
}
