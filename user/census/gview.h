/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gview: the fields of one runtime.g, taken from a copy of its bytes.
 *
 * The copy is made without stopping the target, so two views tell together whether the g held still
 * in between. Plain value.
 */
#ifndef PARKWATCH_CENSUS_GVIEW_H
#define PARKWATCH_CENSUS_GVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "golang/goroutine.h"
#include "golang/goruntime.h"

#define GVIEW_BYTES_MAX 1024 /* of a g that are copied: Go 1.27's has 456 */

struct gview {
	uint64_t addr; /* of the g */
	uint64_t stack_lo, stack_hi;
	uint64_t sp, pc, bp; /* sched */
	uint64_t lr;         /* likewise; of machines with a link register, else 0 */
	uint64_t syscallsp, syscallpc;
	struct goroutine who;
	uint64_t m, lockedm, waiting, labels, waitsince, timer, coroarg;
	uint32_t status; /* enum gostatus */
	uint8_t reason;
	/* counts how often it has stopped running, modulo 256; 0 before Go 1.17 */
	uint8_t stops;
	bool scanning; /* the garbage collector is at its stack */
};

/* Bytes of a g that must be copied for a view, 0 if an offset is out of GVIEW_BYTES_MAX. */
size_t gview_bytes(const struct goruntime *rt);
/* bytes: gview_bytes() of them. */
void gview__take(struct gview *v, const struct goruntime *rt, uint64_t addr, const uint8_t *bytes);

bool gview__is_live(const struct gview *v); /* is or will be run */
/* waiting, with a saved context that holds until it is woken */
bool gview__is_parked(const struct gview *v);
/*
 * Where its stack begins: in a system call what that saved, else what the scheduler saved. false:
 * it runs, its stack is being moved, or nothing that makes sense is saved.
 */
bool gview__context(const struct gview *v, uint64_t *ret_pc, uint64_t *ret_sp);
/* Same goroutine in the same state; from Go 1.17 on it has not run in between either. */
bool gview__is_same(const struct gview *a, const struct gview *b);

#endif
