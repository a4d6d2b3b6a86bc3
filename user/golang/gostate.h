/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gostate: Go's own words for goroutine states and wait reasons, one set of words for all versions.
 *
 * Numbers differ by version (Go 1.26 reordered them); the words given are those of the newest Go. Source:
 * runtime/runtime2.go waitReasonStrings and the _G constants of each release.
 */
#ifndef PARKWATCH_GOLANG_GOSTATE_H
#define PARKWATCH_GOLANG_GOSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* enum of g.atomicstatus with _Gscan (0x1000) masked off */
enum gostatus {
	GOSTATUS_IDLE, GOSTATUS_RUNNABLE, GOSTATUS_RUNNING, GOSTATUS_SYSCALL, GOSTATUS_WAITING,
	GOSTATUS_DEAD = 6, GOSTATUS_COPYSTACK = 8, GOSTATUS_PREEMPTED, GOSTATUS_LEAKED, GOSTATUS_DEADEXTRA,
};
#define GOSTATUS_SCAN 0x1000

/* Word for a status ("waiting"); NULL if this Go version has no such status. */
const char *gostatus_name(int go_minor, uint32_t status);

/* Word for a wait reason number of this version, in the newest Go's spelling ("chan receive"); NULL if out of range. */
const char *gowait_name(int go_minor, uint32_t reason);
uint32_t gowait_max(int go_minor);	/* highest valid number */

/*
 * The same word decided with the parked stack: before Go 1.20 Mutex and RWMutex, before 1.24 WaitGroup all park
 * as "semacquire". funcs: names innermost first, wrappers left out. Returns `reason` itself if the stack says nothing more.
 */
const char *gowait_refine(const char *reason, const char *const *funcs, size_t nr);

/* The goroutine is really executing on a system stack although its status is waiting (runtime isWaitingForSuspendG). */
bool gowait_is_running(int go_minor, uint32_t reason);

#endif
