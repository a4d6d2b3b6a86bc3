/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pprof_tables: the tables of one pprof profile, interned: texts, functions, locations.
 *
 * Ids are handed out one after the other from 1 (texts from 0, which is ""), as some readers
 * demand. A location is one pc with all functions inlined there, or one word in brackets (`[chan
 * receive]`), which has no address.
 */
#ifndef PARKWATCH_FORMAT_PPROF_TABLES_H
#define PARKWATCH_FORMAT_PPROF_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "view/rowframes.h"
#include "format/profile.pb-c.h"

struct pprof_map; /* content to id */

struct pprof_list { /* growing array of pointers, as protobuf-c wants them */
	void **v;
	size_t nr, cap;
};

struct pprof_tables {
	struct arena arena;
	struct pprof_list texts, functions, locations, samples;
	struct pprof_map *text_ids, *function_ids, *location_ids, *sample_ids;
	uint64_t text_start, text_end; /* pcs inside have mapping 1; both 0: all have */
};

/* All return an id of 0 or more, or -ENOMEM. */
int64_t pprof_tables__text(struct pprof_tables *t, const char *text);
/* frames[0 .. nr): one physical frame and what is inlined into it, root first. */
int64_t pprof_tables__location(struct pprof_tables *t, const struct frame *frames, size_t nr);
/*
 * Adds values to the sample of these locations and labels, which is made if there is none. 0 or
 * -ENOMEM.
 */
int pprof_tables__sample(struct pprof_tables *t, const uint64_t *locations, size_t nr,
			 const Pprof__Label *labels, size_t nr_labels, const int64_t *values,
			 size_t nr_values);
void pprof_tables__done(struct pprof_tables *t);

#endif
