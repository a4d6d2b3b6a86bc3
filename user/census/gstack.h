/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gstack: the stack of one goroutine that does not run, as pcs.
 *
 * Walked by the pcsp tables of the code, as the runtime's own traceback does: they hold at every
 * instruction, where frame pointers miss a caller (a goroutine that was preempted, one in a system
 * call before Go 1.23). To runtime.goexit. Not thread-safe.
 */
#ifndef PARKWATCH_CENSUS_GSTACK_H
#define PARKWATCH_CENSUS_GSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "census/gview.h"
#include "census/pcfacts.h"

/* bytes of stack that are read at once; most parked stacks are smaller */
#define GSTACK_WINDOW 2048
#define GSTACK_WORDS  64 /* of a frame that are looked at for what is waited for */

/* The frame where a goroutine waits, if it is one of those that say what for. */
struct gspot {
	uint64_t pc;       /* for pcfacts__get() */
	enum pc_role role; /* PC_PLAIN: there is none */
	enum pc_lock lock; /* innermost of package sync */
	bool writers;      /* lock is the mutex inside of an RWMutex that is being locked */
	size_t nr_words;
	/* from the frame's sp on; the last is the first word of its arguments */
	uint64_t words[GSTACK_WORDS];
};
void gspot__clear(struct gspot *s);

/* The walker. */
struct gstack {
	const struct addrspace *as; /* borrowed, set by the caller; so is the next */
	struct pcfacts *facts;
	bool link; /* of a machine with a link register: goarch.h */
	/* of one walk: */
	uint64_t start, stack_hi;
	const uint8_t *window; /* borrowed */
	size_t window_len;
	uint64_t further_at;
	size_t further_len;
	uint8_t further[4 * GSTACK_WINDOW]; /* of stacks that are deeper than the window */
};

/* The part of the stack that a walk begins with. 0: there is none, see gview__context(). */
size_t gstack_window(const struct gview *v, uint64_t *ret_sp);

/*
 * window: the first gstack_window() bytes from sp on. Fills pcs as census.h has them, at most
 * depth, and returns how many, 1 at least. *ret_truncated: there are more frames, or the stack
 * leaves Go's code.
 */
size_t gstack__walk(struct gstack *s, const struct gview *v, const uint8_t *window, uint64_t *pcs,
		    size_t depth, bool *ret_truncated, struct gspot *ret_spot);

#endif
