/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * glive: what a goroutine itself still refers to: the live pointers of its stack, and its g.
 *
 * Of a goroutine that stands still they are found by pointer maps (heap/gostackmap), as the
 * garbage collector does it: words that earlier calls left on the stack do not count, nor do
 * variables that no live pointer points at. Where there is no map every word counts. Of a
 * goroutine that runs every word of the whole stack counts, also below the stack pointer: there Go
 * puts its registers when it is preempted. Only words between two bounds are told: those of the
 * heap. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_GLIVE_H
#define PARKWATCH_HEAP_GLIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/gview.h"
#include "census/pcfacts.h"
#include "golang/goruntime.h"
#include "heap/gostackmap.h"

#define GLIVE_STACK_MAX (16u << 20) /* of a larger one every word counts */
#define GLIVE_FRAME_ANY UINT32_MAX  /* somewhere on its stack */
/* in its g: deferred calls, labels and the like */
#define GLIVE_FRAME_G (UINT32_MAX - 1)

/* Owned by the caller, who frees the arrays with glive_words__done(). */
struct glive_words {
	uint64_t *values;
	/* of each: number of its frame from the innermost, or GLIVE_FRAME_* */
	uint32_t *frames;
	size_t nr, room;
	size_t max; /* more are not kept, but counted in lost */
	size_t lost;
};
void glive_words__done(struct glive_words *w);

struct glive;
/* Words in [lo, hi) are told. as, rt: borrowed until free. */
int glive__new(const struct addrspace *as, const struct goruntime *rt, uint64_t lo, uint64_t hi,
	       struct glive **ret);
void glive__free(struct glive *l);
DEFINE_SCOPED(glive)

/*
 * Whether the caller of this frame did not call it: a signal put it there, so the caller's
 * registers count, and its map does not hold. fact, map: of the frame.
 */
bool glive_is_injected(struct gosym *sym, const struct pcfact *fact, const struct gostackmap *map);

/* Bytes of a g that are looked at. 0: this Go's layout is not known. */
size_t glive_g_bytes(const struct goruntime *rt);

/*
 * Adds to out. g: glive_g_bytes() of them; stack: the first len bytes from the stack pointer on, or
 * NULL. The rest of the stack is read, and all of it if v has no context (gview__context()): it
 * runs. 0; -EFAULT: a part of the stack could not be read; -ESRCH, -ENOMEM.
 */
int glive__add(struct glive *l, const struct gview *v, const uint8_t *g, const uint8_t *stack,
	       size_t len, struct glive_words *out);

#endif
