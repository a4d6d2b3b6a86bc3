/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwait: what parked goroutines wait for, found in their sudogs, their frames and what these point
 * at.
 *
 * Channels, and from Go 1.26 semaphores, hang on g.waiting. Before, a semaphore is found through
 * the frame that waits: one of its words is the sudog, which names the goroutine and the semaphore.
 * So with Cond and with the network poller: a word counts only if what it points at points back at
 * the goroutine. What cannot be made out so is said to be unknown, not guessed. Many goroutines are
 * looked up together, round by round: a round reads one piece of memory for each. One gwaits reads
 * a bounded number of pieces in its life; afterwards nothing can be made out. Not thread-safe.
 */
#ifndef PARKWATCH_CENSUS_GWAIT_H
#define PARKWATCH_CENSUS_GWAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "census/census.h"
#include "census/gstack.h"
#include "census/gview.h"
#include "census/pcfacts.h"
#include "golang/gowait.h"

struct gwait {
	/* set by the caller */
	const struct gview *v; /* borrowed for the call */
	struct gspot spot;
	/* out */
	uint32_t nr; /* waits, for gwaits__copy() */
	/* there are more, or there is something that could not be made out */
	bool cut;
	/* of the search: */
	uint8_t hunt;
	uint8_t try; /* word of the spot that is tried */
	uint32_t ticket;
	uint64_t at; /* address that is read next */
	uint64_t list;
	int piece;
	uint32_t first, last; /* of its waits in the pool */
};

struct gwaits;
/* All borrowed until free. */
int gwaits__new(const struct addrspace *as, const struct goruntime *rt, struct pcfacts *facts,
		struct gwaits **ret);
void gwaits__free(struct gwaits *w);
DEFINE_SCOPED(gwaits)

/*
 * At most READV_PIECES_MAX at a time. 0, -ESRCH, -ENOMEM. What an earlier call found is forgotten.
 */
int gwaits__look_up(struct gwaits *w, struct gwait *const *todo, size_t nr);
/* The t->nr waits of one that was looked up in the last call. */
void gwaits__copy(const struct gwaits *w, const struct gwait *t, struct census_wait *out);

#endif
