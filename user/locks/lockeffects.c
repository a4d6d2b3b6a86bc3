/* SPDX-License-Identifier: BSD-2-Clause */
/* What calls of a function leave behind, found out by running it from its entry with nothing known.
 */
#include "locks/lockwalk.h"

#include <stdlib.h>

#define SCAN_DEPTH_MAX 4 /* calls deep that effects are looked for */
/* and that much deeper through functions that handle locks themselves */
#define SCAN_TOUCHING_MAX 4
#define EFFECTS_DEPTH     (LOCKWALK_DEPTH_MAX - 2) /* room for what it defers, no more */
/* instructions of a function whose effects are found out */
#define SCAN_STEPS 8000
#define NOWHERE    0x8000ull /* a stack that nobody can read: below vm.mmap_min_addr */

/* Whether a call of fn can meet a lock at all, as far as its direct calls tell. */
static bool lockwalk__may_touch(struct lockwalk *w, struct gofn *fn)
{
	if (gofns__decode(w->fns, fn))
		return false;
	if (fn->touches)
		return true;
	for (uint32_t i = 0; i < fn->nr_uops; i++) {
		const struct uop *u = &fn->uops[i];
		struct gofn *callee;

		if (u->kind == UOP_CALL && u->target && !gofns__at(w->fns, u->target, &callee) &&
		    lockwalk__effects(w, callee))
			return true;
	}
	return false;
}

static unsigned int lockwalk__find_effects(struct lockwalk *w, struct gofn *fn)
{
	struct livemem *mem = calloc(1, sizeof(*mem));
	struct lockpath *p = calloc(1, sizeof(*p));
	struct lockwalk *in = calloc(1, sizeof(*in));
	unsigned int found = 0;

	if (mem && p && in) {
		mem->as = w->mem->as;
		mem->generation = 1;
		mem->sp = mem->end = NOWHERE;
		*in = (struct lockwalk){ .fns = w->fns,
					 .mem = mem,
					 .isa = w->isa,
					 .regabi = w->regabi,
					 .steps = SCAN_STEPS,
					 .counting = true,
					 .scanning = w->scanning };
		lockwalk__after_call(in, p, NOWHERE);
		p->cpu.stale = NOWHERE;
		if (lockwalk__run(in, fn, fn->entry, p, EFFECTS_DEPTH) == 1 && !in->lost) {
			found = in->gave ? LOCKWALK_GIVES : 0;
			found |= p->unknown ? LOCKWALK_TAKES : 0;
			found |= in->done ? LOCKWALK_DONE : 0;
		}
	}
	free(mem);
	free(p);
	free(in);
	return found;
}

unsigned int lockwalk__effects(struct lockwalk *w, struct gofn *fn)
{
	bool deep = w->scanning >= SCAN_DEPTH_MAX;

	if (fn->effects & LOCKWALK_KNOWN)
		return fn->effects & LOCKWALK_EFFECTS;
	if (fn->lock.role != LOCKFN_PLAIN || (fn->effects & LOCKWALK_BUSY) ||
	    w->scanning >= SCAN_DEPTH_MAX + SCAN_TOUCHING_MAX)
		return 0;
	/* Far from where we began only those count that handle a lock themselves. */
	if (deep && (gofns__decode(w->fns, fn) || !fn->touches))
		return 0;
	fn->effects = LOCKWALK_BUSY;
	w->scanning++;
	if (deep || lockwalk__may_touch(w, fn))
		fn->effects |= lockwalk__find_effects(w, fn);
	w->scanning--;
	fn->effects = (fn->effects & LOCKWALK_EFFECTS) | LOCKWALK_KNOWN;
	return fn->effects & LOCKWALK_EFFECTS;
}
