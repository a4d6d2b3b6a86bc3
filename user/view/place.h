/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place: the one line of code to point a person at.
 *
 * Of a stack it is the innermost frame that is not of the runtime, sync, syscall or their helpers;
 * where there is none, the innermost that does more than park.
 */
#ifndef PARKWATCH_VIEW_PLACE_H
#define PARKWATCH_VIEW_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts/locks.h"
#include "view/dump.h"

/* Texts of the framer: equal texts, equal pointers. */
struct place {
	const char *func, *file; /* "?" and "": nothing is known */
	uint32_t line;           /* 0 unknown */
};

/* All return 0 or -ENOMEM. stack: as dump__stack(); DUMP_NO_STACK is known nothing of. */
int place_of_stack(struct dump *d, size_t stack, struct place *ret);
/*
 * As place_of_stack(), but past what waits on behalf of others too: net, time, io and their kind.
 */
int place_of_wait(struct dump *d, size_t stack, struct place *ret);
/* g: of the census of rt */
int place_of_goroutine(struct dump *d, uint16_t rt, uint32_t g, struct place *ret);
/*
 * Where it will release the lock; of a deferred call of Unlock itself, where the function stands
 * that has deferred it, or, if that is of package sync too, what calls that.
 */
int place_of_release(struct dump *d, uint16_t rt, const struct ghold *h, struct place *ret);
/*
 * The function that has locked it, or what calls that if it is of package sync, and the line where
 * it is now.
 */
int place_of_holding(struct dump *d, uint16_t rt, const struct ghold *h, struct place *ret);

/*
 * As place_of_wait(), of frames; words are none. root_first: v[nr - 1] is the innermost, else v[0]. func
 * NULL: there is none.
 */
void place_of_frames(const struct frame *v, size_t nr, bool root_first, struct place *ret);
/* The first of these frames, innermost first, that is the program's own (golang/gomain). */
bool place_own(const struct frame *v, size_t nr, struct place *ret);

#define PLACES_TOLD_APART 16
/* places, and how many there are of each; those that do not fit are left out */
struct place_tally {
	struct place v[PLACES_TOLD_APART];
	uint64_t count[PLACES_TOLD_APART];
	uint32_t nr;
};
void place_tally__add(struct place_tally *t, const struct place *p, uint64_t count);
bool place_tally__most(const struct place_tally *t, struct place *ret); /* false: there is none */
/* the same, and it is no longer in it */
bool place_tally__take(struct place_tally *t, struct place *ret);

const char *ghold_word(enum ghold_kind kind); /* "mutex", "rwmutex-write", "rwmutex-read" */

#endif
