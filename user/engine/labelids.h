/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * labelids: the profile's ids of the pprof labels that records point to: read while their goroutine lives, once
 * for each goroutine and pointer. Keeps LABELIDS_MAX; then it starts anew. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_LABELIDS_H
#define PARKWATCH_ENGINE_LABELIDS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "engine/labelspace.h"
#include "model/profile.h"
#include "target/goproc.h"

#define LABELIDS_MAX 65536

struct labelids;
/* gp, profile: borrowed. */
int labelids__new(struct goproc *gp, struct profile *profile, struct labelids **ret);
void labelids__free(struct labelids *l);
DEFINE_SCOPED(labelids)

/* ptr: that goroutine goid of runtime rt has, and was found by found_ns; 0: none. */
uint32_t labelids__id(struct labelids *l, struct labelspace *space, uint64_t found_ns, uint16_t rt,
		      uint64_t goid, uint64_t ptr);

#endif
