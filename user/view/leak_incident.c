// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_incident.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "view/leak_cycle.h"
#include "view/leak_peer.h"
#include "view/leak_words.h"

#define NONE UINT32_MAX

typedef unsigned long long ull;

struct noted { /* a wait for somebody */
	uint64_t from, to, lock;
	uint16_t rt;
	bool known; /* from elsewhere: no lock */
	/*
	 * `to` refers to `lock`, a WaitGroup that `from` waits for, or leads it:
	 * leak_incident__lead()
	 */
	bool refers;
	uint8_t lead; /* refers: enum leak_lead */
	/* lock is a channel, a Cond or a WaitGroup that only `to` has, and others behind it */
	bool kept;
	uint8_t cycle_waits; /* enum leak_cycle: what it makes of a cycle */
	/* `from` has the lock for reading, wants it so again, and a writer waits in between */
	bool rereads;
};

struct who {
	uint64_t goid;
	uint16_t rt;
	uint8_t turn; /* enum turn: of a cycle those come first who make it */
};

enum turn { TURN_REREADS, TURN_HOLDS, TURN_REST }; /* HOLDS: see is_first() */

struct leak_incidents {
	struct noted *noted;
	size_t nr_noted, room;
	struct who *who; /* goroutines of the edges, in order */
	size_t nr_who;
	uint32_t *group; /* of each */
	struct incidents *is;
	uint32_t *entry;      /* by group: its entry, as they are now */
	uint8_t *cycle_waits; /* by incident: enum leak_cycle of its cycle */
};

static const struct leak_pattern rereads = { "recursive RLock with a writer in between",
					     "do not take the read lock again while holding it",
					     NULL };

void leak_incidents__free(struct leak_incidents *is)
{
	if (!is)
		return;
	free(is->noted);
	free(is->who);
	free(is->group);
	free(is->entry);
	free(is->cycle_waits);
	incidents__free(is->is);
	free(is);
}

/* --- who waits for whom --- */

