/* SPDX-License-Identifier: BSD-2-Clause */
/* request_put: the request of one goroutine, the same words wherever it is told. */
#ifndef PARKWATCH_FORMAT_REQUEST_PUT_H
#define PARKWATCH_FORMAT_REQUEST_PUT_H

#include "base/json_writer.h"
#include "facts/requests.h"
#include "names/framer.h"

/* "GET /api/quote/7 (route /api/quote/{id})" */
void request_put__name(struct framer *f, const struct grequest *r, struct textbuf *to);
/* "GET http://upstream/x", "/package.Service/Method at target"; texts: escaped; path NULL: not known */
void request_put__sent(const char *method, const char *scheme, const char *host, const char *path,
		       struct textbuf *to);
/* "31 s", "1.5 s", "20 ms" */
void request_put__time(int64_t ns, struct textbuf *to);
/* "deadline passed 31 s ago", "deadline in 5 s" */
void request_put__deadline(int64_t left_ns, struct textbuf *to);
/* ": its client went away, or the connection failed", of one that its client has left; else nothing */
void request_put__left(const struct grequest *r, struct textbuf *to);
/*
 * ", its context is cancelled with the request's own, cause *errors.errorString"; nothing of one that
 * lives, or that a deadline has ended. Of a request that is over, its own cancel says nothing.
 */
void request_put__ended(struct framer *f, const struct grequest *r, const struct grequest_of *of,
			struct textbuf *to);
/* ", trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331 \"GET /api\"": what is known. */
void request_put__trace(struct framer *f, const struct gtrace *t, struct textbuf *to);
/* ", in span b7ad6b7169203331 \"fetch\"" */
void request_put__span(struct framer *f, const char *words, const struct gtrace *t,
		       struct textbuf *to);
/* "serves GET /api/quote/7", "of GET /quote/9, which is over", "in trace 0af7..."; rs: not NULL */
void request_put__of(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
		     struct textbuf *to);
/* "calls GET http://upstream/x, 31 s"; wait_ns: how long it waits. of->calls: not 0 */
void request_put__calls(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
			uint64_t wait_ns, bool wait_known, struct textbuf *to);
/* Whether there is something to say of it. */
static inline bool grequest_is_told(const struct grequest_of *of)
{
	return of->request || of->in_hand || gtrace_is_known(&of->trace);
}

/* Members of an object: kind, method, path, route. */
void request_put__json_name(struct framer *f, const struct grequest *r, struct json_writer *w);
/* Members: cancelled, ended_by, cause_type, and cause if that is known. */
void request_put__json_ended(struct framer *f, const struct grequest_of *of, struct json_writer *w);
/* Members: trace_id, span_id, span. trace: NULL, none; of: that of the span; NULL: none. */
void request_put__json_trace(struct framer *f, const struct gtrace *trace, const struct gtrace *of,
			     struct json_writer *w);
/*
 * Of a goroutine: "request": {...} or null; "requests_in_hand" where there are several; trace_id,
 * span_id and span of one that is in a trace, and has no request; "calls": {...} or null.
 */
void request_put__json(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
		       struct json_writer *w);

#endif
