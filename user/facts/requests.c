/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/requests.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool any_of(const uint8_t *bytes, size_t nr)
{
	uint8_t any = 0;

	for (size_t i = 0; i < nr; i++)
		any |= bytes[i];
	return any;
}

bool gtrace_is_known(const struct gtrace *t)
{
	return any_of(t->trace_id, sizeof(t->trace_id));
}

static void put_digits(const uint8_t *bytes, size_t nr, char *to)
{
	for (size_t i = 0; any_of(bytes, nr) && i < nr; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

struct gtrace_text gtrace_text_of(const struct gtrace *t)
{
	struct gtrace_text text = { "", "" };

	put_digits(t->trace_id, sizeof(t->trace_id), text.trace_id);
	put_digits(t->span_id, sizeof(t->span_id), text.span_id);
	return text;
}

bool gtrace_begins_with(const struct gtrace *t, const char *digits)
{
	const struct gtrace_text text = gtrace_text_of(t);

	return text.trace_id[0] && !strncasecmp(text.trace_id, digits, strlen(digits));
}

const struct gtrace *grequests__trace(const struct grequests *rs, const struct grequest_of *of)
{
	if (gtrace_is_known(&of->trace))
		return &of->trace;
	if (of->relation == GREQUEST_AWAITED_BY || of->relation == GREQUEST_MADE_IN)
		return NULL; /* nothing says that it works for the request */
	return of->request && gtrace_is_known(&rs->v[of->request - 1].trace)
		       ? &rs->v[of->request - 1].trace
		       : NULL;
}

void grequests__free(struct grequests *rs)
{
	if (!rs)
		return;
	free(rs->v);
	free(rs->of);
	arena__done(&rs->texts);
	free(rs);
}

void grequests__later(struct grequests *rs, uint64_t ns)
{
	for (size_t i = 0; i < rs->nr; i++) {
		rs->v[i].left_ns -= rs->v[i].has_deadline ? (int64_t)ns : 0;
		rs->v[i].age_ns += rs->v[i].age_ns >= 0 ? (int64_t)ns : 0;
	}
	for (size_t i = 0; i < rs->nr_of; i++)
		rs->of[i].left_ns -= rs->of[i].has_deadline ? (int64_t)ns : 0;
}

void grequests__routes_only(struct grequests *rs)
{
	for (size_t i = 0; i < rs->nr; i++) {
		struct grequest *r = &rs->v[i];

		r->query = r->peer = NULL;
		if (r->kind != GREQUEST_OUTGOING || !r->scheme ||
		    strcmp(r->scheme, GREQUEST_SCHEME_GRPC) != 0)
			r->path = NULL; /* a method of gRPC is as good as a route */
		if (r->kind != GREQUEST_OUTGOING)
			r->host = NULL;
	}
}

void grequests__keep(struct grequests *rs, enum grequest_detail detail)
{
	for (size_t i = 0; i < rs->nr && detail != GREQUEST_QUERIES; i++)
		rs->v[i].query = NULL;
	for (size_t i = 0; i < rs->nr_of && detail != GREQUEST_QUERIES; i++)
		rs->of[i].cause = NULL;
	if (detail == GREQUEST_ROUTES)
		grequests__routes_only(rs);
}

const char *grequest_relation_word(enum grequest_relation r)
{
	switch (r) {
	case GREQUEST_SERVES: return "serves";
	case GREQUEST_OF: return "of";
	case GREQUEST_AWAITED_BY: return "awaited by";
	case GREQUEST_MADE_IN: return "made in";
	case GREQUEST_NONE: break;
	}
	return NULL;
}

const char *grequest_kind_word(enum grequest_kind k)
{
	switch (k) {
	case GREQUEST_HTTP: return "http";
	case GREQUEST_HTTP2: return "http2";
	case GREQUEST_GRPC: return "grpc";
	case GREQUEST_OUTGOING: return "outgoing";
	case GREQUEST_UNKNOWN: break;
	}
	return NULL;
}

const char *gcontext_end_word(enum gcontext_end e)
{
	switch (e) {
	case GCONTEXT_OWN_DEADLINE: return "own deadline";
	case GCONTEXT_PARENT_DEADLINE: return "parent's deadline";
	case GCONTEXT_REQUEST_DEADLINE: return "request's deadline";
	case GCONTEXT_OWN_CANCEL: return "own cancel";
	case GCONTEXT_PARENT_CANCEL: return "parent's cancel";
	case GCONTEXT_PROGRAM_CANCEL: return "program's cancel";
	case GCONTEXT_REQUEST_CANCEL: return "request's cancel";
	case GCONTEXT_CONNECTION: return "connection";
	case GCONTEXT_END_UNKNOWN: break;
	}
	return NULL;
}
