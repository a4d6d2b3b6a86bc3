/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gostate: what a goroutine does: its status, and if it waits for what; numbers and Go's own words
 * for them.
 *
 * One set of words for all versions, that of the newest Go. Source: the _G constants and
 * gStatusStrings of each release, runtime/runtime2.go and traceback.go. Waits: golang/gowait. Pure.
 */
#ifndef PARKWATCH_GOLANG_GOSTATE_H
#define PARKWATCH_GOLANG_GOSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "golang/gowait.h"

/* enum of g.atomicstatus with _Gscan (0x1000) masked off */
enum gostatus {
	GOSTATUS_IDLE,
	GOSTATUS_RUNNABLE,
	GOSTATUS_RUNNING,
	GOSTATUS_SYSCALL,
	GOSTATUS_WAITING,
	GOSTATUS_DEAD = 6,
	GOSTATUS_COPYSTACK = 8,
	GOSTATUS_PREEMPTED,
	GOSTATUS_LEAKED,
	GOSTATUS_DEADEXTRA,
	GOSTATUS_MAX
};
#define GOSTATUS_SCAN 0x1000

/* Word for a status ("waiting"); NULL if this Go version has no such status. */
const char *gostatus_name(int go_minor, uint32_t status);

/* Its wait reason counts: it waits, or was stopped. */
bool gostatus_waits(uint32_t status);

/*
 * What a goroutine does, as one number: below GOWAIT_MAX that is enum gowait, from there on a
 * status.
 */
enum gostate {
	GOSTATE_STATUS = GOWAIT_MAX,
	GOSTATE_RUNNABLE = GOSTATE_STATUS + GOSTATUS_RUNNABLE,
	GOSTATE_RUNNING = GOSTATE_STATUS + GOSTATUS_RUNNING,
	GOSTATE_SYSCALL = GOSTATE_STATUS + GOSTATUS_SYSCALL,
	GOSTATE_COPYSTACK = GOSTATE_STATUS + GOSTATUS_COPYSTACK,
	/* a status that this version does not have */
	GOSTATE_UNKNOWN = GOSTATE_STATUS + GOSTATUS_MAX,
	GOSTATE_MAX
};

/* Of what stands in the g: status, and waitreason as this version numbers it. */
enum gostate gostate_of(int go_minor, uint32_t status, uint32_t reason);

/* The wait of a state; GOWAIT_NONE: it is none. */
static inline enum gowait gostate_wait(enum gostate state)
{
	return state < GOSTATE_STATUS ? (enum gowait)state : GOWAIT_NONE;
}

/*
 * "chan receive", "running"; where Go has no word "waiting", "unknown wait reason", "unknown".
 * Never NULL.
 */
const char *gostate_word(enum gostate state);

#endif
