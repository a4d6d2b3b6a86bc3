/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outgoing: the words of a request that the program itself sends: its method, and where to. Of a
 * URL its host and path: neither the query nor a user's name. Of a call of gRPC its method and its
 * target.
 */
#ifndef PARKWATCH_REQUESTS_OUTGOING_H
#define PARKWATCH_REQUESTS_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "requests/prover.h"
#include "requests/webtypes.h"

struct outgoing {           /* texts: NULL, not known */
	const char *method; /* NULL: there is no such request */
	const char *scheme, *host;
	const char *path; /* as it is sent: escaped, without the query */
};

/* Of the net/http.Request at that address. Texts are put into `texts`. false: it makes no sense. */
bool outgoing__of(struct prover *p, const struct webtypes *w, uint64_t request, struct arena *texts,
		  struct outgoing *ret);
/* Of the call at that address, of a client of gRPC: a POST of its method to what was dialled. */
bool outgoing__of_call(struct prover *p, const struct webtypes *w, uint64_t call,
		       struct arena *texts, struct outgoing *ret);
bool outgoing_is_same(const struct outgoing *a, const struct outgoing *b);
/* Made of the characters that a method has (RFC 9110 5.6.2). */
bool is_http_method(const char *text);

#endif
