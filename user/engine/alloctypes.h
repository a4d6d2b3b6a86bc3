/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloctypes: what is known of the types of objects that were allocated, by runtime and address of
 * the type; read once, while the target lives. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_ALLOCTYPES_H
#define PARKWATCH_ENGINE_ALLOCTYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "golang/goruntime.h"
#include "model/profile.h"

struct alloctype {
	uint32_t name; /* of profile__label() */
	bool pointers; /* true if it cannot be read */
};

struct alloctypes;
/* as and profile are borrowed; at most max types are kept, others are read each time. */
int alloctypes__new(const struct addrspace *as, struct profile *profile, size_t max,
		    struct alloctypes **ret);
void alloctypes__free(struct alloctypes *t);
DEFINE_SCOPED(alloctypes)

/* rt_nr: its number in the process. Address 0: no name, no pointers. */
struct alloctype alloctypes__get(struct alloctypes *t, const struct goruntime *rt, uint16_t rt_nr,
				 uint64_t addr);

#endif