static int add(struct leak_incidents *is, const struct noted *n)
{
	if (is->nr_noted == LEAK_INCIDENT_EDGES_MAX)
		return 0;
	if (is->nr_noted == is->room) {
		const size_t room = is->room ? is->room * 2 : 64;
		struct noted *more = reallocarray(is->noted, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		is->noted = more;
		is->room = room;
	}
	is->noted[is->nr_noted++] = *n;
	return 0;
}

static bool reads(const struct chans_source *src, const struct census_wait *w, uint32_t g)
{
	size_t nr;
	const struct ghold *h = gholds__of(src->holds, w->addr, &nr);

	if (w->kind != CENSUS_WAIT_RWMUTEX || w->direction != CENSUS_DIR_READ)
		return false;
	for (size_t i = 0; i < nr; i++)
		if (h[i].g == g && h[i].kind == GHOLD_READ)
			return true;
	return false;
}

static enum leak_cycle cycle_of(const struct wait_edge *e, const struct census_wait *w)
{
	if (wait_edge_keeps(e))
		return leak_cycle_of_wait(w);
	return w->kind == CENSUS_WAIT_WAITGROUP ? LEAK_CYCLE_DONE : LEAK_CYCLE_LOCK;
}

static int make_incidents(struct leaks *l)
{
	if (!l->incidents)
		l->incidents = calloc(1, sizeof(*l->incidents));
	return l->incidents ? 0 : -ENOMEM;
}

int leak_incident__note(struct leaks *l, uint16_t rt, const struct chans_source *src)
{
	const struct census *c = l->d->in.censuses[rt];
	int err = make_incidents(l);

	for (size_t i = 0; i < src->graph->nr_edges && !err; i++) {
		const struct wait_edge *e = &src->graph->edges[i];
		const struct census_wait *w = &c->waits[e->wait];

		err = add(l->incidents, &(struct noted){ .from = c->gs[e->g].who.goid,
							 .to = c->gs[e->to].who.goid,
							 .lock = w->addr,
							 .rt = rt,
							 .kept = wait_edge_keeps(e),
							 .cycle_waits = (uint8_t)cycle_of(e, w),
							 .rereads = reads(src, w, e->g) });
	}
	return err;
}

int leak_incident__refer(struct leaks *l, uint16_t rt, const struct reach_answer *a)
{
	const struct census *c = l->d->in.censuses[rt];
	int err = make_incidents(l);

	for (size_t i = 0; i < a->nr && !err; i++) {
		const struct census_g *g = &c->gs[a->goals[i].g];
		const uint32_t *by =
			a->goals[i].nr_keepers ? a->keepers + a->goals[i].keepers_at : NULL;

		if (g->nr_waits != 1 || c->waits[g->waits_at].kind != CENSUS_WAIT_WAITGROUP)
			continue;
		for (size_t k = 0; k < a->goals[i].nr_keepers && !err; k++)
			if (by[k] != a->goals[i].g)
				err = add(l->incidents,
					  &(struct noted){ .from = g->who.goid,
							   .to = c->gs[by[k]].who.goid,
							   .lock = c->waits[g->waits_at].addr,
							   .rt = rt,
							   .refers = true });
	}
	return err;
}

int leak_incident__behind(struct leaks *l, uint16_t rt, uint64_t from, uint64_t to)
{
	int err = make_incidents(l);

	return err ? err
		   : add(l->incidents,
			 &(struct noted){ .from = from, .to = to, .rt = rt, .known = true });
}

int leak_incident__lead(struct leaks *l, uint16_t rt, uint64_t from, uint64_t to, uint64_t object,
			enum leak_lead lead)
{
	int err = make_incidents(l);

	return err ? err
		   : add(l->incidents, &(struct noted){ .from = from,
							.to = to,
							.lock = object,
							.rt = rt,
							.refers = true,
							.lead = (uint8_t)lead });
}

/* --- goroutines as numbers --- */

static int compare_who(const void *a, const void *b)
{
	const struct who *x = a, *y = b;

	if (x->turn != y->turn)
		return x->turn < y->turn ? -1 : 1;
	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	return x->goid < y->goid ? -1 : x->goid > y->goid;
}

static uint32_t number_of(const struct leak_incidents *is, uint16_t rt, uint64_t goid)
{
	for (uint8_t turn = 0; turn <= TURN_REST && is->nr_who; turn++) {
		const struct who key = { goid, rt, turn };
		const struct who *w = bsearch(&key, is->who, is->nr_who, sizeof(key), compare_who);

		if (w)
			return (uint32_t)(w - is->who);
	}
	return NONE;
}

static void sort_who(struct leak_incidents *is)
{
	size_t nr = 0;

	if (is->nr_who)
		qsort(is->who, is->nr_who, sizeof(*is->who), compare_who);
	for (size_t i = 0; i < is->nr_who; i++)
		if (!nr || compare_who(&is->who[nr - 1], &is->who[i]))
			is->who[nr++] = is->who[i];
	is->nr_who = nr;
}

enum { HAS_LOCK = 1, WAITS_KEPT = 2, WAITS_DONE = 4, KEEPS = 8, REREADS = 16 };

/*
 * It waits for a channel with a lock that others want, or for a WaitGroup before it serves those
 * who should call Done.
 */
static bool is_first(unsigned int what)
{
	return (what & (HAS_LOCK | WAITS_KEPT)) == (HAS_LOCK | WAITS_KEPT) ||
	       (what & (WAITS_DONE | KEEPS)) == (WAITS_DONE | KEEPS);
}

static int make_who(struct leaks *l)
{
	struct leak_incidents *is = l->incidents;
	scoped_mem uint8_t *turns = NULL;

	is->who = calloc(2 * is->nr_noted + 1, sizeof(*is->who));
	if (!is->who)
		return -ENOMEM;
	for (size_t i = 0; i < is->nr_noted; i++) {
		is->who[is->nr_who++] =
			(struct who){ is->noted[i].from, is->noted[i].rt, TURN_REST };
		is->who[is->nr_who++] = (struct who){ is->noted[i].to, is->noted[i].rt, TURN_REST };
	}
	sort_who(is);
	turns = calloc(is->nr_who + 1, sizeof(*turns));
	if (!turns)
		return -ENOMEM;
	for (size_t i = 0; i < is->nr_noted; i++) {
		const struct noted *n = &is->noted[i];
		const uint32_t from = number_of(is, n->rt, n->from),
			       to = number_of(is, n->rt, n->to);

		turns[from] |= (n->rereads ? REREADS : 0) |
			       (n->kept                             ? WAITS_KEPT
				: n->cycle_waits == LEAK_CYCLE_DONE ? WAITS_DONE
								    : 0);
		turns[to] |= n->kept ? KEEPS : n->cycle_waits == LEAK_CYCLE_LOCK ? HAS_LOCK : 0;
	}
	for (size_t i = 0; i < is->nr_who; i++)
		is->who[i].turn = turns[i] & REREADS   ? TURN_REREADS
				  : is_first(turns[i]) ? TURN_HOLDS
						       : TURN_REST;
	sort_who(is);
	is->group = calloc(is->nr_who + 1, sizeof(*is->group));
	return is->group ? 0 : -ENOMEM;
}

static const struct leak_g *g_of(const struct leaks *l, uint32_t who)
{
	return leakset__get(l->set, l->incidents->who[who].rt, l->incidents->who[who].goid);
}

static void note_entries(struct leaks *l)
{
	for (size_t i = 0; i < l->nr; i++)
		l->incidents->entry[l->entries[i].group] = (uint32_t)i;
}

/* --- edges that count --- */

/* Locks that nobody got while we watched, and at which somebody stood at the look before. */
static size_t standing_locks(const struct leaks *l, uint64_t *locks)
{
	const uint8_t last = (uint8_t)(leakset__nr_looks(l->set) - 1);
	const struct leak_incidents *is = l->incidents;
	size_t nr = 0;

	for (size_t i = 0; i < is->nr_noted; i++) {
		const struct leak_g *g = leakset__get(l->set, is->noted[i].rt, is->noted[i].from);

		if (g && !is->noted[i].refers && !is->noted[i].known && g->wait_look < last &&
		    !leakset__is_passed(l->set, is->noted[i].lock))
			locks[nr++] = is->noted[i].lock;
	}
	if (nr)
		qsort(locks, nr, sizeof(*locks), order_u64);
	return nr;
}

/* A cycle counts if it was found again a moment later. */
static bool is_sure(const struct leak_g *from, const struct leak_g *to)
{
	return from->cycle && to->cycle;
}

/* It stands there for long, and no timer wakes it. */
static bool hangs(const struct leaks *l, const struct leak_g *g)
{
	const struct leak_group *gr = leakset__group(l->set, g->group);
	const uint64_t now = leakset__look_ns(l->set, leakset__nr_looks(l->set) - 1);

	return gr->class != LEAK_RUNS && gr->class != LEAK_SLEEP && !gr->timer &&
	       (!g->wait_look || (g->since_ns < now && now - g->since_ns >= l->opts.min_age_ns));
}

/* It is of a group that leaks, whoever waits for it, and has been there since a look before. */
static bool leaks_too(const struct leaks *l, const struct leak_g *g)
{
	const struct leak_entry *e = &l->entries[l->incidents->entry[g->group]];

	return e->group == g->group && leak_entry__counts(e, false) &&
	       g->wait_look < leakset__nr_looks(l->set) - 1;
}

/*
 * Who sends or closes when something is over may just wait for that: for a signal, for the end of
 * the program, at a connection that lasts. It hangs if it is kept by others, or waits for an
 * answer.
 */
static bool looks_like_a_hang(const struct leaks *l, const struct leak_g *g, enum leak_lead lead)
{
	const struct leak_entry *e = &l->entries[l->incidents->entry[g->group]];

	if (lead == LEAK_LEAD_MAYBE || lead == LEAK_LEAD_PLACE)
		return true;
	switch (leakset__group(l->set, g->group)->class) {
	case LEAK_LOCK:
	case LEAK_SEND:
	case LEAK_WAITGROUP: return true;
	case LEAK_IO:
	case LEAK_SYSCALL: return lead == LEAK_LEAD_VALUE || leak_pattern_is_answer(e->pattern);
	default:
		return lead == LEAK_LEAD_VALUE ? leak_words__own_line(l, e) != NULL
					       : leak_pattern_is_answer(e->pattern);
	}
}

/*
 * Who refers to a WaitGroup need not be the one that calls Done: not main, nor who listens, nor who
 * waits there too. It counts if it hangs, or leaks.
 */
static bool is_leader(const struct leaks *l, const struct leak_g *from, const struct leak_g *to,
		      const struct noted *n)
{
	return from->wait_look < leakset__nr_looks(l->set) - 1 && from->object == n->lock &&
	       to->object != n->lock && from->group != to->group && !to->main &&
	       leakset__group(l->set, to->group)->role == LEAK_ROLE_NONE &&
	       (leaks_too(l, to) || (hangs(l, to) && looks_like_a_hang(l, to, n->lead)));
}

static int find_incidents(struct leaks *l)
{
	struct leak_incidents *is = l->incidents;
	scoped_mem struct incident_edge *edges = calloc(is->nr_noted + 1, sizeof(*edges));
	scoped_mem uint64_t *locks = calloc(is->nr_noted + 1, sizeof(*locks));
	size_t nr = 0, nr_locks;

	if (!edges || !locks)
		return -ENOMEM;
	nr_locks = standing_locks(l, locks);
	for (size_t i = 0; i < is->nr_noted; i++) {
		const struct noted *n = &is->noted[i];
		const uint32_t from = number_of(is, n->rt, n->from),
			       to = number_of(is, n->rt, n->to);
		const struct leak_g *g = g_of(l, from), *holder = g_of(l, to);

		if (!g || !holder)
			continue;
		if (n->known    ? false
		    : n->refers ? !is_leader(l, g, holder, n)
				: !nr_locks || !bsearch(&n->lock, locks, nr_locks, sizeof(*locks),
							order_u64))
			continue;
		is->group[from] = g->group;
		is->group[to] = holder->group;
		edges[nr++] =
			(struct incident_edge){ from, to,
						is_sure(g, holder) || (n->kept && holder->cycle) };
	}
	return incidents__new(is->group, is->nr_who, leakset__nr_groups(l->set), edges, nr,
			      &is->is);
}

/* --- entries --- */

static const struct incident_part *part_of(const struct leaks *l, const struct leak_entry *e)
{
	const struct incident_part *p =
		l->incidents && l->incidents->is ? &l->incidents->is->parts[e->group] : NULL;

	return p && p->incident != INCIDENT_NONE ? p : NULL;
}

static const struct incident *incident_of(const struct leaks *l, const struct incident_part *p)
{
	return &l->incidents->is->v[p->incident];
}

/* The entry of the culprit. */
static struct leak_entry *lead_of(const struct leaks *l, const struct incident_part *p)
{
	return &l->entries[l->incidents->entry[incident_of(l, p)->root]];
}

/* Most of the group wait behind it. Of a cycle all are in. */
static bool belongs(const struct leaks *l, const struct leak_entry *e,
		    const struct incident_part *p)
{
	return p->root || 2 * (uint64_t)p->nr >= leaks__group(l, e)->nr;
}

/*
 * Who waits for one WaitGroup waits for a result, if they are many: as at a lock, they are stuck if
 * it hangs.
 */
static void note_behind_hangs(struct leaks *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		struct leak_entry *e = &l->entries[i];
		const struct leak_group *g = leaks__group(l, e);
		const struct incident_part *p = g->class == LEAK_WAITGROUP ? part_of(l, e) : NULL;
		const struct leak_g *first = p ? g_of(l, part_of(l, lead_of(l, p))->first) : NULL;

		if (!p || p->root || verdict_is_leak(e->verdict.kind) || !belongs(l, e, p) ||
		    g->aged < l->opts.min_count || g->sharing < l->opts.min_count ||
		    !hangs(l, first) || !looks_like_a_hang(l, first, LEAK_LEAD_CLOSE))
			continue;
		e->verdict.kind = VERDICT_STUCK;
		e->verdict.why = WHY_BEHIND_HANG;
	}
}

