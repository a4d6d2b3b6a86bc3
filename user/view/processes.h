/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * processes: the Go processes of a machine, as rows. Plain data: serve/discover fills it, a format
 * shows it.
 */
#ifndef PARKWATCH_VIEW_PROCESSES_H
#define PARKWATCH_VIEW_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cause.h"

#define PROCESS_EXE_MAX      256
#define PROCESS_VERSION_MAX  64
#define PROCESS_PATH_MAX     512
#define PROCESS_BUILD_ID_MAX 129
#define PROCESS_LABELS_MAX   256
#define PROCESS_UNKNOWN      UINT64_MAX

/* What a daemon knows of it beyond what can be seen at once (serve/ask). */
struct process_told {
	uint64_t leaking;           /* goroutines; PROCESS_UNKNOWN: no watch for leaks has ended */
	double trend, overhead_pct; /* goroutines a minute, over 10 min; NAN: not known */
	bool known;                 /* the daemon has this process; else all of it is 0 */
	bool watched;
	uint64_t restarts; /* of this program, before it; PROCESS_UNKNOWN */
	char level[8];     /* "leaks"; "": not known */
	/* What Kubernetes says of its pod, cleaned and cut; "": not known. */
	char workload_kind[64], workload[254]; /* "Deployment", "api" */
	char labels[PROCESS_LABELS_MAX]; /* "tier=front,version=7": those that are configured */
};

/* One that is Go's, or may be. No pointers: it goes through a pipe. */
struct process_row {
	int32_t pid;
	uint32_t uid;    /* effective */
	uint64_t age_ns; /* since it started */
	/* The program's path as the process sees it, cleaned, cut if it is longer. */
	char exe[PROCESS_EXE_MAX];
	char go[PROCESS_VERSION_MAX]; /* "go1.22.4"; "": not known */
	char build_id
		[PROCESS_BUILD_ID_MAX]; /* GNU's in hex, else Go's own, cleaned; "": none is known */
	char container[65], pod[37];    /* target/cgroup: its id, the pod's UID; "": none */
	/* What Kubernetes calls them, all three or none: target/pod_names. */
	char pod_name[254], pod_namespace[64], container_name[64];
	char cgroup
		[PROCESS_PATH_MAX]; /* the path of its control group, cleaned and cut as exe; "": not known */
	char cmdline
		[PROCESS_PATH_MAX]; /* its arguments, apart by ' ', cleaned and cut; "": not known */
	/* As runtime.NumGoroutine counts: without the runtime's own. Of all runtimes in it. */
	uint64_t goroutines;
	bool at_least;    /* there was no time to read them all */
	bool unread;      /* looking at it did not come to an end; it may another time */
	struct cause why; /* it cannot be watched, and this is the reason; "": it can */
	struct process_told told;
};

struct processes {
	struct process_row *rows; /* owned; most goroutines first, then by pid */
	size_t nr, room;
	size_t looked_at;      /* processes that have a program of their own: no kernel threads */
	size_t no_right;       /* of them, so many could not be looked at: no right to read them */
	const char *daemon;    /* borrowed: the URL of the one that told; NULL: none did */
	struct cause not_told; /* why it did not, if that is worth a word; "" */
};

/* The name, or the id where none is known. "": it is in none. */
static inline const char *process_row__container(const struct process_row *r)
{
	return r->container_name[0] ? r->container_name : r->container;
}

/* The name, or the UID where none is known. "": it is in none. */
static inline const char *process_row__pod(const struct process_row *r)
{
	return r->pod_name[0] ? r->pod_name : r->pod;
}

static inline void processes__done(struct processes *p)
{
	free(p->rows);
	*p = (struct processes){ .nr = 0 };
}

#endif
