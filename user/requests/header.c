/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/header.h"

#include <string.h>

#include "requests/gomap.h"

#define KEY          "Traceparent" /* as package net/textproto writes it */
#define METADATA_KEY "traceparent" /* and gRPC */

/* version, trace, parent, flags: 2, 32, 16 and 2 digits, with '-' between them */
#define TRACE_AT   3u
#define SPAN_AT    36u
#define FLAGS_AT   53u
#define LENGTH     55u
#define LENGTH_MAX 512u /* a later version may have more */

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of small digits, not all of them 0. */
static bool parse_id(const char *text, uint8_t *id, size_t bytes)
{
	uint8_t any = 0;

	for (size_t i = 0; i < bytes; i++) {
		const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		id[i] = (uint8_t)(high << 4 | low);
		any |= id[i];
	}
	return any;
}

static bool are_digits(const char *text)
{
	return digit(text[0]) >= 0 && digit(text[1]) >= 0;
}

bool header_parse_trace(const char *text, uint8_t trace_id[LIBTYPES_TRACE],
			uint8_t span_id[LIBTYPES_SPAN_ID])
{
	uint8_t trace[LIBTYPES_TRACE], span[LIBTYPES_SPAN_ID];
	const size_t len = strlen(text);

	if (len < LENGTH || text[TRACE_AT - 1] != '-' || text[SPAN_AT - 1] != '-' ||
	    text[FLAGS_AT - 1] != '-' || !are_digits(text) || !strncmp(text, "ff", 2) ||
	    !are_digits(text + FLAGS_AT))
		return false;
	if (len > LENGTH && (!strncmp(text, "00", 2) || text[LENGTH] != '-'))
		return false;
	if (!parse_id(text + TRACE_AT, trace, sizeof(trace)) ||
	    !parse_id(text + SPAN_AT, span, sizeof(span)))
		return false;
	memcpy(trace_id, trace, sizeof(trace));
	memcpy(span_id, span, sizeof(span));
	return true;
}

struct search {
	struct prover *p;
	const char *key;
	char text[LENGTH_MAX];
	bool found;
};

/* A string, and a []string. Several values are no traceparent. */
static bool look(void *ctx, uint64_t key, uint64_t elem)
{
	struct search *s = ctx;
	char name[sizeof(KEY) + 1];

	if (!prover__string(s->p, key, name, sizeof(name)) || strcmp(name, s->key))
		return true;
	s->found = prover__word(s->p, elem + 8) == 1 &&
		   prover__string(s->p, prover__word(s->p, elem), s->text, sizeof(s->text));
	return false;
}

static bool find(struct search *s, int minor, const struct gotype *t, uint64_t map,
		 uint8_t trace_id[LIBTYPES_TRACE], uint8_t span_id[LIBTYPES_SPAN_ID])
{
	gomap__each(s->p, minor, t, map, look, s);
	return s->found && header_parse_trace(s->text, trace_id, span_id);
}

bool header_trace(struct prover *p, int minor, const struct webtypes_request *of, uint64_t addr,
		  uint8_t trace_id[LIBTYPES_TRACE], uint8_t span_id[LIBTYPES_SPAN_ID])
{
	struct search s = { .p = p, .key = KEY };

	return of->header != WEBTYPES_NONE && of->headers &&
	       find(&s, minor, of->headers, prover__word(p, addr + of->header), trace_id, span_id);
}

bool header_trace_of_metadata(struct prover *p, int minor, const struct gotype *t, uint64_t map,
			      uint8_t trace_id[LIBTYPES_TRACE], uint8_t span_id[LIBTYPES_SPAN_ID])
{
	struct search s = { .p = p, .key = METADATA_KEY };

	return find(&s, minor, t, map, trace_id, span_id);
}