/* Others leak because of it. */
static void blame(struct leaks *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		const struct incident_part *p = part_of(l, &l->entries[i]);
		struct leak_entry *lead = p ? lead_of(l, p) : NULL;
		enum verdict_kind kind = l->entries[i].verdict.kind;

		if (!p || p->root || !verdict_is_leak(kind) || !belongs(l, &l->entries[i], p) ||
		    !hangs(l, g_of(l, part_of(l, lead)->first)))
			continue;
		kind = kind == VERDICT_SUSPECT ? VERDICT_SUSPECT : VERDICT_STUCK;
		if (lead->verdict.kind <= kind)
			continue;
		lead->verdict.kind = kind;
		lead->verdict.why = WHY_OTHERS_WAIT;
	}
}

/* One who reads twice, with a writer in between. */
static bool rereads_in(const struct leaks *l, const struct incident *in)
{
	const struct who *w = &l->incidents->who[in->first];

	return w->turn == TURN_REREADS && g_of(l, in->first)->cycle;
}

/* What each cycle goes through. */
static int sum_cycles(struct leaks *l)
{
	struct leak_incidents *is = l->incidents;
	scoped_mem bool *owes = calloc(is->nr_who + 1, sizeof(*owes));

	is->cycle_waits = calloc(is->is->nr + 1, sizeof(*is->cycle_waits));
	if (!owes || !is->cycle_waits)
		return -ENOMEM;
	for (int kept = 0; kept < 2; kept++)
		for (size_t i = 0; i < is->nr_noted; i++) {
			const struct noted *n = &is->noted[i];
			const uint32_t from = number_of(is, n->rt, n->from),
				       to = number_of(is, n->rt, n->to);
			const struct leak_g *g = g_of(l, from), *other = g_of(l, to);
			const struct incident_part *p = g ? &is->is->parts[g->group] : NULL;

			if (n->kept != kept || n->refers || !g || !other || !p->cycle ||
			    !is_sure(g, other) || (kept && !owes[from]))
				continue;
			owes[to] = true;
			is->cycle_waits[p->incident] |= n->cycle_waits;
		}
	return 0;
}

