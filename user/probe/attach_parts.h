/* SPDX-License-Identifier: BSD-2-Clause */
/* attach_parts: what attach.c loads and links, and attach_maps.c reads; nobody else looks into it. */
#ifndef PARKWATCH_PROBE_ATTACH_PARTS_H
#define PARKWATCH_PROBE_ATTACH_PARTS_H

#include "probe/attach.h"
#include "probe/holder_request.h"

#include "parkwatch.skel.h"

struct cpu_clock;
struct probe_set;

struct attach {
	struct parkwatch *skel;  /* owned */
	const struct plan *plan; /* borrowed */
	enum attach_method method;
	enum pw_transport transport;
	uint32_t points, parts[ATTACH_PARTS];
	pid_t pid;
	char comm[64];
	struct probe_set *probes; /* owned */
	uint64_t linked_ns;       /* attach__on() began */
	int nr_cpus;              /* that counters are kept for */
	uint64_t unread;          /* readings of maps and counters that failed */
	bool part_on[ATTACH_PARTS];
	bool apart;
	bool group_on[HOLDER_PARTS]; /* by number in the probe set */
	uint32_t hz;                 /* of samples; 0: none are taken */
	struct cpu_clock *clock;     /* owned; NULL: it is off */
};

#endif
