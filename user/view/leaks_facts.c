// SPDX-License-Identifier: BSD-2-Clause
#include "view/leaks_facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "facts/fact_flags.h"
#include "view/leak_incident.h"
#include "view/leak_peer.h"
#include "view/leak_outgoing.h"
#include "view/leak_requests.h"

#define ROWS 1024 /* of members in one fact */

/* --- the watch --- */

struct causes {
	uint32_t *root, *runtime, *behind, *cycle_waits;
	uint64_t *goid;
};

static int causes_of(const struct leaks *l, struct causes *c, Pw__Leaks *to)
{
	const size_t nr = leak_incident__nr(l);

	c->root = calloc(nr + 1, sizeof(*c->root));
	c->runtime = calloc(nr + 1, sizeof(*c->runtime));
	c->behind = calloc(nr + 1, sizeof(*c->behind));
	c->cycle_waits = calloc(nr + 1, sizeof(*c->cycle_waits));
	c->goid = calloc(nr + 1, sizeof(*c->goid));
	if (!c->root || !c->runtime || !c->behind || !c->cycle_waits || !c->goid)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		struct leak_incident_told in;

		leak_incident__tell(l, i, &in);
		c->root[i] = in.root;
		c->goid[i] = in.goid;
		c->runtime[i] = in.rt;
		c->behind[i] = in.behind;
		c->cycle_waits[i] = in.cycle_waits;
	}
	to->n_root = nr;
	to->root = c->root;
	column_u64(&to->n_root_goid, &to->root_goid, c->goid, nr);
	column_u32(&to->n_root_runtime, &to->root_runtime, c->runtime, nr);
	column_u32(&to->n_behind, &to->behind, c->behind, nr);
	column_u32(&to->n_cycle_waits, &to->cycle_waits, c->cycle_waits, nr);
	return 0;
}

static void causes__done(struct causes *c)
{
	free(c->root);
	free(c->runtime);
	free(c->behind);
	free(c->cycle_waits);
	free(c->goid);
}

static void watch_of(const struct leaks *l, const struct leaks_show *s, Pw__Leaks *to)
{
	const struct leak_sum *all = leaks__allocs(l, NULL);

	to->first = l->nr_first;
	to->last = l->nr_last;
	to->unsettled = l->unsettled;
	to->refused = l->refused + leakset__refused(l->set);
	to->lives_known = leakset__lives_known(l->set);
	to->on_cpu = leakset__on_cpu(l->set);
	to->min_age_ns = l->opts.min_age_ns;
	to->passes = s->proof.passes;
	to->heap_bytes = s->proof.heap_bytes;
	to->proof_ns = s->proof.ns;
	to->proof_cpu_ns = s->proof.cpu_ns;
	to->doubt = (char *)s->proof.doubt;
	to->allocs_known = all != NULL;
	to->allocs_why = (char *)(s->allocs_why ? s->allocs_why : "");
	to->alloc_bytes = all ? all->bytes : 0;
	to->alloc_seen = all ? all->seen : 0;
	to->alloc_windows = l->alloc_windows;
	to->alloc_gap_ns = l->alloc_gap_ns;
	to->requests_why = (char *)(s->requests_why ? s->requests_why : "");
	to->cost_pct = s->cpu_pct;
	to->cpu_ns = s->cpu_ns;
}

static int tell_watch(struct factlog *f, const struct leaks *l, const struct leaks_show *s)
{
	uint64_t look_ns[LEAKSET_LOOKS_MAX];
	struct causes c = { 0 };
	Pw__Leaks leaks = PW__LEAKS__INIT;
	Pw__Fact fact = PW__FACT__INIT;
	int err = causes_of(l, &c, &leaks);

	for (size_t i = 0; i < leakset__nr_looks(l->set); i++)
		look_ns[i] = leakset__look_ns(l->set, i);
	leaks.n_look_ns = leakset__nr_looks(l->set);
	leaks.look_ns = look_ns;
	watch_of(l, s, &leaks);
	fact.fact_case = PW__FACT__FACT_LEAKS;
	fact.leaks = &leaks;
	factlog__group(f);
	if (!err)
		pw_writer__fact(factlog__writer(f), &fact);
	causes__done(&c);
	return err;
}