static void give_words(struct leaks *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		const struct incident_part *p = part_of(l, &l->entries[i]);
		const struct leak_pattern *words =
			p && p->cycle ? leak_cycle_pattern(l->incidents->cycle_waits[p->incident])
				      : NULL;

		if (words)
			lead_of(l, p)->pattern = l->entries[i].pattern = words;
	}
	for (size_t i = 0; i < l->nr; i++) {
		const struct incident_part *p = part_of(l, &l->entries[i]);

		if (p && p->root && rereads_in(l, incident_of(l, p)))
			l->entries[i].pattern = &rereads;
	}
	for (size_t i = 0; i < l->nr; i++) {
		const struct incident_part *p = part_of(l, &l->entries[i]);
		const struct leak_entry *lead = p ? lead_of(l, p) : NULL;

		if (lead && lead->pattern && verdict_is_leak(lead->verdict.kind) &&
		    belongs(l, &l->entries[i], p))
			l->entries[i].pattern = lead->pattern;
	}
}

int leak_incident__join(struct leaks *l)
{
	int err;

	if (!l->incidents)
		return 0;
	l->incidents->entry = calloc(leakset__nr_groups(l->set) + 1, sizeof(*l->incidents->entry));
	if (!l->incidents->entry)
		return -ENOMEM;
	note_entries(l);
	err = make_who(l);
	if (!err)
		err = find_incidents(l);
	if (!err)
		err = sum_cycles(l);
	if (err)
		return err;
	note_behind_hangs(l);
	blame(l);
	give_words(l);
	return 0;
}

