/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event_log: single events of a recording, as a profile tells them (profile_tap), become facts
 * (facts.proto, Events) while it goes on; so do its cuts, of what has no single events.
 *
 * Memory: a batch of events, and each row of the profile once. At most max events, and
 * EVENT_LOG_CUT_ROWS_MAX rows of cuts, some 10 bytes each; those beyond are counted. Not thread-safe.
 */
#ifndef PARKWATCH_MODEL_EVENT_LOG_H
#define PARKWATCH_MODEL_EVENT_LOG_H

#include <stdint.h>

#include "base/cleanup.h"
#include "model/profile.h"
#include "names/factlog.h"

#define EVENT_LOG_CUT_ROWS_MAX (1u << 23)

struct event_log;
/* f and p: borrowed until free. max 0: no single events, cuts only. 0 or -ENOMEM. */
int event_log__new(struct factlog *f, const struct profile *p, uint64_t max,
		   struct event_log **ret);
void event_log__free(struct event_log *l);
DEFINE_SCOPED(event_log)

/* As profile_tap.event; ctx: the log. Errors are told by factlog__end(). */
void event_log__add(void *ctx, const struct row_key *key, uint64_t goid, uint64_t at_ns,
		    uint64_t value);
/* As profile_tap.cut. A cut is told whole, or it and all later ones are refused. */
void event_log__cut(void *ctx, const struct profile_cut *c, const struct row_key *key,
		    uint64_t count, uint64_t value);
/* That was the last one; until_ns: up to then every event was told, as far as max allows. */
void event_log__end(struct event_log *l, uint64_t until_ns);

#endif
