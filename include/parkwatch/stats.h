/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stats: one counter for everything a BPF program does and for each way it can lose something.
 *
 * Index into the per-CPU array map `pw_stats`; user space sums over processors. A program that
 * returns early counts exactly one of these. LOST ones mean that a fact did not reach the report;
 * each is printed at the end of a run.
 */
#ifndef PARKWATCH_STATS_H
#define PARKWATCH_STATS_H

#include <parkwatch/points.h>

enum pw_stat {
	/*
	 * Hits of each probe point while recording is on, before any filter: PW_STAT_HIT + enum
	 * pw_point. OFF and MORESTACK hits are not among them: traps in all = hits + OFF +
	 * MORESTACK + LOST_SITE.
	 */
	PW_STAT_HIT = 0,
	PW_STAT_HIT_END = PW_POINTS_ROOM,

	/* records handed to the transport and accepted (stack records not counted) */
	PW_STAT_EVENTS,
	PW_STAT_SUMMED, /* waits and latencies that went into a sum instead */
	PW_STAT_STACKS, /* stack records accepted */
	/*
	 * hit while recording was off (between attach and start, stop and detach), or was of a
	 * point that nobody records
	 */
	PW_STAT_OFF,
	/* hit on a stack check whose branch to morestack is taken: not an event */
	PW_STAT_MORESTACK,
	/* run of a goroutine that no park or ready was seen of: nothing to tell */
	PW_STAT_NO_WAIT,
	/* hit or wait that a filter (goid, minimum time) dropped on purpose */
	PW_STAT_FILTERED,
	/* mallocgc of no bytes, or a variant that mallocgc called: counted there */
	PW_STAT_NO_ALLOC,
	PW_STAT_CPU_NS, /* no count: time that the program of the clock took for the process's samples */

	PW_STAT_LOST_FIRST,                     /* from here on: losses */
	PW_STAT_LOST_RING = PW_STAT_LOST_FIRST, /* ring or perf buffer full: one event */
	/* ring or perf buffer full: a stack record; sent again with a later event */
	PW_STAT_LOST_STACK,
	/* target memory could not be read, or a g goes on at no code: one event */
	PW_STAT_LOST_READ,
	PW_STAT_LOST_GMAP,    /* a map of goroutines full: one park or ready */
	PW_STAT_LOST_SEMAS,   /* pw_semas full: one unlock, or since when somebody waits for it */
	PW_STAT_LOST_SCRATCH, /* no buffer for the thread: one event */
	PW_STAT_LOST_ALLOCS,  /* map of allocations full: one allocation */
	/* release: a span could not be read, so its size class counts too much */
	PW_STAT_LOST_SPANS,
	/* a return address that is no code of a Go module: the frames of one walk from there on */
	PW_STAT_LOST_CODE,
	/* cookie names no site: one hit; never seen unless attach is broken */
	PW_STAT_LOST_SITE,
	PW_STAT_MAX
};

#endif
