/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_incident: groups of one watch that stand for one cause: the culprit, and those that wait
 * behind it.
 *
 * Who waits for whom is noted with the facts of the last look; model/incident joins groups after
 * the verdicts. A culprit that others leak behind is told though nothing else speaks against it;
 * its words are those of all that wait for it.
 */
#ifndef PARKWATCH_VIEW_LEAK_INCIDENT_H
#define PARKWATCH_VIEW_LEAK_INCIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/incident.h"
#include "view/chans.h"
#include "view/leaks.h"
#include "base/json_writer.h"
#include "base/textbuf.h"

#define LEAK_INCIDENT_EDGES_MAX 4194304

void leak_incidents__free(struct leak_incidents *is); /* NULL is fine */
/* Who waits for whom at the locks of runtime rt. 0 or -ENOMEM. */
int leak_incident__note(struct leaks *l, uint16_t rt, const struct chans_source *src);
/*
 * One pass of the search is done: of goals that nothing can wake, who refers to the WaitGroup that
 * they wait for, and so may be the one that should call Done. 0 or -ENOMEM.
 */
int leak_incident__refer(struct leaks *l, uint16_t rt, const struct reach_answer *a);
/* from waits for to, as is known from elsewhere. 0 or -ENOMEM */
int leak_incident__behind(struct leaks *l, uint16_t rt, uint64_t from, uint64_t to);
/* what `to` owes to who waits for the object */
enum leak_lead {
	LEAK_LEAD_MAYBE, /* it refers to the object */
	LEAK_LEAD_PLACE, /* of a limit: it has one */
	LEAK_LEAD_VALUE, /* it sends, to this one alone */
	LEAK_LEAD_CLOSE, /* it closes the channel */
};
/*
 * `to` may be only busy, or wait for the end of the program: it counts if both stand, and what it
 * does looks like a hang. 0 or -ENOMEM.
 */
int leak_incident__lead(struct leaks *l, uint16_t rt, uint64_t from, uint64_t to, uint64_t object,
			enum leak_lead lead);
/* The entries are there, with their words; not yet in order. 0 or -ENOMEM. */
int leak_incident__join(struct leaks *l);
/* What it costs with all that wait behind it: for the order. */
void leak_incident__sum(struct leaks *l);

bool leak_incident__has(const struct leaks *l, const struct leak_entry *e); /* it is in one */
/* It is told with the culprit, not by itself. */
bool leak_incident__is_folded(const struct leaks *l, const struct leak_entry *e, bool suspects);
void leak_incident__text(const struct leaks *l, const struct leak_entry *e, bool suspects,
			 struct textbuf *to);
/*
 * Of one in a cycle, or behind it: the cycle goes through a channel, a Cond or the like, and not only
 * through locks.
 */
bool leak_incident__is_mixed(const struct leaks *l, const struct leak_entry *e);

/* --- for a recording: by entry, for groups have other numbers there --- */

struct leak_incident_told {
	uint64_t goid; /* for whom most wait */
	uint32_t root; /* entry */
	uint32_t behind;
	uint16_t rt;
	uint8_t cycle_waits;
};
size_t leak_incident__nr(const struct leaks *l);
void leak_incident__tell(const struct leaks *l, size_t i, struct leak_incident_told *ret);
/* false: it is in none */
bool leak_incident__part(const struct leaks *l, const struct leak_entry *e,
			 struct incident_part *ret);
/*
 * Entries are there, each the group of its number. parts: by entry. -ENOMEM; -EINVAL: they do not
 * fit together.
 */
int leak_incident__again(struct leaks *l, const struct leak_incident_told *v, size_t nr,
			 const struct incident_part *parts);

/* fields */
void leak_incident__json(const struct leaks *l, const struct leak_entry *e, struct json_writer *w);

#endif
