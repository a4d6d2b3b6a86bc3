/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nearby: what lies near to a goroutine: the live words of its stack, the objects in the heap that
 * these refer to, what those refer to.
 *
 *	nearby__new()	the heap
 *	nearby__ask()	some goroutines of a census that was taken just now, after that: what they have is read
 *	nearby__begin()	one of them
 *	nearby__level()	the next level, until there is none
 * What else waits is passed over: a way from a channel, a lock or a sudog to other goroutines says
 * nothing of this one. A goroutine that ran since the census is left out, unless it is back where it was.
 * Bounded in objects, bytes of each, and time; nothing is stopped. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_NEARBY_H
#define PARKWATCH_HEAP_NEARBY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "golang/goruntime.h"

#define NEARBY_PIECES 1024 /* that are looked into, of one goroutine */
#define NEARBY_BYTES  1024 /* of a piece: larger objects are several */
/* object_bytes: of large objects only the first fields count: a runtime.p leads anywhere */
#define NEARBY_FIELDS 1024
#define NEARBY_ARRAYS 65536 /* elements of arrays count too */

struct nearby;
/*
 * object_bytes: of an object that are looked into; budget_ns: CPU time of all goroutines. as, rt:
 * borrowed until free. Errors of goheap__read().
 */
int nearby__new(const struct addrspace *as, const struct goruntime *rt, size_t object_bytes,
		uint64_t budget_ns, struct nearby **ret);
void nearby__free(struct nearby *n);
DEFINE_SCOPED(nearby)

/* gs: numbers in the census; once. c: borrowed until free. Errors of grefs__read(). */
int nearby__ask(struct nearby *n, const struct census *c, const uint32_t *gs, size_t nr);
/* gs[i] is next. -ENOENT: it ran since, and is elsewhere; -ETIME: the budget is used up. */
int nearby__begin(struct nearby *n, size_t i);

/*
 * Of what a goroutine has, or of a piece of one object: words; frame: of its stack, that leads
 * there, from the innermost; or GLIVE_FRAME_*.
 */
typedef void (*nearby_see)(void *ctx, const uint64_t *words, size_t nr, uint32_t frame);
/*
 * The first level are the words of the stack, one by one. -ENOENT: there is none; -ESRCH. last: no
 * further one is wanted.
 */
int nearby__level(struct nearby *n, bool last, nearby_see see, void *ctx);
bool nearby__in_heap(const struct nearby *n, uint64_t addr); /* it may be */

#endif
