/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seen: which goroutine of a runtime was in which wait when it was last looked at, so that a wait
 * that is seen twice is counted once.
 *
 * Pure. Memory: SEEN_BYTES a goroutine of the look before and of this one, at most SEEN_MAX of
 * them: beyond, each sight is a new one.
 */
#ifndef PARKWATCH_MODEL_SEEN_H
#define PARKWATCH_MODEL_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "golang/goroutine.h"

#define SEEN_MAX   4194304
#define SEEN_BYTES 104

enum seen_is {
	SEEN_AGAIN, /* as at the look before */
	SEEN_MOVED, /* it was there, in another wait */
	SEEN_NEW,   /* it was not there */
};

struct seen_g {
	struct goroutine who; /* kept for seen__gone() */
	uint64_t wait;        /* a number that is the same as long as the wait is */
};

struct seen;
int seen__new(struct seen **ret);
void seen__free(struct seen *s);
DEFINE_SCOPED(seen)

void seen__look(struct seen *s);                              /* another look begins */
enum seen_is seen__g(struct seen *s, const struct seen_g *g); /* once a goroutine and look */
/* After a look: forgets those that were not seen at it. gone() may be NULL. Returns how many. */
size_t seen__gone(struct seen *s, void (*gone)(void *ctx, const struct seen_g *g), void *ctx);

#endif
