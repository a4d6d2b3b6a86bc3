/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows: the goroutines of a census by goid. The table is made when somebody is looked up first: of
 * most programs nobody ever is. Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_ROWS_H
#define PARKWATCH_REQUESTS_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/u64map.h"
#include "facts/goroutines.h"

struct rows {                   /* all zero, but for c, has not been asked */
	const struct census *c; /* borrowed */
	struct u64map by_goid;  /* index into c->gs */
	int err;                /* -ENOMEM: not all are in it */
};

void rows__done(struct rows *r);
/* Its index into c->gs. false: it is not in the census, or r->err. */
bool rows__find(struct rows *r, uint64_t goid, uint64_t *ret);

#endif
