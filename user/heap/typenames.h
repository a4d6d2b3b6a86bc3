/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * typenames: the names of the target's types, each read once (golang/gotype). Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_TYPENAMES_H
#define PARKWATCH_HEAP_TYPENAMES_H

#include <stdint.h>

#include "base/addrspace.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "golang/goruntime.h"

#define TYPENAMES_MAX 65536 /* types; those beyond have no name */

struct typenames;
/* All borrowed until free. names: where the names are put, which outlive this. 0 or -ENOMEM. */
int typenames__new(const struct addrspace *as, const struct goruntime *rt, struct arena *names,
		   struct typenames **ret);
void typenames__free(struct typenames *t);
DEFINE_SCOPED(typenames)

/*
 * type: address of its descriptor. As the target has it, any byte but NUL; "" where it is not
 * known.
 */
const char *typenames__get(struct typenames *t, uint64_t type);

#endif
