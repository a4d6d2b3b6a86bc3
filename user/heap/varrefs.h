/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * varrefs: which variables of a Go program refer to others.
 *
 * `var srv = &service{...}` makes two variables: srv, and one without a name that it points to.
 * This tells for the second one that srv refers to it. Read at one moment; bounded. Not
 * thread-safe.
 */
#ifndef PARKWATCH_HEAP_VARREFS_H
#define PARKWATCH_HEAP_VARREFS_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "golang/goruntime.h"

#define VARREFS_MAX (1u << 20) /* more are not known */
/* of the variables of a module; of more nothing is read */
#define VARREFS_BYTES_MAX (256u << 20)

struct varref {
	uint64_t value; /* where among the variables it points */
	uint64_t at;    /* where it is */
};

struct varrefs {
	struct varref *v; /* by value; owned */
	size_t nr, room;
};

/* 0; -ESRCH, -ENOMEM. What cannot be read is not in it. */
int varrefs__new(const struct addrspace *as, const struct goruntime *rt, struct varrefs **ret);
void varrefs__free(struct varrefs *v);
DEFINE_SCOPED(varrefs)

/* That which points to addr, else nearest before it. NULL: none. */
const struct varref *varrefs__before(const struct varrefs *v, uint64_t addr);

#endif
