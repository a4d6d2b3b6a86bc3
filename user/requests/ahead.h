/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ahead: what a reading of goroutines needs first, read for many of them in few system calls.
 *
 * A reader over another: of the goroutines that were announced it has the g structs, the stacks in
 * use and the first sudogs; all else, and what is not as large as was thought, goes to the other
 * one. What it has is as old as the announcement. A stack over READV_PIECE_MAX is not read ahead.
 * Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_AHEAD_H
#define PARKWATCH_REQUESTS_AHEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "golang/goruntime.h"

#define AHEAD_MOST 128u /* goroutines at a time */

struct ahead;
/* as, rt: borrowed until free. -ENOMEM. */
int ahead__new(const struct addrspace *as, const struct goruntime *rt, struct ahead **ret);
void ahead__free(struct ahead *a);
DEFINE_SCOPED(ahead)

/* Borrowed. */
const struct addrspace *ahead__space(const struct ahead *a);
/*
 * Reads of these, at most AHEAD_MOST, instead of those before; nr 0: of none. -ESRCH, -ENOMEM; what
 * cannot be read is no error.
 */
int ahead__of(struct ahead *a, const uint64_t *gs, size_t nr);

#endif
