/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gomap: what lies in the slots of a Go map that are in use.
 *
 * Of buckets up to Go 1.23 (runtime/map.go hmap, bmap), while it grows of the old ones too; later of
 * groups (internal/runtime/maps, 1.24 to 1.27). The target's memory is hostile: GOMAP_SLOTS_MAX
 * slots are looked at, used or not. What is told may be of a map that changes meanwhile: it is to be
 * proved like anything else (requests/prover).
 */
#ifndef PARKWATCH_REQUESTS_GOMAP_H
#define PARKWATCH_REQUESTS_GOMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "requests/prover.h"

#define GOMAP_SLOTS_MAX 65536u

/* Addresses of a key and of its element. false: that is enough. */
typedef bool gomap_fn(void *ctx, uint64_t key, uint64_t elem);

/* t: the map's type. map: the pointer that a variable of it has; 0: no map. */
void gomap__each(struct prover *p, int minor, const struct gotype *t, uint64_t map, gomap_fn *fn,
		 void *ctx);

#endif
