/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gview: the fields of one runtime.g, taken from a copy of its bytes.
 *
 * The copy is made without stopping the target, so two views tell together whether the g held still in between.
 * Plain value.
 */
#ifndef PARKWATCH_CENSUS_GVIEW_H
#define PARKWATCH_CENSUS_GVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/layout.h>

#define GVIEW_BYTES_MAX 1024	/* of a g that are copied: Go 1.27's has 456 */

struct gview {
	uint64_t addr;		/* of the g */
	uint64_t stack_lo, stack_hi;
	uint64_t sp, pc, bp;	/* sched */
	uint64_t syscallsp, syscallpc;
	uint64_t goid, parent_goid, gopc, startpc;
	uint64_t m, lockedm, waiting, labels, waitsince;
	uint32_t status;	/* enum gostatus */
	uint32_t reason;
	bool scanning;		/* the garbage collector is at its stack */
};

/* Bytes of a g that must be copied for a view, 0 if an offset is out of GVIEW_BYTES_MAX. */
size_t gview_bytes(const struct pw_layout *lay);
/* bytes: gview_bytes() of them. */
void gview__take(struct gview *v, const struct pw_layout *lay, uint64_t addr, const uint8_t *bytes);

bool gview__is_live(const struct gview *v);	/* is or will be run */
bool gview__is_parked(const struct gview *v);	/* waiting, with a saved context that holds until it is woken */
bool gview__is_same(const struct gview *a, const struct gview *b);	/* same goroutine in the same state */

#endif
