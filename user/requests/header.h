/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * header: which trace a request says that it is of, by its header traceparent (W3C Trace Context),
 * or by gRPC's metadata, which is made of headers.
 *
 * For programs without a tracing library, or a request that none of them has seen. The header is
 * the client's: only what is a traceparent by the letter counts, and no other header is looked at.
 */
#ifndef PARKWATCH_REQUESTS_HEADER_H
#define PARKWATCH_REQUESTS_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "requests/libtypes.h"
#include "requests/prover.h"
#include "requests/webtypes.h"

/* The trace, and the span of who sent it, of the request at addr. false: it says none. */
bool header_trace(struct prover *p, int minor, const struct webtypes_request *of, uint64_t addr,
		  uint8_t trace_id[LIBTYPES_TRACE], uint8_t span_id[LIBTYPES_SPAN_ID]);
/* The same of the metadata that a call of gRPC came with. t: the type of that map. */
bool header_trace_of_metadata(struct prover *p, int minor, const struct gotype *t, uint64_t map,
			      uint8_t trace_id[LIBTYPES_TRACE], uint8_t span_id[LIBTYPES_SPAN_ID]);
/* The same of a text: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01". */
bool header_parse_trace(const char *text, uint8_t trace_id[LIBTYPES_TRACE],
			uint8_t span_id[LIBTYPES_SPAN_ID]);

#endif
