// SPDX-License-Identifier: BSD-2-Clause
#include "model/reqlabel.h"

#include <stdio.h>
#include <string.h>

#define BETWEEN   '|' /* a recording keeps it as it is */
#define ROUTE_MAX 256 /* bytes; longer ones are cut, so that the ids always have room */

/* What a program calls something may have any bytes. */
static size_t put(char *text, size_t size, size_t used, size_t most, const char *what)
{
	for (size_t i = 0; i < most && what[i] && used + 1 < size; i++)
		text[used++] = (unsigned char)what[i] < ' ' || what[i] == BETWEEN ? '?' : what[i];
	return used;
}

static size_t put_between(char *text, size_t size, size_t used)
{
	if (used + 1 < size)
		text[used++] = BETWEEN;
	return used;
}

void reqlabel__put(const struct reqlabel *l, char *text, size_t size)
{
	size_t used = 0;

	if (l->why) {
		used = put(text, size, used, size, l->why);
		text[used] = '\0';
		return;
	}
	used = put(text, size, used, ROUTE_MAX, l->route);
	used = put_between(text, size, used);
	used = put(text, size, used, 32, l->trace_id);
	used = put_between(text, size, used);
	used = put(text, size, used, 16, l->span_id);
	used = put_between(text, size, used);
	used = put(text, size, used, size, l->span);
	text[used] = '\0';
}

/* The part up to the next BETWEEN, or the end; *at becomes what follows it. */
static const char *part(char **at)
{
	char *begin = *at, *end = strchr(begin, BETWEEN);

	*at = end ? end + 1 : begin + strlen(begin);
	if (end)
		*end = '\0';
	return begin;
}

void reqlabel__get(const char *text, char buf[REQLABEL_TEXT_MAX + 1], struct reqlabel *ret)
{
	char *at = buf;

	snprintf(buf, REQLABEL_TEXT_MAX + 1, "%s", text);
	if (!strchr(buf, BETWEEN)) {
		*ret = (struct reqlabel){ "", "", "", "", buf[0] ? buf : REQLABEL_REFUSED };
		return;
	}
	ret->route = part(&at);
	ret->trace_id = part(&at);
	ret->span_id = part(&at);
	ret->span = part(&at);
	ret->why = NULL;
}

/* --- what looks know --- */

bool reqlabel_is_worked_for(const struct grequest_of *of, const struct grequest *q)
{
	return q && q->kind != GREQUEST_OUTGOING &&
	       (of->relation == GREQUEST_SERVES || of->relation == GREQUEST_OF);
}

/* "GET /quote/{id}"; of gRPC the method is the route. */
static void put_route(const struct grequest *q, char *text, size_t size)
{
	text[0] = '\0';
	if (!q || !q->route)
		return;
	if (q->kind == GREQUEST_GRPC || !q->method || q->route[0] != '/')
		snprintf(text, size, "%s", q->route);
	else
		snprintf(text, size, "%s %s", q->method, q->route);
}

void reqlabel__of(const struct grequest_of *of, const struct grequest *q,
		  struct reqlabel_texts *texts, struct reqlabel *ret)
{
	const bool own = !q || gtrace_is_known(&of->trace);
	const struct gtrace *t = own ? &of->trace : &q->trace;
	const bool in_span = own || of->relation == GREQUEST_SERVES;

	put_route(q, texts->route, sizeof(texts->route));
	texts->trace = gtrace_text_of(t);
	*ret = (struct reqlabel){ .route = texts->route,
				  .trace_id = texts->trace.trace_id,
				  .span_id = in_span ? texts->trace.span_id : "",
				  .span = in_span && t->span ? t->span : "" };
}
