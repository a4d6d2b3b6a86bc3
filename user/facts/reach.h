/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reach: what a search told of blocked goroutines: whether anything that may still run can reach
 * what they wait for, and what does. heap/reach searches; whoever tells of it reads this.
 *
 * Plain data: arrays with indexes; goroutines are numbers in the census of the search. Memory: 40
 * bytes a goroutine that was asked for, 4 a keeper. Not thread-safe.
 */
#ifndef PARKWATCH_FACTS_REACH_H
#define PARKWATCH_FACTS_REACH_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define REACH_KEEPERS_MAX 32 /* of one goroutine */

enum reach_verdict {
	REACH_NOT_BLOCKED, /* it may run, or did while it was looked at */
	REACH_HELD,        /* something that it waits for can be reached */
	REACH_LEAKED,      /* nothing can, in this look */
	/* not decided; without a doubt told: what refers to it changed while it was looked at */
	REACH_UNKNOWN,
};

enum reach_kind {
	/*
	 * a variable of the program; addr: of the word in it. In a module of the runtime, or
	 * outside of all: of C or unknown
	 */
	REACH_GLOBAL,
	REACH_STACK,   /* goroutine goid, which may run; frame */
	REACH_SPECIAL, /* a finalizer, cleanup or weak pointer of the object at addr */
	REACH_C,       /* memory of C; addr: of the word */
	REACH_RAN,     /* goroutine goid, blocked in the census, which ran meanwhile */
	REACH_OBJECT,  /* in the heap; addr, size; offset of the pointer to the next step */
	/* goroutine goid, blocked, which will run if the step before is used; frame */
	REACH_WAITER,
	/*
	 * the runtime's timer at addr. Of a way that is told, where nothing but it is a root: never
	 * found by the search
	 */
	REACH_TIMER,
};

/* A goroutine that was asked for. */
struct reach_goal {
	/* HELD: of the root of the way to what it waits for, as enum reach_kind says */
	uint64_t root_addr, root_goid;
	/*
	 * ... by way of a timer that calls a function, once: when that is, CLOCK_MONOTONIC; 0: not
	 */
	uint64_t due_ns;
	uint32_t g;
	uint32_t keepers_at; /* index into reach_answer.keepers */
	uint8_t nr_keepers;  /* at most REACH_KEEPERS_MAX */
	uint8_t verdict;     /* enum reach_verdict */
	uint8_t root;        /* enum reach_kind */
};

struct reach_answer {
	struct reach_goal *goals; /* in the order in which they were asked for; owned */
	size_t nr;
	/*
	 * LEAKED: who refers to what it waits for, itself perhaps among them, though none of them
	 * can ever run; nearest first; owned
	 */
	uint32_t *keepers;
	size_t nr_keepers;
};

void reach_answer__free(struct reach_answer *a);
DEFINE_SCOPED(reach_answer)

/* Goroutine g waits for a channel, a Cond or a WaitGroup that `by` refers to, or leads to. */
struct reach_keeping {
	uint32_t g, by; /* never the same */
	uint32_t wait;  /* of g: index into census.waits */
	uint32_t steps; /* objects on the way: 1: `by` has it itself */
	uint32_t able;  /* by its code `by` can end the wait: not 0 */
};

#endif
