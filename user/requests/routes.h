/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * routes: which pattern of a router a request has matched: of chi, gorilla, gin and echo.
 *
 * Read only from who serves the request: chi, gin and echo put their contexts into pools, so
 * anywhere else one may be another request's by now. chi's counts if it was made of the context that
 * the request still has below it; those of gin and echo if they have the request itself, or one that
 * was made of it. A Route of gorilla is never used again. Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_ROUTES_H
#define PARKWATCH_REQUESTS_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "requests/contexts.h"
#include "requests/libtypes.h"
#include "requests/liveslots.h"
#include "requests/prover.h"
#include "requests/webtypes.h"

#define ROUTES_POOLED_MAX 4u

struct routes_pooled { /* a context of gin or echo that who serves has in hand */
	uint64_t addr;
	uint32_t of; /* index of libtypes.pooled */
};

/* Those of the goroutine of slots, the innermost first; how many. */
size_t routes__pooled(struct prover *p, const struct libtypes *l, const struct liveslots *slots,
		      struct routes_pooled ret[ROUTES_POOLED_MAX]);
/* The net/http.Request that one of them has; 0: none. */
uint64_t routes__request(struct prover *p, const struct libtypes *l, const struct webtypes *w,
			 const struct routes_pooled *r);
/* Its route; false: it has none yet. */
bool routes__of_pooled(struct prover *p, const struct libtypes *l, const struct routes_pooled *r,
		       char *buf, size_t size);
/* Of a context whose value is chi's or gorilla's; false: it has none. */
bool routes__of_context(struct prover *p, const struct libtypes *l, const struct webtypes *w,
			const struct context *x, char *buf, size_t size);

#endif
