/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event_facts: single events of a recording (facts.proto, Events) are counted by stack again, as many
 * as lie in a range of time or belong to some goroutines; and cuts (facts.proto, Cut), each as a
 * whole, that lie in the range or partly in it.
 *
 * From a file that is hostile input. Events are counted while they are read, so memory is that of
 * their rows.
 */
#ifndef PARKWATCH_MODEL_EVENT_FACTS_H
#define PARKWATCH_MODEL_EVENT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/textpool.h"
#include "facts/pw_reader.h"
#include "model/snap.h"

/* What of them counts: a wait for its part that lies in the range, as if only that were recorded. */
struct event_filter {
	uint64_t from_ns, to_ns; /* since the recording began; to_ns 0: to its end */
	const uint64_t *goids; /* ascending, borrowed; none: all. Cuts are of no one: none counts */
	size_t nr_goids;
};

/* What is said of them. Times: since the recording began. */
struct event_facts_about {
	enum profile_event event;
	uint64_t count;                      /* that the file has */
	uint64_t refused;                    /* over the bound for a file, by who wrote it */
	uint64_t until_ns;                   /* later ones are not all there */
	uint64_t cuts;                       /* that the file has */
	uint64_t cuts_begin_ns, cuts_end_ns; /* of the first, of the last */
	uint64_t cut_rows_refused;           /* over their bound: later cuts are missing */
	uint64_t counted;                    /* cuts that the filter let through, as the next two */
	uint64_t counted_begin_ns, counted_end_ns;
};

struct event_facts;
/* texts, filter: borrowed until free. filter NULL: none is counted. 0 or -ENOMEM. */
int event_facts__new(struct textpool *texts, const struct event_filter *filter,
		     struct event_facts **ret);
void event_facts__free(struct event_facts *e);
DEFINE_SCOPED(event_facts)

/* 1: it was for us; 0: it is of another kind; -EBADMSG, -ENOMEM with a cause. */
int event_facts__fact(struct event_facts *e, const Pw__Fact *f, const struct pw_names *names,
		      struct cause *why);
/* A fact with this number (of facts.proto, Fact) need not be read: nobody asked for single events. */
bool event_facts__skips(const struct event_facts *e, uint32_t number);
bool event_facts__about(const struct event_facts *e,
			struct event_facts_about *ret); /* false: none */
/* What was counted, which borrows from e: in *ret, the caller's. Once. 0 or -ENOMEM. */
int event_facts__snap(struct event_facts *e, struct snap **ret);

#endif