void leak_incident__sum(struct leaks *l)
{
	for (size_t i = 0; i < l->nr; i++)
		l->entries[i].cause = (struct leak_cause){ .group = l->entries[i].group };
	if (l->incidents && l->incidents->is)
		note_entries(l);
	for (size_t i = 0; i < l->nr; i++) {
		struct leak_entry *e = &l->entries[i];
		const struct incident_part *p = part_of(l, e);
		struct leak_entry *lead = p && verdict_is_leak(e->verdict.kind) && belongs(l, e, p)
						  ? lead_of(l, p)
						  : e;

		lead->cause.bytes += leaks__group(l, e)->stack_bytes + leak_entry__heap(e);
		lead->cause.nr += leaks__group(l, e)->nr;
		e->cause.group = lead->group;
		e->cause.place = lead == e ? 0 : p->root ? 1 : 2;
	}
	for (size_t i = 0; i < l->nr; i++) {
		struct leak_entry *e = &l->entries[i], *lead = e;

		if (e->cause.place)
			lead = lead_of(l, part_of(l, e));
		e->cause.kind = lead->verdict.kind;
		e->cause.bytes = lead->cause.bytes;
		e->cause.nr = lead->cause.nr;
	}
}

/* --- what is told --- */

bool leak_incident__has(const struct leaks *l, const struct leak_entry *e)
{
	return part_of(l, e);
}

