/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * allocsplit: who allocated what a size class handed out.
 *
 * How many slots of a size class were handed out is known exactly; who asked for them is known of
 * samples, taken in windows during which each allocation was counted. The slots are split among the
 * samples in proportion to the bytes that they spend (a ratio estimate), so the sum stays exact.
 * Where there are few samples, and fewer than refills were seen, the stacks of the refills stand
 * for them, and that is marked. Class 0 are large objects: its slots are bytes.
 *
 * The time is cut into intervals, and each has its own sum. Windows see as many objects of a slow
 * phase as of a fast one, so samples tell of their own phase only: the slots of an interval are split
 * among the samples of it and of as few neighbours as have SPLIT_SAMPLES_ENOUGH together.
 *
 * Pure: no clock, no process. Memory is bounded by SPLIT_MAX refills and samples each; what goes
 * beyond is refused and counted, and is part of the sums nevertheless.
 */
#ifndef PARKWATCH_MODEL_ALLOCSPLIT_H
#define PARKWATCH_MODEL_ALLOCSPLIT_H

#include <stdint.h>

#include "base/cleanup.h"
#include "model/profile.h"

#define SPLIT_CLASSES 68
#define SPLIT_MAX     262144
/* objects sampled of a class that are enough however many refills there are */
#define SPLIT_SAMPLES_FEW 30
/* of a class: then they need not be joined with those of the next interval */
#define SPLIT_SAMPLES_ENOUGH 300

struct allocsplit;
int allocsplit__new(struct allocsplit **ret);
void allocsplit__free(struct allocsplit *s);
DEFINE_SCOPED(allocsplit)

/* Spans were taken into use under this stack, and slots of them were free. Of size class 0 they
 * are objects and bytes. 0, -EINVAL, -ENOSPC, -ENOMEM. */
int allocsplit__refill(struct allocsplit *s, unsigned int size_class,
		       const struct profile_alloc *who, uint64_t spans, uint64_t slots);
/* A window saw who->objects; spent: bytes of the slots that they take, or what was asked for if
 * they share slots. */
int allocsplit__sample(struct allocsplit *s, unsigned int size_class,
		       const struct profile_alloc *who, uint64_t spent);
/* What was handed out in this interval, if it is known otherwise than from refills. */
void allocsplit__total(struct allocsplit *s, unsigned int size_class, uint64_t slots);
/* Else: slots that were handed out without a refill (positive), or that a refill counted and were
 * not handed out. */
void allocsplit__adjust(struct allocsplit *s, unsigned int size_class, int64_t slots);

/* An interval ends: what is told from here on is of the next one. 0 or -ENOMEM. */
int allocsplit__interval(struct allocsplit *s);

/*
 * After the last interval: calls fn for each share of the interval with this number, bytes and
 * objects filled in: slot[] says how many bytes a slot of a size class has. The bytes of a class's
 * shares add up to its slots.
 */
void allocsplit__each(const struct allocsplit *s, size_t interval,
		      const uint64_t slot[SPLIT_CLASSES],
		      void (*fn)(void *ctx, const struct profile_alloc *share), void *ctx);
uint64_t allocsplit__refused(const struct allocsplit *s);

#endif
