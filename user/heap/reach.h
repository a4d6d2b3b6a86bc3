/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reach: whether anything that may still run can reach what blocked goroutines wait for; if not,
 * they wait for ever.
 *
 * Asked backwards: who refers to these few objects, who to those? Each pass streams once through
 * all memory that can hold pointers (the variables of all modules, the heap, the goroutines' stacks
 * by pointer maps, with cgo the memory of C too) and keeps only what refers to what is looked for,
 * until a root is found or nothing refers to it any more; a last pass makes sure that this is so
 * still. Roots are variables and goroutines that may run; a goroutine that is blocked counts once
 * something that it waits for is reached. What is in doubt counts as reached.
 *
 * Nothing is stopped, so one look is no proof: a pointer may have been in a register, or have moved
 * behind the scan. What is unreached is leaked only if it is so in each of several looks, seconds
 * apart, of a goroutine that did not run in between: the caller sees to that. Memory: some 150 MB
 * at most, whatever the size of the heap. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_REACH_H
#define PARKWATCH_HEAP_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cause.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "facts/reach.h"
#include "golang/goruntime.h"
#include "target/maps.h"

#define REACH_PASSES_MAX 256
#define REACH_PATH_MAX   256 /* steps of one path */

/* g waits for a lock that goroutine `to` holds, or for its Done: it goes on only after that one. */
struct reach_behind {
	uint32_t g, to; /* numbers in the census */
};

struct reach_in {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *census; /* taken just now */
	/* for the memory of C; NULL: it is not looked at. Read only if the program has cgo */
	const struct maps *maps;
	const uint32_t *goals; /* numbers of goroutines in the census; NULL: all */
	size_t nr_goals;
	/*
	 * addresses of what is waited for that does not count: as if no goroutine waited for it,
	 * nor a goal ran for it
	 */
	const uint64_t *passed_over;
	size_t nr_passed_over;
	const uint64_t *objects; /* addresses of objects to find the way to, besides */
	size_t nr_objects;
	/* goroutines, by number, whose own words do not count; NULL: none */
	const bool *muted;
	bool no_timers; /* nor what the runtime's timers refer to counts */
	/*
	 * by g, each as certain as can be: these waits are no question of who reaches the lock.
	 * NULL: none
	 */
	const struct reach_behind *behind;
	size_t nr_behind;
	/* main is blocked like any other: a search for cycles asks for it too */
	bool main_waits;
	uint64_t budget_ns;    /* 0: no limit, as below */
	uint64_t budget_bytes; /* of memory read in all passes */
};

#define REACH_FRAME_NONE UINT32_MAX /* not known */
/* not in a frame: a deferred call, a label or the like */
#define REACH_FRAME_G (UINT32_MAX - 1)

/* One step of the way from a root to what is waited for. */
struct reach_step {
	uint64_t addr, size, offset;
	uint64_t goid;
	/* whose variable refers to the next step: number from the innermost */
	uint32_t frame;
	uint8_t kind; /* enum reach_kind */
	/* an object: the runtime's record of a processor, whose timers refer to the next step */
	bool processor;
	/*
	 * of an object: the word before it is the address of its type (Go 1.22 runtime/malloc.go,
	 * malloc header)
	 */
	bool typed;
};

struct reach_stats {
	unsigned int passes;
	uint64_t ns, bytes;    /* spent, and read in all passes */
	uint64_t heap_bytes;   /* of objects that may hold pointers */
	size_t objects, edges; /* looked into */
	size_t ran;            /* goroutines that ran meanwhile, or were born */
};

struct reach;

/*
 * 0: what could be decided is. -EBADMSG: there is no heap as we know it; -E2BIG: too large a heap;
 * each with a cause. -ESRCH, -ENOMEM. What is in `in` is borrowed until free.
 */
int reach__run(const struct reach_in *in, struct reach **ret, struct cause *why);
void reach__free(struct reach *r);
DEFINE_SCOPED(reach)

/*
 * The runtime.timer through which this way comes, by a processor and its heap of timers: its
 * address, and how many steps lie before what it refers to. 0: it goes through none.
 */
uint64_t reach_timer(const struct addrspace *as, const struct reach_step *steps, size_t nr,
		     size_t *ret_before);

/*
 * Of goroutine i of the census: REACH_UNKNOWN if it was no goal and was not met, or if it is not
 * decided: why in reach__doubt().
 */
enum reach_verdict reach__verdict(const struct reach *r, uint32_t i);
/* As if a goroutine waited for in->objects[i]; an address outside of the heap is held. */
enum reach_verdict reach__object_verdict(const struct reach *r, size_t i);
/*
 * What the goroutines refer to, for others who ask (heap/grefs.h): the caller's. NULL: somebody has
 * it.
 */
struct grefs *reach__take_refs(struct reach *r);
/* Why nothing is proved; "": all was looked at. */
const char *reach__doubt(const struct reach *r);
const struct reach_stats *reach__stats(const struct reach *r);

/*
 * The way from a root to what goroutine i waits for, or to in->objects[i], root first, the object
 * itself last. Short, but not always the shortest there is: once one is found no other is looked
 * for. Returns the number of steps, at most max; the last ones if there are more. 0: it is not
 * held.
 */
size_t reach__path(const struct reach *r, uint32_t i, struct reach_step *steps, size_t max);
size_t reach__object_path(const struct reach *r, size_t i, struct reach_step *steps, size_t max);

/*
 * The goroutines that refer to what goroutine i waits for, itself perhaps among them, or to
 * in->objects[i], though none of them can ever run: numbers in the census. Nearest first; who only
 * refers to what such a goroutine waits for is not told. Returns how many, at most max. For what is
 * REACH_LEAKED; else 0.
 */
size_t reach__keepers(const struct reach *r, uint32_t i, uint32_t *numbers, size_t max);
size_t reach__object_keepers(const struct reach *r, size_t i, uint32_t *numbers, size_t max);

/*
 * All this of some goroutines, as facts. Keepers cost a walk each: all_keepers: of all goals, else
 * of those that wait for a WaitGroup and nothing else. 0 or -ENOMEM.
 */
int reach__answer(const struct reach *r, const uint32_t *goals, size_t nr, bool all_keepers,
		  struct reach_answer **ret);

#define REACH_KEEPINGS_MAX (1u << 18)

/*
 * Of the goals goals[0 .. nr - 1] that are REACH_LEAKED, and of all that would have to go on before
 * one of them can: who refers to what they wait for. None of these can ever run. Those in
 * in->behind are followed to whom they wait for, not told. *ret: to be freed.
 * -E2BIG: more than REACH_KEEPINGS_MAX, or too much to look at; -ENOMEM.
 */
int reach__keepings(const struct reach *r, const uint32_t *goals, size_t nr,
		    struct reach_keeping **ret, size_t *ret_nr);
/* in->objects[i] is in the heap: its base and size. -ENOENT: it is not. */
int reach__object_at(const struct reach *r, size_t i, uint64_t *ret_base, uint64_t *ret_size);

#endif