/* --- groups --- */

static uint32_t name(struct factlog *f, const char *text)
{
	return pw_writer__name(factlog__writer(f), text);
}

static uint32_t name_or_none(struct factlog *f, const char *text)
{
	return text ? name(f, text) + 1 : 0;
}

static void group_of(const struct leak_group *g, Pw__LeakGroup *to)
{
	to->class_ = g->class;
	to->role = g->role;
	to->flags |= (g->timer ? LEAK_GROUP_TIMER : 0u) | (g->endless ? LEAK_GROUP_ENDLESS : 0u) |
		     (g->loops ? LEAK_GROUP_LOOPS : 0u) |
		     (g->age_exact ? LEAK_GROUP_AGE_EXACT : 0u);
	to->count = (uint32_t *)g->count;
	to->on_cpu = g->on_cpu;
	to->stack_bytes = g->stack_bytes;
	to->old = g->old;
	to->old_ended = g->old_ended;
	to->old_went = g->old_went;
	to->old_moved = g->old_moved;
	to->old_waits = g->old_waits;
	to->old_over = g->old_over;
	to->aged = g->aged;
	to->age_min_ns = g->age_min_ns;
	to->age_max_ns = g->age_max_ns;
	to->objects = g->objects;
	to->sharing = g->sharing;
	to->leaked = g->leaked;
	to->asked = g->asked;
	to->unreached = g->unreached;
	to->by_global = g->reached[LEAK_REACHED_GLOBAL];
	to->by_stack = g->reached[LEAK_REACHED_STACK];
	to->by_other = g->reached[LEAK_REACHED_OTHER];
	to->cycles = g->cycles;
	to->behinds = g->behinds;
	to->stands = g->stands;
	to->held_up = g->held_up;
	to->due = g->due;
	to->keepers = g->keepers;
	to->unread = g->unread;
	to->unended = g->unended;
}

static void verdict_facts(struct factlog *f, const struct leak_entry *e, Pw__LeakGroup *to)
{
	to->verdict = e->verdict.kind;
	to->why = e->verdict.why;
	to->pattern = e->pattern ? name_or_none(f, e->pattern->words) : 0;
	to->cure = e->pattern ? name_or_none(f, e->pattern->cure) : 0;
	to->net = e->verdict.growth.net;
	to->windows = e->verdict.growth.windows;
	to->grew = e->verdict.growth.grew;
	to->going = e->verdict.growth.going;
	to->per_min = e->verdict.per_min;
	to->births = e->verdict.births;
	to->exits = e->verdict.exits;
}

static void entry_of(struct factlog *f, const struct leaks *l, const struct leak_entry *e,
		     Pw__LeakGroup *to)
{
	const struct leak_sum *sum = leaks__allocs(l, e);

	to->reason = name(f, e->reason);
	to->flags |= (e->blocked ? LEAK_GROUP_BLOCKED : 0u) | (e->known ? LEAK_GROUP_KNOWN : 0u) |
		     (e->labels ? LEAK_GROUP_LABELS : 0u);
	to->func = name(f, e->place.func);
	to->file = name(f, e->place.file);
	to->line = e->place.line;
	to->site_groups = e->site_groups;
	to->heap_bytes = e->heap_bytes + 1; /* not known: 0 */
	to->alloc_bytes = sum ? sum->bytes : 0;
	to->alloc_seen = sum ? sum->seen : 0;
	to->facts = l->facts ? l->facts[e->group] : 0;
	to->called = e->called.how;
	to->called_func = name(f, called__known(&e->called) ? e->called.place.func : "");
	to->called_file = name(f, called__known(&e->called) ? e->called.place.file : "");
	to->called_line = e->called.place.line;
	to->called_goid = e->called.goid;
}

