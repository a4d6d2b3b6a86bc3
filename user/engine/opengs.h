/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opengs: goroutines that the map of waits names, each with its g as it is in the target now.
 *
 * There may be a million: gs are read some hundreds at a time, a system call for one would cost
 * several times as much. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_OPENGS_H
#define PARKWATCH_ENGINE_OPENGS_H

#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

#include "base/addrspace.h"
#include "base/deadline.h"
#include "base/cleanup.h"

#define OPENGS_BYTES_MAX 1024 /* of a runtime.g: Go 1.27 has 456 */

/* g: its first bytes; NULL: they could not be read, or not in time. */
typedef void (*opengs_fn)(void *ctx, const struct pw_gstate *s, const uint8_t *g);

struct opengs;
/*
 * as, until: borrowed until free; bytes: of a g, that are read. -EOPNOTSUPP: more than
 * OPENGS_BYTES_MAX.
 */
int opengs__new(const struct addrspace *as, size_t bytes, struct deadline *until, opengs_fn fn,
		void *ctx, struct opengs **ret);
void opengs__free(struct opengs *o); /* those that fn was not called for yet are dropped */
DEFINE_SCOPED(opengs)

/* fn is called for it now or later. */
void opengs__add(struct opengs *o, uint64_t addr, const struct pw_gstate *s);
void opengs__flush(struct opengs *o); /* for all that are left */

#endif
