/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refs_build: what keeps goroutines from being garbage, found and named: it reads types, fields and
 * timers on the paths from the target. What it makes is view/refs.
 */
#ifndef PARKWATCH_ENGINE_REFS_BUILD_H
#define PARKWATCH_ENGINE_REFS_BUILD_H

#include "base/cause.h"
#include "golang/govars.h"
#include "heap/reach.h"
#include "heap/reachothers.h"
#include "heap/tickersites.h"
#include "heap/varrefs.h"
#include "view/refs.h"

/* variables without a name on the path from one that has one */
#define REFS_CLIMB_MAX 8

/* What was asked in one runtime. */
struct refs_source {
	const struct goruntime *rt;
	const struct goimage *image;      /* of its program; NULL: not to be had */
	const struct reach *r;            /* NULL: nothing was to be searched for */
	const struct reachothers *others; /* NULL: nothing was to be asked again */
	const uint32_t *goals;            /* numbers in the census, ascending */
	size_t nr_goals;
};

struct refs_in {                           /* all borrowed; d by what is made */
	struct dump *d;                    /* rows: the goroutines that are wanted */
	const struct refs_source *sources; /* by rt of the dump */
	const struct addrspace *as;        /* words on the path, for their types */
	struct govars *vars;               /* NULL: no names of variables */
	/* address; 0: goroutines are asked for. It is in->objects[0] of each reach */
	uint64_t object;
	/* Whether it was unreached in the look before. NULL: there was none */
	bool (*was_unreached)(const void *ctx, uint16_t rt, uint64_t goid, uint64_t waits_for);
	const void *was_ctx;
};

/* -ENOENT: the address is no object of the heap; -ENOMEM; each with a cause. */
int refs__new(const struct refs_in *in, struct refs **ret, struct cause *why);

/* What was asked of goroutine g, for was_unreached: the first thing that it waits for; 0: none. */
uint64_t refs_waits_for(const struct census *c, const struct census_g *g);
/* Each that nothing reached in this look, whatever was in the one before. */
void refs__each_unreached(const struct refs *rs,
			  void (*each)(void *ctx, uint16_t rt, uint64_t goid, uint64_t waits_for),
			  void *ctx);

/* --- pieces: refs_groups, refs_paths, refs_names --- */

struct refs_build {
	struct refs_in in;
	struct varrefs **var_refs;    /* by rt */
	struct tickersites **tickers; /* by rt; NULL: nobody has asked */
	struct refs *rs;              /* what is made */
};

/*
 * A path of the group that is told last: one that is told already only counts. tell: what it says
 * besides. 0 or -ENOMEM.
 */
int refs_build__add_path(struct refs_build *b, struct ref_group *g, const struct ref_path *tell,
			 const struct reach_step *path, size_t nr);
/*
 * All that there is to tell of what goroutine i of the census of rt, which is held, waits for. 0 or
 * -ENOMEM.
 */
int refs_build__add_paths(struct refs_build *b, struct ref_group *g, uint16_t rt, uint32_t i);
/*
 * Cuts off how the runtime comes to a timer: a processor, and its heap of timers. How many steps
 * are left.
 */
size_t refs_build__from_timer(const struct refs_build *b, struct reach_step *steps, size_t nr);
/* Finds who holds the timer that feeds the object at the end of these named steps. */
const char *refs_build__holder_of_timer(const struct refs_build *b, const struct ref_step *steps,
					size_t nr, uint64_t timer);

/*
 * How far the stack pointer of this frame is from that of the innermost; the words say that the
 * stack is still as it was seen. ret_bytes: of the frame, without its return address where that lies
 * above it. 0, -ENOENT
 */
int refs_build__frame_at(const struct refs_build *b, uint16_t rt, const struct census_g *g,
			 uint32_t frame, uint64_t *ret_sp, uint64_t *ret_bytes);

/*
 * The names of nr steps of runtime rt to what goroutine goid waits for (0: to an address): what
 * names, types and fields can be found goes into ret, which has room for REFS_CLIMB_MAX more: a
 * variable without a name comes after those that lead to it. How many they are, or -ENOMEM.
 */
int refs_build__name_path(const struct refs_build *b, uint16_t rt, uint64_t goid,
			  const struct reach_step *steps, size_t nr, struct ref_step *ret);
/* What is waited for, in words: "chan int". */
const char *refs_build__awaited(const struct refs_build *b, uint16_t rt,
				const struct census_wait *w);
/* What goroutine i of the census waits for, in words: "chan int"; and its address. */
const char *refs_build__object_of(const struct refs_build *b, uint16_t rt, const struct census_g *g,
				  uint64_t *ret_addr);

#endif
