/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gborn: how many goroutines a Go runtime has made so far, and how many there are: known from its
 * own counts, whether somebody saw them made or not.
 *
 * Each P takes ids from sched.goidgen, 16 at a time, and gives them to the goroutines that it
 * makes: those that it has left were not used. Nothing is stopped, so of Ps that make goroutines
 * meanwhile the number is as of some moment during the call. The runtime gives an id to each thread
 * for C as well. Source: Go runtime/proc.go newproc1, oneNewExtraM.
 */
#ifndef PARKWATCH_HEAP_GBORN_H
#define PARKWATCH_HEAP_GBORN_H

#include <stdint.h>

#include "base/addrspace.h"
#include "golang/goruntime.h"

struct gborn {
	uint64_t gen, allp; /* addresses */
	int32_t next;       /* of a P's next id */
};

/* -EOPNOTSUPP, -EBADMSG: the code or the Ps are not as known; others of reading. */
int gborn__find(const struct addrspace *as, const struct goruntime *rt, struct gborn *ret);
/* Goroutines made since the program began. -EBADMSG: a P says what cannot be. */
int gborn__made(const struct addrspace *as, const struct gborn *b, uint64_t *ret);
/*
 * That are not dead; ids that nobody uses yet are not among them. Errors of allgs__read(), -ENOMEM.
 */
int gborn__alive(const struct addrspace *as, const struct goruntime *rt, uint64_t *ret);

#endif
