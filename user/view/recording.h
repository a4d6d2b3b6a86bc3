/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording: what a report of one process says beside its rows, and the words for events, the same
 * in every format.
 */
#ifndef PARKWATCH_VIEW_RECORDING_H
#define PARKWATCH_VIEW_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts/resource.h"
#include "model/snap.h"
#include "model/timeline.h"
#include "names/namer.h"

/*
 * What is said of a recording beside its numbers. Strings are borrowed; none may be NULL (""
 * unknown).
 */
struct report_meta {
	int pid;
	const char *comm;              /* name of the process */
	const char *exe;               /* path of its binary, as the target names it */
	const char *build_id;          /* of the binary in hex */
	const char *go_version;        /* "go1.22.1" */
	uint64_t text_start, text_end; /* the binary's code in the process, 0 unknown */
	uint64_t wall_start_ns;        /* since 1970 */
	uint64_t duration_ns;
	uint64_t gap_ns;     /* within it, and no part of it: parkwatch was stopped or held up */
	uint64_t gap_waits;  /* that were cut there */
	int64_t gap_missing; /* events that happened within it, at most; < 0: not known */
	uint64_t seen, lost; /* events */
	const char *cost;    /* "overhead 0.31% (52000 hits x 610 ns)" */
	/* What of a recording was chosen, "10 s to 20 s of 60 s, goroutine 18". NULL: all */
	const char *only;
	/* what the process says of itself; NULL: nobody asked */
	const struct resource *resource;
};

struct report {
	const struct snap *snap;
	const struct report_meta *meta;
	const struct namer *namers; /* by rt */
	size_t nr_namers;
	bool full; /* plumbing of the runtime too */
	/* What goroutines did moment by moment, and the stacks that it names; NULL: nobody recorded it. */
	const struct timeline *timeline;
	const struct stackset *stacks;
	/* pprof and format/go_text: as Go's own profile of that name (rowframer__as_go); NULL: as all formats */
	const char *as_go;
};

const char *report_event_name(enum profile_event e); /* "blocked", "births", ... */
const char *report_value_unit(enum profile_event e); /* "nanoseconds", "bytes" or "goroutines" */

/* "exact", "up to", "estimated", "by refills", "sampled" */
const char *report_measure_name(enum alloc_measure m);
/* Some row is an estimate. Of allocations the sum may be exact all the same. */
bool report_is_estimated(const struct snap *s);

/* That this is not all, or time is missing, in words for every format that has some; "": none is. */
#define REPORT_GAP_MAX 320
const char *report_gap(const struct report *r, char buf[REPORT_GAP_MAX]);

#endif
