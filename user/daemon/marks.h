/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * marks: which goroutines wait still since they were marked in the map of waits (docs/design.md, "From attach to the last line").
 *
 * A mark goes when its goroutine runs or parks. All are read in one walk over the map, for there may be a million. Loop thread.
 */
#ifndef PARKWATCH_DAEMON_MARKS_H
#define PARKWATCH_DAEMON_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"
#include "probe/attach.h"

struct marks;
/* Those that were made with start_ns and are there now. */
int marks__read(struct attach *a, uint64_t start_ns, struct marks **ret);
void marks__free(struct marks *m);
DEFINE_SCOPED(marks)
/* The goroutine whose g is at addr has its mark. */
bool marks__has(const struct marks *m, uint64_t addr, uint64_t goid);

#endif
