/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timeline_facts: a timeline (model/timeline) to facts (facts.proto, Timeline) and back: the same
 * slices, and the same bytes in every format.
 *
 * What is read is hostile input. Of a range of time, or of some goroutines, only these are kept. Memory:
 * TIMELINE_FACTS_BYTES of rounds at most, and their stacks.
 */
#ifndef PARKWATCH_MODEL_TIMELINE_FACTS_H
#define PARKWATCH_MODEL_TIMELINE_FACTS_H

#include "facts/pw_reader.h"
#include "model/event_facts.h"
#include "model/stackset.h"
#include "model/timeline.h"
#include "names/factlog.h"

#define TIMELINE_FACTS_BYTES (1u << 30)

/* After timeline__order(). stacks: that its rounds name. 0 or -ENOMEM; of writing: factlog__end(). */
int timeline_facts__write(struct factlog *f, const struct timeline *t,
			  const struct stackset *stacks);

struct timeline_facts; /* what was read so far */
/* filter: borrowed until free; NULL: all of it. 0 or -ENOMEM. */
int timeline_facts__new(const struct event_filter *filter, struct timeline_facts **ret);
void timeline_facts__free(struct timeline_facts *s);
DEFINE_SCOPED(timeline_facts)

/* 1: it was for us; 0: it is of another kind; -EBADMSG, -ENOMEM with a cause. */
int timeline_facts__fact(struct timeline_facts *s, const Pw__Fact *f, struct cause *why);
/* That was the last one: it is in order. 0 or -ENOMEM. */
int timeline_facts__end(struct timeline_facts *s);
/* What was read, borrowed until free. NULL: no timeline was recorded. */
const struct timeline *timeline_facts__timeline(const struct timeline_facts *s);
const struct stackset *timeline_facts__stacks(const struct timeline_facts *s);
/* The window that was recorded, whatever was asked for. false: none was. */
bool timeline_facts__window(const struct timeline_facts *s, struct timeline_span *ret);

#endif