bool leak_incident__is_folded(const struct leaks *l, const struct leak_entry *e, bool suspects)
{
	const struct incident_part *p = part_of(l, e);
	const struct leak_entry *lead = p && belongs(l, e, p) ? lead_of(l, p) : NULL;

	return lead && lead != e && leak_entry__counts(e, suspects) &&
	       leak_entry__counts(lead, suspects);
}

static uint64_t stands_ns(const struct leaks *l, uint32_t who)
{
	const uint64_t now = leakset__look_ns(l->set, leakset__nr_looks(l->set) - 1),
		       since = g_of(l, who)->since_ns;

	return since && since < now ? now - since : 0;
}

static void put_waiting(const struct leaks *l, const struct leak_entry *e,
			const struct leak_entry *lead, bool cycle, struct textbuf *to)
{
	const struct frame *own = leak_words__own_line(l, e);

	textbuf__format(to, "              %u [%s] at %s %s:%u", leaks__group(l, e)->nr, e->reason,
			e->place.func, e->place.file[0] ? e->place.file : "?", e->place.line);
	if (own)
		textbuf__format(to, ", in %s %s:%u", own->name, own->file[0] ? own->file : "?",
				own->line);
	if (cycle)
		textbuf__text(to, ", in the cycle too");
	else if (leak_peer__is_other_end(l, e->group, lead->group))
		textbuf__text(to, ", at the other end of the connection");
	textbuf__text(to, "\n");
}

static void put_folded(const struct leaks *l, const struct leak_entry *lead, bool suspects,
		       struct textbuf *to)
{
	for (size_t i = 0; i < l->nr; i++) {
		const struct leak_entry *e = &l->entries[i];
		const struct incident_part *p = part_of(l, e);

		if (p && lead_of(l, p) == lead && leak_incident__is_folded(l, e, suspects))
			put_waiting(l, e, lead, p->root, to);
	}
}

static void put_lead(const struct leaks *l, const struct leak_entry *e,
		     const struct incident_part *p, struct textbuf *to)
{
	const struct incident *in = incident_of(l, p);
	const uint64_t goid = l->incidents->who[in->first].goid;

	const char *what = !p->cycle ? "must go on first"
			   : (l->facts && l->facts[e->group] & LEAK_FACT_ITSELF)
				   ? "waits for itself"
				   : "is in a cycle: each waits for the next";

	textbuf__format(to, "  root        goroutine %llu %s; it has been here for ", (ull)goid,
			what);
	leak_words__age(stands_ns(l, in->first), to);
	textbuf__format(to, "\n  behind it   %u goroutine%s wait%s for it\n", in->behind,
			in->behind == 1 ? "" : "s", in->behind == 1 ? "s" : "");
}

bool leak_incident__is_mixed(const struct leaks *l, const struct leak_entry *e)
{
	const struct incident_part *p = part_of(l, e);

	return p && l->incidents->cycle_waits[p->incident] & LEAK_CYCLE_KEPT;
}

void leak_incident__text(const struct leaks *l, const struct leak_entry *e, bool suspects,
			 struct textbuf *to)
{
	const struct incident_part *p = part_of(l, e);
	const struct leak_entry *lead = p ? lead_of(l, p) : NULL;

	if (lead == e) {
		put_lead(l, e, p, to);
		put_folded(l, e, suspects, to);
	} else if (lead) {
		const uint32_t first = incident_of(l, p)->first;

		textbuf__format(to, "  behind      goroutine %llu, which has been at %s %s:%u for ",
				(ull)l->incidents->who[first].goid, lead->place.func,
				lead->place.file[0] ? lead->place.file : "?", lead->place.line);
		leak_words__age(stands_ns(l, first), to);
		textbuf__text(to, "\n");
	}
}

