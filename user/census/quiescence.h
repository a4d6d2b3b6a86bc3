/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quiescence: whether goroutines stood still between two moments.
 *
 * Goroutines are read one after the other. What is read is true of one moment only if none of them
 * ran meanwhile. From Go 1.17 on each counts how often it has stopped running, so one that ran and
 * came back to the same place is found too; before Go 1.17 it is not. Not thread-safe.
 */
#ifndef PARKWATCH_CENSUS_QUIESCENCE_H
#define PARKWATCH_CENSUS_QUIESCENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "golang/goruntime.h"

struct quiescence;
/*
 * The first moment, of the goroutines gs[0 .. nr - 1] of c. All borrowed until free. 0, -ESRCH,
 * -ENOMEM.
 */
int quiescence__new(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		    const uint32_t *gs, size_t nr, struct quiescence **ret);
void quiescence__free(struct quiescence *s);
DEFINE_SCOPED(quiescence)

/*
 * The second. moved[g] is set for each of gs that does not stand where the census saw it, or has
 * run since the first moment; the others of moved are left as they are. 0, -ESRCH, -ENOMEM.
 */
int quiescence__compare(const struct quiescence *s, bool *moved);

#endif
