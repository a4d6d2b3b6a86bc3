/* SPDX-License-Identifier: BSD-2-Clause */
/* leakset_parts: what leakset.c batches and leakset_sum.c sums up; nobody else looks into it. */
#ifndef PARKWATCH_MODEL_LEAKSET_PARTS_H
#define PARKWATCH_MODEL_LEAKSET_PARTS_H

#include "model/leakset.h"

#define PASSED_CAP (2 * LEAKSET_PASSED_MAX)

struct leak_hold {
	uint64_t lock, holder;
	uint16_t rt;
};

/* Numbers of the elements of an array, to be found by what they hold. */
struct leak_index {
	uint32_t *v;
	size_t cap; /* a power of two, or 0 */
};

struct leakset {
	struct leakset_opts o;
	uint64_t times[LEAKSET_LOOKS_MAX];
	size_t alive[LEAKSET_LOOKS_MAX];
	size_t nr_looks;
	struct leak_g *gs;
	size_t nr, room;
	size_t next; /* the one after that which was seen last, or asked for */
	struct leak_index by_goid, by_key;
	struct leak_group *groups;
	size_t nr_groups, groups_room;
	struct leak_site {
		struct leak_lives told, seen; /* by looks, by probes */
	} * sites;
	size_t nr_sites;
	bool lives_known, parks_known;
	uint64_t *objects; /* of the look that is being taken, or was last */
	size_t nr_objects, objects_room;
	uint64_t *passed; /* set of locks; 0: empty */
	size_t nr_passed;
	struct leak_hold *holds;
	size_t nr_holds, holds_room;
	uint64_t on_cpu;
	uint64_t refused;
};

static inline uint64_t leak_hash(uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ (b * 0x9e3779b97f4a7c15ULL)) * 0xff51afd7ed558ccdULL;

	return x ^ x >> 32;
}

struct leak_g *leakset__find(const struct leakset *ls, uint16_t rt, uint64_t goid); /* NULL */
int leakset__reindex(struct leakset *ls); /* after gs were moved. 0 or -ENOMEM */

#endif
