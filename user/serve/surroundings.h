/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * surroundings: what is not as it should be around a daemon, beside its rights: a kernel that attaches no probe, names of
 * pods that cannot be read, history that is not on disk, a kubelet that tells nothing. The log and /-/ready say it, with what
 * helps; the daemon does what it still can. Supervisor only.
 */
#ifndef PARKWATCH_SERVE_SURROUNDINGS_H
#define PARKWATCH_SERVE_SURROUNDINGS_H

#include <stdbool.h>

#include "base/cause.h"

struct rights;
struct textbuf;
struct store;
struct pods;

struct surroundings {
	bool in_pod; /* Kubernetes started us */
	struct cause
		no_probes; /* none can be attached, though CAP_BPF and CAP_PERFMON are there; "": they can */
	struct cause no_names;   /* of pods; "": they can be read, or Kubernetes did not start us */
	struct cause no_pods;    /* why no process here can be told to be in one; "": some can */
	struct cause no_history; /* on disk, from the start on; "": there is */
};

/* While we have rights: tries to attach a probe to a child, some 50 ms, and 200 if no method works. */
void surroundings_look(struct surroundings *s, const struct rights *r);
/* As lines of the log. */
void surroundings_say(const struct surroundings *s);
/* As lines of a text, with the rights, and what became of the others since. store NULL: none. */
void surroundings_put(const struct surroundings *s, const struct rights *r,
		      const struct store *store, const struct pods *pods, struct textbuf *to);

#endif
