/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * incident: which groups of goroutines stand for one and the same cause, and who must move first.
 *
 * An edge goes from a goroutine that waits to one that must go on before the wait can end. Who is
 * waited for and waits for nobody, or for itself in a cycle, is a root: its group is the culprit.
 * Roots of one group are one incident, and so are groups in one cycle; each other group belongs to
 * the incident behind which most of its goroutines wait. Edges that are not sure join groups, but
 * make no cycle. Pure; goroutines and groups are numbers. Time and memory are linear in goroutines
 * and edges.
 */
#ifndef PARKWATCH_MODEL_INCIDENT_H
#define PARKWATCH_MODEL_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define INCIDENT_NONE UINT32_MAX

struct incident_edge {
	uint32_t from, to; /* goroutines */
	bool sure;         /* nobody else can end the wait */
};

struct incident_part {     /* of a group in an incident */
	uint32_t incident; /* INCIDENT_NONE: it is in none, and the rest says nothing */
	bool root;
	bool cycle; /* root: some of it wait for each other, or one for itself */
	/* root: its goroutines that must move first; else those that wait behind the incident */
	uint32_t nr;
	/*
	 * root: the goroutine of it for whom most wait; else the one of it with the lowest number
	 */
	uint32_t first;
	uint32_t next; /* no root: a goroutine that must move before that can */
};

struct incident {
	uint32_t root;   /* a group: that of `first` */
	uint32_t first;  /* the goroutine for whom most wait */
	uint32_t behind; /* goroutines that wait for the roots, and are none */
};

struct incidents {
	struct incident *v; /* owned */
	size_t nr;
	struct incident_part *parts; /* by group; owned */
};

/*
 * group: of each of nr goroutines, below nr_groups. Edges may come in any order and more than once;
 * they are sorted. 0, -ENOMEM;
 * -EINVAL: a number is too high.
 */
int incidents__new(const uint32_t *group, size_t nr, size_t nr_groups, struct incident_edge *edges,
		   size_t nr_edges, struct incidents **ret);
void incidents__free(struct incidents *is);
DEFINE_SCOPED(incidents)

#endif