static void ties_of(struct factlog *f, const struct leaks *l, const struct leak_entry *e,
		    Pw__LeakGroup *to)
{
	const struct leak_holder *h = e->group < l->nr_holders ? &l->holders[e->group] : NULL;
	const int side = leak_peer__side(l, e->group);
	struct incident_part p;

	if (h && h->kind >= 0) {
		to->holder = (uint32_t)h->kind + 1;
		to->holder_goid = h->goid;
		to->holder_addr = h->addr;
		to->holder_name = name_or_none(f, h->name);
	}
	if (leak_incident__part(l, e, &p)) {
		to->cause = p.incident + 1;
		to->cause_flags =
			(p.root ? LEAK_CAUSE_ROOT : 0u) | (p.cycle ? LEAK_CAUSE_RING : 0u);
		to->cause_nr = p.nr;
	}
	to->end = side > 0 ? LEAK_END_ACCEPTED : side < 0 ? LEAK_END_DIALLED : LEAK_END_NONE;
	to->with = l->entry_of[e->call];
}

struct route_rows {
	uint32_t relation[LEAK_ROUTES_MAX], method[LEAK_ROUTES_MAX], route[LEAK_ROUTES_MAX],
		path[LEAK_ROUTES_MAX];
	uint64_t requests[LEAK_ROUTES_MAX], over[LEAK_ROUTES_MAX], count[LEAK_ROUTES_MAX];
};

static void routes_of(struct factlog *f, const struct leak_requests *q, struct route_rows *rows,
		      Pw__LeakGroup *to)
{
	const size_t nr = q->nr_routes;

	for (size_t i = 0; i < nr; i++) {
		const struct leak_route *r = &q->routes[i];

		rows->relation[i] = r->relation;
		rows->method[i] = name_or_none(f, r->method);
		rows->route[i] = name_or_none(f, r->route);
		rows->path[i] = name_or_none(f, r->path);
		rows->requests[i] = r->requests;
		rows->over[i] = r->over;
		rows->count[i] = r->count;
	}
	to->n_route_relation = nr;
	to->route_relation = rows->relation;
	column_u32(&to->n_route_method, &to->route_method, rows->method, nr);
	column_u32(&to->n_route, &to->route, rows->route, nr);
	column_u32(&to->n_route_path, &to->route_path, rows->path, nr);
	column_u64(&to->n_route_requests, &to->route_requests, rows->requests, nr);
	column_u64(&to->n_route_over, &to->route_over, rows->over, nr);
	column_u64(&to->n_route_count, &to->route_count, rows->count, nr);
}

static void requests_of(struct factlog *f, const struct leak_requests *q, struct route_rows *rows,
			Pw__LeakGroup *to)
{
	if (!q)
		return;
	routes_of(f, q, rows, to);
	to->requests = q->of;
	to->requests_over = q->over;
	to->route_others = q->others;
	to->traces.len = q->nr_traces * sizeof(q->traces[0]);
	to->traces.data = (uint8_t *)q->traces;
	to->ignores = q->ignored.count;
	to->ignored_deadlines = q->ignored.deadlines;
	to->ignored_min_ns = q->ignored.min_ns;
	to->ignored_max_ns = q->ignored.max_ns;
	column_u64(&to->n_ignored_by, &to->ignored_by, (uint64_t *)q->ignored.by,
		   ARRAY_SIZE(q->ignored.by));
}

struct sent_rows {
	uint32_t method[LEAK_OUTGOING_MAX], scheme[LEAK_OUTGOING_MAX], host[LEAK_OUTGOING_MAX],
		path[LEAK_OUTGOING_MAX];
	uint64_t count[LEAK_OUTGOING_MAX], timed[LEAK_OUTGOING_MAX], min[LEAK_OUTGOING_MAX],
		max[LEAK_OUTGOING_MAX];
};

