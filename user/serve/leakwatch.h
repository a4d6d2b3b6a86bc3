/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leakwatch: what the supervisor knows of the leaks of one target: when it is watched next
 * (model/leak_plan), the report that is on its way, and the newest whole one.
 *
 * Bounded: a report has at most LEAK_REPORT_BYTES_MAX; a larger one is refused and counted.
 */
#ifndef PARKWATCH_SERVE_LEAKWATCH_H
#define PARKWATCH_SERVE_LEAKWATCH_H

#include <stdio.h>

#include "base/cause.h"
#include "model/leak_plan.h"
#include "serve/frame.h"
#include "serve/leak_figures.h"

#define LEAK_REPORT_BYTES_MAX (16u << 20) /* a million goroutines */
/* From asking for a watch to its end; the leak worker ends by itself before. */
#define LEAKWATCH_MOST_NS (180 * NS_PER_SEC)

struct leakwatch {
	struct leak_plan plan;
	struct frame_reader from; /* the leak worker's pipe */
	char *report;             /* the newest, a recording; owned; NULL: none came yet */
	size_t report_len;
	struct leak_figures figures; /* of it */
	/* of all watches */
	uint64_t watches, failed;
	uint64_t lost;    /* events */
	uint64_t cpu_ns;  /* of ours */
	double probes_ns; /* that they cost the target */
};

void leakwatch__init(struct leakwatch *w, uint64_t now_ns);
void leakwatch__done(struct leakwatch *w);

/* Somebody has a reason to watch it soon: a storm, a slow leak. */
static inline void leakwatch__ask(struct leakwatch *w)
{
	w->plan.asked = true;
}
/* It begins. */
void leakwatch__begin(struct leakwatch *w, uint64_t now_ns);
/* Its pipe, taken over; -1: it could not be started. */
void leakwatch__attach(struct leakwatch *w, int fd);
/*
 * What the pipe has now. id: for the log. 1: there is a new report; 0: it goes on, or has ended. What
 * makes no sense is counted as failed.
 */
int leakwatch__read(struct leakwatch *w, const char *id, struct leak_turns *turns, uint64_t now_ns);
/* It was asked for, and neither came nor ended in time. */
void leakwatch__tick(struct leakwatch *w, uint64_t now_ns);

/* A report that a leak worker sent. use: gets it, borrowed for the call. 0, what use says, or negative errno with a cause. */
struct leaks;
struct leaks_show;
int leakwatch_report(const char *bytes, size_t len,
		     int (*use)(struct leaks *l, const struct leaks_show *s, void *ctx), void *ctx,
		     struct cause *why);
/* The report as `leaks -f json` shows it. 0, or negative errno with a cause. */
int leakwatch_write_json(const char *bytes, size_t len, FILE *out, struct cause *why);

#endif
