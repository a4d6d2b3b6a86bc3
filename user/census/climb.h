/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * climb: up a stack that stands still, from a frame to that of its caller, by the tables of the code
 * (Go runtime/traceback.go (*unwinder).resolveInternal, next).
 *
 * With a link register the return address of a function that has a frame is at the bottom of that,
 * else in the register. What a signal put on a function has saved that function's link register in
 * 16 bytes of its own, and has its pc as return address. Plain value.
 */
#ifndef PARKWATCH_CENSUS_CLIMB_H
#define PARKWATCH_CENSUS_CLIMB_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "census/gview.h"
#include "census/pcfacts.h"

#define CLIMB_SIGNAL_BYTES 16

struct climb {
	uint64_t pc, sp;
	uint64_t link; /* what the register holds; 0: it is not known */
	bool has_link; /* the machine has one: goarch.h */
};

/* The word at addr of the stack. < 0: it is no part of that, or cannot be read. */
typedef int (*climb_word)(void *ctx, uint64_t addr, uint64_t *ret);

/* false: there is no stack, see gview__context(). */
static inline bool climb__begin(struct climb *c, const struct gview *v, bool has_link)
{
	*c = (struct climb){ .has_link = has_link };
	if (has_link && !v->syscallsp)
		c->link = v->lr;
	return gview__context(v, &c->pc, &c->sp);
}

static inline int climb__by_link(struct climb *c, struct pcfacts *facts, uint64_t delta,
				 bool by_signal, climb_word word, void *ctx)
{
	if ((delta || !c->link) && word(ctx, c->sp, &c->link))
		return -ENOENT;
	c->pc = c->link;
	c->sp += delta;
	c->link = 0;
	if (!c->pc || !by_signal)
		return c->pc ? 0 : -ENOENT;
	if (word(ctx, c->sp, &c->link))
		return -ENOENT;
	c->sp += CLIMB_SIGNAL_BYTES;
	if (pcfacts__get(facts, c->pc)->spdelta)
		c->link = 0;
	return 0;
}

/* To the caller. fact: of the frame, spdelta known; good no more afterwards. -ENOENT: it has none. */
static inline int climb__up(struct climb *c, struct pcfacts *facts, const struct pcfact *fact,
			    climb_word word, void *ctx)
{
	const uint64_t delta = (uint64_t)fact->spdelta;

	if (c->has_link)
		return climb__by_link(c, facts, delta, fact->by_signal, word, ctx);
	if (word(ctx, c->sp + delta, &c->pc))
		return -ENOENT;
	c->sp += delta + 8;
	return c->pc ? 0 : -ENOENT;
}

#endif
