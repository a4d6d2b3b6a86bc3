/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gowait: why a goroutine waits, as one enum for all versions of Go.
 *
 * Each version numbers the reasons in its own way (Go 1.26 reordered them). Whoever decides
 * something by a reason asks here, with the enum; words are for printing. The rows are in
 * include/parkwatch/waits.h. Pure.
 */
#ifndef PARKWATCH_GOLANG_GOWAIT_H
#define PARKWATCH_GOLANG_GOWAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/waits.h>

/* g.waitreason of this version; GOWAIT_UNKNOWN if it has no such number. */
enum gowait gowait_of(int go_minor, uint32_t number);

/* In the newest Go's spelling: "chan receive"; "" of GOWAIT_NONE; NULL of GOWAIT_UNKNOWN. */
const char *gowait_word(enum gowait wait);
enum gowait_class gowait_class(enum gowait wait);
enum gowait_on gowait_on(enum gowait wait);

/*
 * The goroutine is really executing on a system stack although its status is waiting (runtime
 * isWaitingForSuspendG).
 */
bool gowait_is_running(enum gowait wait);

/*
 * The same wait decided with the parked stack: before Go 1.20 Mutex and RWMutex, before 1.24
 * WaitGroup all park as GOWAIT_SEMACQUIRE. funcs: names innermost first, wrappers left out. Returns
 * `wait` itself if the stack says nothing more.
 */
enum gowait gowait_refine(enum gowait wait, const char *const *funcs, size_t nr);

#endif
