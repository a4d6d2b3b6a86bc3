/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wall: the whole time of goroutines: each is in one of four states at each moment.
 *
 * Rows of the event have a state in their reason: below WALL_STATUS it is what the goroutine waits
 * for, from there on a status. How long goroutines run is known from looks, which do not see where:
 * one that runs has no stack to read. Where they ran is known from samples, and the time is shared
 * out among these. Pure.
 */
#ifndef PARKWATCH_MODEL_WALL_H
#define PARKWATCH_MODEL_WALL_H

#include <stdbool.h>
#include <stdint.h>

#define WALL_STATUS 256 /* wait reasons are a byte (g.waitreason) */

enum wall_state {
	WALL_RUNNING,
	WALL_READY,
	WALL_WAITING,
	WALL_SYSCALL, /* in a system call, or in C: without a processor of Go's, or about to lose it */
	WALL_STATES
};

/* status: enum gostatus, scan bit off; reason: g.waitreason, of one that waits. */
uint32_t wall_reason(uint8_t status, uint8_t reason);
enum wall_state wall_state_of(uint32_t reason);
const char *wall_state_word(enum wall_state state); /* "running", "ready", "waiting", "syscall" */

/*
 * How many goroutines there are on average, from counts at moments that follow each other: between two of
 * them the number is taken to go straight. Begins as {}.
 */
struct wall_number {
	uint64_t at_ns, last; /* of the last count; at_ns 0: none yet, or a gap came after it */
	double area, lasted_ns;
	uint64_t counts;
};
void wall_number__add(struct wall_number *w, uint64_t at_ns, uint64_t number);
void wall_number__gap(struct wall_number *w);
/* False: nobody knows. */
bool wall_number__mean(const struct wall_number *w, double *ret);

/* Time that is shared out: the parts together get all of it. Begins as { whole, time }. */
struct wall_shares {
	uint64_t whole; /* sum of all parts, of which each is asked for once */
	uint64_t time;
	uint64_t seen, given; /* so far */
};
uint64_t wall_shares__next(struct wall_shares *s, uint64_t part);

/*
 * The error of a share: of the time, which may be off by time_error, and of the samples that say how
 * much of it is this one's.
 */
uint64_t wall_share_error(uint64_t share, uint64_t time, uint64_t time_error,
			  uint64_t samples_error);

#endif
