/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gstack: the stack of one goroutine that does not run, as return addresses.
 *
 * Walked by saved frame pointers: [bp] is the caller's bp, [bp + 8] the return address into it; the outermost frame has bp 0
 * (Go on amd64, all versions; a goroutine's saved bp is true for every parked one). Where the saved pc stands before
 * its function has made a frame, the caller's address is at the saved sp, and pcsp tells so. Where the chain leaves the stack,
 * because C has called Go, the rest is walked by pcsp. Loop thread.
 */
#ifndef PARKWATCH_CENSUS_GSTACK_H
#define PARKWATCH_CENSUS_GSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "census/gview.h"
#include "golang/gosym.h"
#include "target/proc.h"

#define GSTACK_WINDOW 2048	/* bytes of stack that are read at once; most parked stacks are smaller */

/* What has been read of a stack. */
struct stack_part {
	uint64_t start;
	size_t len;
	const uint8_t *bytes;	/* borrowed */
};

/* The walker. p and sym are set by the caller, the rest is zero at first. */
struct gstack {
	const struct proc *p;	/* borrowed */
	struct gosym *sym;	/* borrowed; NULL: frame pointers only */
	struct {
		uint64_t pc;
		int32_t spdelta;	/* -1: the tables do not tell */
	} known[64];		/* pcs where goroutines park: a handful as a rule */
	bool reread;		/* out: the walk left the window, and read memory later than it */

	/* of the walk: */
	const struct gview *v;	/* borrowed */
	struct stack_part part;
	uint8_t further[GSTACK_WINDOW];	/* of stacks that are deeper than the window */
	uint64_t *pcs;		/* borrowed */
	size_t nr, depth;
	uint32_t truncated;
};

/* The part of the stack that a walk begins with. 0: there is none: no saved context, or stack bounds that make no sense. */
size_t gstack_window(const struct gview *v);

/*
 * window: the first gstack_window() bytes at v->sp. Fills pcs, at most depth of them, and returns how many; 0: no saved
 * context. *ret_truncated: 1 if there are more frames, or the chain leaves the stack.
 */
size_t gstack__walk(struct gstack *s, const struct gview *v, const uint8_t *window, uint64_t *pcs, size_t depth,
		    uint32_t *ret_truncated);

#endif