static void outgoing_of(struct factlog *f, const struct leak_outgoing *q, struct sent_rows *rows,
			Pw__LeakGroup *to)
{
	for (size_t i = 0; q && i < q->nr; i++) {
		const struct leak_sent *s = &q->v[i];

		rows->method[i] = name(f, s->method);
		rows->scheme[i] = name(f, s->scheme);
		rows->host[i] = name(f, s->host);
		rows->path[i] = name_or_none(f, s->path);
		rows->count[i] = s->count;
		rows->timed[i] = s->timed;
		rows->min[i] = s->min_ns;
		rows->max[i] = s->max_ns;
	}
	if (!q)
		return;
	to->n_sent_count = q->nr;
	to->sent_count = rows->count;
	column_u32(&to->n_sent_method, &to->sent_method, rows->method, q->nr);
	column_u32(&to->n_sent_scheme, &to->sent_scheme, rows->scheme, q->nr);
	column_u32(&to->n_sent_host, &to->sent_host, rows->host, q->nr);
	column_u32(&to->n_sent_path, &to->sent_path, rows->path, q->nr);
	column_u64(&to->n_sent_timed, &to->sent_timed, rows->timed, q->nr);
	column_u64(&to->n_sent_min_ns, &to->sent_min_ns, rows->min, q->nr);
	column_u64(&to->n_sent_max_ns, &to->sent_max_ns, rows->max, q->nr);
	to->sent_others = q->others;
}

static void tell_group(struct factlog *f, const struct leaks *l, const struct leak_entry *e)
{
	Pw__LeakGroup g = PW__LEAK_GROUP__INIT;
	Pw__Fact fact = PW__FACT__INIT;
	struct route_rows rows;
	struct sent_rows sent;

	factlog__group(f);
	g.n_count = leakset__nr_looks(l->set);
	group_of(leaks__group(l, e), &g);
	verdict_facts(f, e, &g);
	entry_of(f, l, e, &g);
	ties_of(f, l, e, &g);
	requests_of(f, e->requests, &rows, &g);
	outgoing_of(f, e->outgoing, &sent, &g);
	fact.fact_case = PW__FACT__FACT_LEAK_GROUP;
	fact.leak_group = &g;
	pw_writer__fact(factlog__writer(f), &fact);
}

/* --- members --- */

struct member_rows {
	int64_t goid[ROWS], since[ROWS];
	uint32_t rt[ROWS], group[ROWS], unreached[ROWS], flags[ROWS];
	size_t nr;
	struct leak_g last;
};

static void tell_members(struct factlog *f, struct member_rows *r)
{
	Pw__LeakMembers m = PW__LEAK_MEMBERS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	if (!r->nr)
		return;
	m.n_goid_delta = r->nr;
	m.goid_delta = r->goid;
	column_u32(&m.n_runtime, &m.runtime, r->rt, r->nr);
	column_u32(&m.n_group, &m.group, r->group, r->nr);
	column_s64(&m.n_since_delta, &m.since_delta, r->since, r->nr);
	column_u32(&m.n_unreached, &m.unreached, r->unreached, r->nr);
	column_u32(&m.n_flags, &m.flags, r->flags, r->nr);
	fact.fact_case = PW__FACT__FACT_LEAK_MEMBERS;
	fact.leak_members = &m;
	factlog__group(f);
	pw_writer__fact(factlog__writer(f), &fact);
	r->nr = 0;
	r->last = (struct leak_g){ 0 };
}

static void add_member(struct factlog *f, struct member_rows *r, const struct leak_g *g,
		       uint32_t group)
{
	size_t i;

	if (r->nr == ROWS)
		tell_members(f, r);
	i = r->nr++;
	r->goid[i] = (int64_t)(g->goid - r->last.goid);
	r->since[i] = (int64_t)(g->since_ns - r->last.since_ns);
	r->rt[i] = g->rt;
	r->group[i] = group;
	r->unreached[i] = g->unreached;
	r->flags[i] = g->leaked;
	r->last = *g;
}

int leaks_facts__write(struct factlog *f, const struct leaks *l, const struct leaks_show *s)
{
	scoped_mem struct member_rows *r = calloc(1, sizeof(*r));
	int err = r ? tell_watch(f, l, s) : -ENOMEM;

	for (size_t i = 0; i < l->nr && !err; i++)
		tell_group(f, l, &l->entries[i]);
	for (size_t i = 0; i < l->nr && !err; i++) {
		const struct leak_group *g = leaks__group(l, &l->entries[i]);

		for (uint32_t k = 0; k < g->nr; k++)
			add_member(f, r, leakset__member(l->set, g->first + k), (uint32_t)i);
	}
	if (!err)
		tell_members(f, r);
	return err;
}
