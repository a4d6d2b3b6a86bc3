/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goroutines: all goroutines of one Go runtime at one moment, with their stacks and what they wait
 * for. The room census reads them from a target; a recording gives them back.
 *
 * Plain data: indexes, not pointers, so that it is what it was when it is moved, kept or written.
 */
#ifndef PARKWATCH_FACTS_GOROUTINES_H
#define PARKWATCH_FACTS_GOROUTINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "golang/goroutine.h"
#include "golang/gowait.h"

#define CENSUS_CASES_MAX 1024 /* of one select: waits of one goroutine */
#define CENSUS_DEPTH_MAX 4096 /* frames of one stack */
#define CENSUS_NO_STACK  UINT32_MAX

enum census_wait_kind {
	CENSUS_WAIT_CHAN, /* addr: the hchan; via: the sudog */
	/*
	 * addr: the sync.Mutex, of a writer that other writers keep out: the sync.RWMutex; via: the
	 * semaphore
	 */
	CENSUS_WAIT_MUTEX,
	CENSUS_WAIT_RWMUTEX,   /* addr: the sync.RWMutex; via: the semaphore */
	CENSUS_WAIT_WAITGROUP, /* addr: the sync.WaitGroup; via: the semaphore */
	CENSUS_WAIT_COND,      /* addr: the sync.Cond; via: its notifyList */
	CENSUS_WAIT_SEMAPHORE, /* addr, via: a semaphore of something else */
	/* of time.Sleep. addr: the runtime's timer; via: when it fires, CLOCK_MONOTONIC ns */
	CENSUS_WAIT_TIMER,
	CENSUS_WAIT_FD, /* addr: the pollDesc; via: the file descriptor */
	/* of a coroutine of iter.Pull. addr: the runtime's coro, which switches to it */
	CENSUS_WAIT_CORO,
};

enum census_direction {
	CENSUS_DIR_NONE,
	/* channels; NONE for a case of a select: heap/gchan tells */
	CENSUS_DIR_RECEIVE,
	CENSUS_DIR_SEND,
	/* file descriptors: write is also connecting. RWMutex: a reader, a writer */
	CENSUS_DIR_READ,
	CENSUS_DIR_WRITE,
};

/* One thing that a goroutine waits for; of a select, one case. */
struct census_wait {
	uint64_t addr, via;
	uint8_t kind;      /* enum census_wait_kind */
	uint8_t direction; /* enum census_direction */
	bool select;       /* a case of a select */
	uint8_t pad[5];
};
static inline bool census_wait_is_lock(const struct census_wait *w)
{
	return w->kind >= CENSUS_WAIT_MUTEX && w->kind <= CENSUS_WAIT_SEMAPHORE;
}

struct census_g {
	uint64_t addr; /* of the g */
	struct goroutine who;
	uint64_t labels; /* pointer, for golabels_read() */
	uint64_t stack_lo, stack_hi;
	uint64_t sp; /* of its innermost frame; 0: no stack was read */
	/*
	 * CLOCK_MONOTONIC: it has waited since then or longer; 0 nobody knows, see
	 * census/wait_since.h
	 */
	uint64_t waitsince_ns;
	/* index into census.stacks, or CENSUS_NO_STACK: it runs, or it stands still nowhere */
	uint32_t stack;
	uint32_t waits_at; /* index into census.waits */
	/* 0: it waits for nothing that has an address, or it does not wait */
	uint32_t nr_waits;
	uint32_t tid;   /* thread of its M; 0: it has none, or it changed too fast */
	int32_t m, p;   /* ids of M and P, -1: none */
	uint8_t status; /* enum gostatus, scan bit off */
	/* valid while waiting, preempted or leaked: as this Go version numbers it */
	uint8_t reason;
	bool locked; /* to its thread */
	/* there are more waits, or what it waits for could not be made out */
	bool waits_cut;
	/* counts how often it stopped running, modulo 256; 0 before Go 1.17 */
	uint8_t stops;
	bool moved; /* it moved when it was first read: this is what it did later */
};
#define CENSUS_G_BYTES 112

/*
 * A goroutine that moved when it was first read, as it was when it was met; without a stack, but
 * for where that ended.
 */
struct census_moved {
	struct census_g g;
	uint64_t pc; /* that belongs to g.sp; 0: it ran */
};

struct census_stack {
	uint32_t pcs_at; /* index into census.pcs */
	uint32_t nr_pcs; /* 1 .. CENSUS_DEPTH_MAX */
	uint32_t nr_gs;  /* goroutines that stand in it */
	bool truncated;  /* there are more frames than depth, or it leaves Go's code */
};

struct census {              /* all arrays owned */
	struct census_g *gs; /* goroutines but dead ones, in allgs order */
	size_t nr;
	struct census_stack *stacks; /* no two are equal */
	size_t nr_stacks;
	/*
	 * Of all stacks, innermost first, outermost runtime.goexit. Each is to be looked up as a
	 * return address, as those of runtime.Callers: where the pc itself counts (a goroutine that
	 * never ran, one stopped by a signal) it is 1 higher.
	 */
	uint64_t *pcs;
	size_t nr_pcs;
	struct census_wait *waits;
	size_t nr_waits;
	uint64_t taken_ns; /* CLOCK_MONOTONIC, as it began */
	/*
	 * A goroutine that holds still does something long. To count what goroutines did at one
	 * moment, take these, and those of gs that have not moved.
	 */
	struct census_moved *moved;
	size_t nr_moved;
	size_t allglen; /* g structs there are, dead ones included */
	/*
	 * Those of goroutines that have ended: the runtime frees no g, and keeps the stack of some. No
	 * profile of Go's has them.
	 */
	struct census_dead {
		bool known;
		size_t nr;
		uint64_t stack_bytes;
	} dead;
	size_t unsettled; /* goroutines that changed each time they were read: not in gs */
	size_t refused;   /* over one of the bounds of number, memory or time: not in gs */
	bool cut;         /* the deadline came before the last of them: more are not in gs */
	/* g structs that were not read because of that, dead ones among them */
	size_t not_read;
};

/* first: it is the first of some. Of all of them it is known only if it is of each. */
static inline void census_dead__add(struct census_dead *sum, const struct census_dead *d,
				    bool first)
{
	sum->known = d->known && (first || sum->known);
	sum->nr += d->nr;
	sum->stack_bytes += d->stack_bytes;
}

void census__free(struct census *c);
DEFINE_SCOPED(census)

/* The pc at which g, of c, stands; 0: it has no stack. */
static inline uint64_t census__pc(const struct census *c, const struct census_g *g)
{
	return g->stack == CENSUS_NO_STACK ? 0 : c->pcs[c->stacks[g->stack].pcs_at];
}

/*
 * A number for the wait that g, of c, is in: another one if it ran since. Without counts
 * (GO_RUNS_COUNTED) it may be the same all the same, for it is made of what it waits for, through
 * which sudog, and how deep it stands in its stack.
 */
uint64_t census__wait_number(const struct census *c, const struct census_g *g, bool counts);

/*
 * Whether it receives from a channel or sends to one; NONE: neither, or a select, whose cases have
 * a direction each.
 */
enum census_direction census_direction_of(enum gowait wait);

#endif
