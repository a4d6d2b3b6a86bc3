/* SPDX-License-Identifier: BSD-2-Clause */
/* outgoing: the words of a request that the program sends: method, and where to. */
#include "requests/outgoing.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "facts/requests.h"

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool outgoing_is_same(const struct outgoing *a, const struct outgoing *b)
{
	return is_same(a->method, b->method) && is_same(a->scheme, b->scheme) &&
	       is_same(a->host, b->host) && is_same(a->path, b->path);
}

bool is_http_method(const char *text)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return strlen(text) < 64 && !text[strspn(text, token)];
}

/* NULL: the field is not there, or makes no sense. */
static const char *text_at(struct prover *p, uint64_t base, uint64_t field, struct arena *texts)
{
	char text[PROVER_TEXT_MAX];

	if (field == WEBTYPES_NONE || !prover__string(p, base + field, text, sizeof(text)))
		return NULL;
	return arena__copy(texts, text, strlen(text) + 1);
}

/* As Go does it when it sends a path (net/url shouldEscape, encodePath). */
static const char *escaped(const char *path, struct arena *texts)
{
	static const char plain[] = "-_.~$&+,/:;=@", hex[] = "0123456789ABCDEF";
	char *to = arena__alloc(texts, 3 * strlen(path) + 1), *at = to;

	if (!to)
		return NULL;
	for (; *path; path++) {
		const unsigned char c = (unsigned char)*path;

		if (c < 0x80 && (isalnum(c) || strchr(plain, c))) {
			*at++ = (char)c;
		} else {
			*at++ = '%';
			*at++ = hex[c >> 4];
			*at++ = hex[c & 15];
		}
	}
	*at = '\0';
	return to;
}

/* Go takes it only if it is that (net/url EscapedPath, validEncoded). */
static bool is_escaped(const char *raw, const char *path)
{
	static const char plain[] = "-_.~$&+,/:;=@!'()*[]";
	unsigned int c;

	for (; *raw && *path; path++) {
		c = (unsigned char)*raw++;
		if (c == '%' && isxdigit((unsigned char)raw[0]) &&
		    isxdigit((unsigned char)raw[1])) {
			const char digits[] = { raw[0], raw[1], '\0' };

			c = (unsigned int)strtoul(digits, NULL, 16);
			raw += 2;
		} else if (c >= 0x80 || (!isalnum((int)c) && !strchr(plain, (int)c))) {
			return false;
		}
		if (c != (unsigned char)*path)
			return false;
	}
	return !*raw && !*path;
}

/* url: address of the net/url.URL. It may have secrets beside host and path: a user, a query. */
static bool outgoing__url(struct prover *p, const struct webtypes *w, uint64_t url,
			  struct arena *texts, struct outgoing *ret)
{
	const char *opaque = text_at(p, url, w->url_opaque, texts),
		   *raw = text_at(p, url, w->url_raw_path, texts),
		   *path = text_at(p, url, w->url_path, texts);

	ret->scheme = text_at(p, url, w->url_scheme, texts);
	ret->host = text_at(p, url, w->url_host, texts);
	if (!opaque || !raw || !path || !ret->scheme || !ret->host)
		return false;
	if (opaque[0])
		return true; /* it is not made of host and path */
	if (!path[0])
		ret->path = "/";
	else if (!strcmp(path, "*"))
		ret->path = path;
	else
		ret->path = raw[0] && is_escaped(raw, path) ? raw : escaped(path, texts);
	return true;
}

bool outgoing__of(struct prover *p, const struct webtypes *w, uint64_t request, struct arena *texts,
		  struct outgoing *ret)
{
	const uint64_t url =
		w->http.url == WEBTYPES_NONE ? 0 : prover__word(p, request + w->http.url);

	*ret = (struct outgoing){ .method = text_at(p, request, w->http.method, texts) };
	if (!ret->method || !is_http_method(ret->method) || !url)
		return false;
	if (!ret->method[0])
		ret->method = "GET"; /* Go net/http/request.go: "" means GET */
	return outgoing__url(p, w, url, texts, ret);
}

bool outgoing__of_call(struct prover *p, const struct webtypes *w, uint64_t call,
		       struct arena *texts, struct outgoing *ret)
{
	const uint64_t header = prover__word(p, call + w->call_header),
		       dialled = prover__word(p, call + w->call_conn);

	*ret = (struct outgoing){ .method = NULL };
	if (!prover__is(p, header, w->header) || !prover__is(p, dialled, w->dialled))
		return false;
	*ret = (struct outgoing){
		.method = "POST",
		.scheme = GREQUEST_SCHEME_GRPC,
		.host = text_at(p, dialled, w->dialled_target, texts),
		.path = text_at(p, header, w->header_method, texts),
	};
	return ret->host && ret->host[0] && ret->path && ret->path[0] == '/';
}
