/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_outgoing: which requests the goroutines of a group have sent, and wait for.
 *
 * What is said of each goroutine is a fact about memory (facts/requests); here it is only counted.
 * Rows are by method and address; paths that differ in their last part only are in one row. The
 * rows with the most goroutines are kept, LEAK_OUTGOING_MAX; the others are counted.
 */
#ifndef PARKWATCH_VIEW_LEAK_OUTGOING_H
#define PARKWATCH_VIEW_LEAK_OUTGOING_H

#include <stdint.h>

#include "facts/requests.h"

#define LEAK_OUTGOING_MAX 4

struct leaks;

struct leak_sent {
	const char *method, *scheme, *host;
	const char *
		path; /* "/quote/7", of several "/quote/..."; NULL: it is not known, or not to be told */
	uint64_t count; /* goroutines */
	uint64_t timed; /* of these it is known how long they wait: */
	uint64_t min_ns, max_ns;
};

struct leak_outgoing {
	struct leak_sent v[LEAK_OUTGOING_MAX]; /* those of the most goroutines first */
	uint32_t nr;
	uint64_t count;  /* goroutines of all rows */
	uint64_t others; /* of these: of rows that are not kept */
};

/*
 * After leaks__finish(): of all entries; their `outgoing` is set where there is something. rs: by
 * runtime, of the census of the last look; borrowed for the call. 0 or -ENOMEM.
 */
int leak_outgoing__note(struct leaks *l, const struct grequests *const *rs);

#endif
