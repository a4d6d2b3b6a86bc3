/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request_rows: the requests of a process, each with its goroutines.
 *
 * Over a dump, which says which goroutines are shown and names them: a request is shown if one of
 * its goroutines is, with those that are. Under way come first, then those that the program sent,
 * then those that are over; of each kind the one whose goroutine waits longest. A goroutine that
 * works for one and waits for the answer of another is of both. The renderers (requests_text, requests_json) only
 * read it.
 */
#ifndef PARKWATCH_VIEW_REQUEST_ROWS_H
#define PARKWATCH_VIEW_REQUEST_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "facts/requests.h"
#include "facts/resource.h"
#include "view/dump.h"
#include "view/place.h"
#include "view/recording.h"

struct request_row {
	const struct grequest *r;
	uint64_t oldest_ns; /* the longest wait that is known; DUMP_UNKNOWN: none is */
	uint64_t serves_ns; /* the same of who serves it, or waits for its answer, shown or not */
	uint32_t first, nr; /* of rows: who serves it first, then by goid */
	uint16_t rt;
};

struct request_rows {   /* read only for everybody but request_rows.c */
	struct dump *d; /* borrowed; its input has requests */
	/* what the process says that it is, borrowed: the caller's to set; NULL: not known */
	const struct resource *resource;
	struct request_row *v;
	size_t nr;
	size_t nr_over; /* the last ones of them */
	size_t nr_sent; /* by the program itself; before these */
	uint32_t *rows; /* of the dump */
	size_t several; /* goroutines that are shown and have several requests in hand */
};

struct request_rows_of {
	/* only requests whose route, or path if that is not known, is like it; NULL: all */
	const char *route;
	uint64_t older_ns; /* only those that are known to be as old; 0: all */
};

/* 0 or -ENOMEM */
int request_rows__new(struct dump *d, const struct request_rows_of *of, struct request_rows **ret);
void request_rows__free(struct request_rows *rr);
DEFINE_SCOPED(request_rows)

/*
 * Since it began, at least: as its span tells; else since the goroutine that serves it waits, or, of
 * one that the program sent, the one that wants the answer; of one that is over, since one of its
 * goroutines does. DUMP_UNKNOWN: nobody knows.
 */
uint64_t request_row__age_ns(const struct request_row *v);

/* meta: pid, exe, go_version, wall_start_ns. 0 or negative errno of writing, -ENOMEM; with a cause. */
int requests_show__text(struct request_rows *rr, const struct report_meta *meta, FILE *out,
			struct cause *why);
int requests_show__json(struct request_rows *rr, const struct report_meta *meta, FILE *out,
			struct cause *why);

#endif
