/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * systems: goroutines of the runtime itself, which runtime.NumGoroutine leaves out: by the function that
 * they were started with; and those, and their stacks, that are kept because a target that has ended
 * cannot be asked who waited.
 *
 * Plain value; not thread-safe. Bounded: what is beyond is asked for anew, or not kept.
 */
#ifndef PARKWATCH_ENGINE_SYSTEMS_H
#define PARKWATCH_ENGINE_SYSTEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "target/goproc.h"

#define SYSTEMS_STACK (1ULL << 32) /* in rt: the id is that of a stack, else a goid */

struct start_entry;
struct system_entry;
struct systems {           /* begins as { .gp = ... } */
	struct goproc *gp; /* borrowed */
	struct start_entry *starts;
	struct system_entry *known;
};
void systems__done(struct systems *s);

bool systems__start(struct systems *s, uint16_t rt, uint64_t startpc); /* startpc: not 0 */
bool systems__knows(const struct systems *s, uint64_t id, uint64_t rt);
void systems__know(struct systems *s, uint64_t id, uint64_t rt);

#endif