void leak_incident__json(const struct leaks *l, const struct leak_entry *e, struct json_writer *w)
{
	const struct incident_part *p = part_of(l, e);
	const struct leak_entry *lead = p ? lead_of(l, p) : NULL;

	if (!lead) {
		jsonw_null_field(w, "incident");
		jsonw_null_field(w, "root");
		jsonw_null_field(w, "behind");
		return;
	}
	jsonw_uint_field(w, "incident", p->incident + 1u);
	jsonw_bool_field(w, "root", p->root);
	jsonw_object_field(w, "behind");
	jsonw_uint_field(w, "count", p->root ? incident_of(l, p)->behind : p->nr);
	jsonw_bool_field(w, "ring", part_of(l, lead)->cycle);
	jsonw_uint_field(w, "goid", l->incidents->who[incident_of(l, p)->first].goid);
	jsonw_seconds_field(w, "age_s", stands_ns(l, incident_of(l, p)->first));
	jsonw_object_field(w, "blocked_at");
	jsonw_string_field(w, "func", lead->place.func);
	jsonw_string_field(w, "file", lead->place.file);
	jsonw_uint_field(w, "line", lead->place.line);
	jsonw_end_object(w);
	jsonw_end_object(w);
}

/* --- for a recording --- */

size_t leak_incident__nr(const struct leaks *l)
{
	return l->incidents && l->incidents->is ? l->incidents->is->nr : 0;
}

void leak_incident__tell(const struct leaks *l, size_t i, struct leak_incident_told *ret)
{
	const struct leak_incidents *is = l->incidents;
	const struct incident *in = &is->is->v[i];

	*ret = (struct leak_incident_told){ .goid = is->who[in->first].goid,
					    .root = is->entry[in->root],
					    .behind = in->behind,
					    .rt = is->who[in->first].rt,
					    .cycle_waits = is->cycle_waits[i] };
}

bool leak_incident__part(const struct leaks *l, const struct leak_entry *e,
			 struct incident_part *ret)
{
	const struct incident_part *p = part_of(l, e);

	if (p)
		*ret = *p;
	return p;
}

static int make_room(struct leaks *l, size_t nr)
{
	struct leak_incidents *is = l->incidents = calloc(1, sizeof(*is));

	if (!is)
		return -ENOMEM;
	is->who = calloc(nr + 1, sizeof(*is->who));
	is->cycle_waits = calloc(nr + 1, sizeof(*is->cycle_waits));
	is->entry = calloc(l->nr + 1, sizeof(*is->entry));
	is->is = calloc(1, sizeof(*is->is));
	if (!is->who || !is->cycle_waits || !is->entry || !is->is)
		return -ENOMEM;
	is->is->v = calloc(nr + 1, sizeof(*is->is->v));
	is->is->parts = calloc(l->nr + 1, sizeof(*is->is->parts));
	return is->is->v && is->is->parts ? 0 : -ENOMEM;
}

int leak_incident__again(struct leaks *l, const struct leak_incident_told *v, size_t nr,
			 const struct incident_part *parts)
{
	struct leak_incidents *is;
	int err = make_room(l, nr);

	if (err)
		return err;
	is = l->incidents;
	is->nr_who = is->is->nr = nr;
	for (size_t i = 0; i < nr; i++) {
		if (v[i].root >= l->nr || parts[v[i].root].incident == INCIDENT_NONE ||
		    !leakset__get(l->set, v[i].rt, v[i].goid))
			return -EINVAL;
		is->who[i] = (struct who){ v[i].goid, v[i].rt, TURN_REST };
		is->cycle_waits[i] = v[i].cycle_waits;
		is->is->v[i] = (struct incident){ v[i].root, (uint32_t)i, v[i].behind };
	}
	for (size_t i = 0; i < l->nr; i++) {
		if (parts[i].incident != INCIDENT_NONE && parts[i].incident >= nr)
			return -EINVAL;
		is->is->parts[i] = parts[i];
	}
	return 0;
}
