/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * renderer: one output format: a name, the suffixes that choose it, and a function from a snap to bytes.
 *
 * A new format is one file and one line in the table in renderer.c. Renderers hold no state and write only to `out`.
 */
#ifndef PARKWATCH_REPORT_RENDERER_H
#define PARKWATCH_REPORT_RENDERER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "model/snap.h"
#include "report/namer.h"

/* What is said of a recording beside its numbers. Strings are borrowed; none may be NULL ("" unknown). */
struct report_meta {
	int pid;
	const char *comm;	/* name of the process */
	const char *exe;	/* path of its binary, as the target names it */
	const char *build_id;	/* of the binary in hex */
	const char *go_version;	/* "go1.22.1" */
	uint64_t text_start, text_end;	/* the binary's code in the process, 0 unknown */
	uint64_t wall_start_ns;	/* since 1970 */
	uint64_t duration_ns;
	uint64_t gap_ns;	/* within it, and no part of it: parkwatch was stopped or held up */
	uint64_t gap_waits;	/* that were cut there */
	uint64_t seen, lost;	/* events */
	const char *cost;	/* "overhead 0.31% (52000 hits x 610 ns)" */
};

struct report {
	const struct snap *snap;
	const struct report_meta *meta;
	const struct namer *namers;	/* by rt */
	size_t nr_namers;
	bool full;		/* plumbing of the runtime too */
};

/* Words for an event, the same in every format. */
const char *report_event_name(enum profile_event e);	/* "blocked", "births", ... */
const char *report_value_unit(enum profile_event e);	/* "nanoseconds", "bytes" or "goroutines" */

const char *report_measure_name(enum alloc_measure m);	/* "exact", "up to", "estimated", "by refills", "sampled" */
/* Some row is an estimate. Of allocations the sum may be exact all the same. */
bool report_is_estimated(const struct snap *s);

/* For renderers: writing failed just now: the errno with a cause. */
int report_write_error(struct cause *why);

struct renderer {
	const char *name;		/* for -f: "folded" */
	const char *const *suffixes;	/* ".folded", ...; ends with NULL; the first is the usual one */
	const char *what;		/* one line for --help */
	bool binary;			/* not for a terminal */
	/* NULL, or says why this build cannot: one line. */
	const char *(*missing)(void);
	/* 0, or negative errno of writing (-ENOSPC ...), -ENOMEM, -EOPNOTSUPP; with a cause. Does not flush or close out. */
	int (*render)(const struct report *r, FILE *out, struct cause *why);
};

const struct renderer *renderer_at(size_t i);		/* in order of the table; NULL after the last */
const struct renderer *renderer_by_name(const char *name); /* NULL if there is none */
const struct renderer *renderer_by_path(const char *path); /* by suffix; NULL if none fits */

extern const struct renderer renderer_folded, renderer_pprof, renderer_html, renderer_text, renderer_json;

#endif
