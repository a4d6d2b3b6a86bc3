/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_requests: of which requests the goroutines of a group are, and how many of them ignore that
 * their context has ended.
 *
 * What is said of each goroutine is a fact about memory (facts/requests); here it is only counted.
 * Rows are by relation, method and route; where no route is known, by the path without its last
 * part. The rows with the most goroutines are kept, LEAK_ROUTES_MAX; the others are counted.
 *
 * A goroutine ignores its context if it has been in this wait since an earlier look, the context
 * that its innermost function has in hand was ended before its request was read, and it does not
 * receive from a channel that only says "end": that may be the Done of a context that still lives.
 * Of a request that is over none does.
 */
#ifndef PARKWATCH_VIEW_LEAK_REQUESTS_H
#define PARKWATCH_VIEW_LEAK_REQUESTS_H

#include <stdint.h>

#include "base/textbuf.h"
#include "facts/requests.h"
#include "names/framer.h"

#define LEAK_ROUTES_MAX 8
#define LEAK_TRACES_MAX 10

struct leaks;
struct leak_entry;

struct leak_route {
	uint8_t relation; /* enum grequest_relation */
	/* NULL: not known. path: what the paths have in common; without a route "/quote/..." */
	const char *method, *route, *path;
	uint64_t requests, over; /* different ones, and how many of these are over */
	uint64_t count;          /* goroutines */
};

struct leak_ignored {
	uint64_t count;          /* goroutines whose context has ended, and that still wait */
	uint64_t deadlines;      /* of these a deadline has passed: */
	uint64_t min_ns, max_ns; /* so long ago */
	uint64_t by[GCONTEXT_END_MAX + 1]; /* who has ended it: enum gcontext_end */
};

struct leak_requests {
	uint64_t of, over; /* different requests, and how many of these are over */
	struct leak_route routes[LEAK_ROUTES_MAX]; /* those of the most goroutines first */
	uint32_t nr_routes;
	uint64_t others; /* goroutines of further ones */
	uint8_t traces[LEAK_TRACES_MAX][16];
	uint32_t nr_traces;
	struct leak_ignored ignored;
};

/*
 * After leaks__finish(): of all entries; their `requests` are set where something is known. rs: by
 * runtime, of the census of the last look; borrowed for the call. 0 or -ENOMEM.
 */
int leak_requests__note(struct leaks *l, const struct grequests *const *rs);

/* They ignore it, and they are so many that it counts as evidence; NULL: they do not. */
const struct leak_ignored *leak_requests__ignored(const struct leak_entry *e);
/*
 * The frame that should look at ctx.Done(): the innermost one of the program's own code. NULL: there
 * is none. Borrowed until the next frames are asked for.
 */
const struct frame *leak_requests__where(const struct leaks *l, const struct leak_entry *e);
/* What to do there: "select with ctx.Done()". */
const char *leak_requests__cure(const struct leaks *l, const struct leak_entry *e);

#endif
