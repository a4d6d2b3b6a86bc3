/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snap_facts: a snap to facts (facts.proto, Sums) and back: the same rows, and the same bytes in
 * every format.
 */
#ifndef PARKWATCH_MODEL_SNAP_FACTS_H
#define PARKWATCH_MODEL_SNAP_FACTS_H

#include "base/textpool.h"
#include "facts/pw_reader.h"
#include "model/snap.h"
#include "names/factlog.h"

#define SNAP_FACTS_ROWS_MAX (1u << 24)

/* 0 or -ENOMEM; errors of writing are told by factlog__end(). */
int snap_facts__write(struct factlog *f, const struct snap *s);
/* The same; its stacks are numbered from first_stack on. */
int snap_facts__write_from(struct factlog *f, const struct snap *s, uint32_t first_stack);

struct snap_facts;                                                    /* what was read so far */
int snap_facts__new(struct textpool *texts, struct snap_facts **ret); /* borrowed. 0 or -ENOMEM */
void snap_facts__free(struct snap_facts *s);
DEFINE_SCOPED(snap_facts)

/* 1: it was for us; 0: it is of another kind; -EBADMSG, -ENOMEM with a cause. */
int snap_facts__fact(struct snap_facts *s, const Pw__Fact *f, const struct pw_names *names,
		     struct cause *why);
bool snap_facts__event(const struct snap_facts *s, enum profile_event *ret); /* false: none */
/*
 * Those rows, which borrow from s: in *ret, the caller's. Once. 0, -ENOENT: nothing was counted;
 * -ENOMEM.
 */
int snap_facts__snap(struct snap_facts *s, struct snap **ret);

/*
 * What was read are the sums of nr looks, one after the other: from here on it is one look, their mean.
 * A row of less than half a goroutine is left out.
 */
void snap_facts__mean(struct snap_facts *s, uint64_t nr);

/* Rows by labels (PROFILE_ROOT_LABEL), or by requests, are not any more: those that differ in nothing else are one. */
void snap_facts__forget_labels(struct snap_facts *s);

/*
 * What was read are the sums of recordings of one event, one after the other: from here on it is one, with all
 * that they saw. Returns for how long, in ns.
 */
uint64_t snap_facts__add_up(struct snap_facts *s);

/* --- for event_facts: rows that were read and may still be changed --- */
struct snap_row *snap_facts__rows(struct snap_facts *s); /* until the next fact */
size_t snap_facts__nr(const struct snap_facts *s);
void snap_facts__keep(struct snap_facts *s, size_t nr); /* only the first ones */

#endif
