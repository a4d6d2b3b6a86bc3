/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gosystem: which goroutines are the Go runtime's own (GC workers, scavenger, finalizers).
 *
 * runtime.NumGoroutine() and tracebacks leave them out, so reports do too unless asked.
 * Source: runtime/traceback.go isSystemGoroutine, Go 1.15 to 1.27: the start function's name
 * decides.
 */
#ifndef PARKWATCH_GOLANG_GOSYSTEM_H
#define PARKWATCH_GOLANG_GOSYSTEM_H

#include <stdbool.h>

/* func: name of the function at g.startpc, as pclntab has it. */
bool gosystem_start(const char *func);

/*
 * Whether func is where a stack ends that is no goroutine's: what is on it was started by nobody
 * (PW_ENDS of knobs.h).
 */
bool gosystem_bottom(const char *func);
/* Whether func is of the packages that the runtime is made of. */
bool gosystem_func(const char *func);

#endif
