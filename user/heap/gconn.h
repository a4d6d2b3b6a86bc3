/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gconn: which connection a goroutine works for, although it does not wait for it: the one whose
 * descriptor lies nearest to what its stack refers to.
 *
 * Objects are followed from the live words of the stack into the heap, level by level
 * (heap/nearby), to descriptors of package net. A handler leads to the connection that its request
 * came by, a loop of an HTTP client to its own. If several descriptors are equally near, none is
 * told. Sources: Go 1.15 to 1.27 internal/poll/fd_unix.go (FD), runtime/netpoll.go (pollDesc),
 * context/context.go (cancelCtx.done).
 *
 * Bounded in levels, objects and time. Nothing is stopped, so what has moved is left out. Not
 * thread-safe.
 */
#ifndef PARKWATCH_HEAP_GCONN_H
#define PARKWATCH_HEAP_GCONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "census/census.h"
#include "heap/nearby.h"
#include "golang/goruntime.h"

enum gconn_side { GCONN_ACCEPTED, GCONN_DIALLED, GCONN_SIDES };

#define GCONN_NONE   0xff
#define GCONN_LEVELS 5 /* objects in a row, the descriptor the last */

struct gconn {
	int fd[GCONN_SIDES]; /* -1: none, or several that are equally near */
	bool context;        /* what it waits for is, or one case is, the end of a context */
};

struct gconn_in {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *census;
	const uint32_t *gs; /* numbers of goroutines in it */
	size_t nr;
	/* of each descriptor below nr_fds: enum gconn_side, GCONN_NONE: it does not count */
	const uint8_t *sides;
	size_t nr_fds;
	struct nearby *near; /* new; it has a budget: who comes after that has none */
};

/* ret: room for in->nr. 0: what could be read is there; or errors of nearby__ask(). */
int gconns_of(const struct gconn_in *in, struct gconn *ret);

#endif
