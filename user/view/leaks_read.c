// SPDX-License-Identifier: BSD-2-Clause
/* leaks_read: leaks out of the facts of a recording: view/leaks_facts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "facts/fact_flags.h"
#include "view/leak_call.h"
#include "view/leak_incident.h"
#include "view/leak_peer.h"
#include "view/leak_outgoing.h"
#include "view/leak_requests.h"
#include "view/leaks_facts.h"

struct read_group {
	struct verdict verdict;
	struct leak_sum allocated;
	struct leak_holder holder;
	struct incident_part part;
	struct called called;
	struct place place;
	const char *reason, *words, *cure; /* words, cure: NULL: none */
	uint64_t heap_bytes;
	uint32_t site_groups, facts, with, flags;
	enum leak_side end;
	struct leak_requests *requests; /* owned; NULL: nothing is known */
	struct leak_outgoing *outgoing; /* the same */
};

struct leaks_facts {
	struct textpool *texts; /* borrowed */
	bool begun;
	struct leakset_told told; /* groups: one more for each of v */
	struct read_group *v;
	size_t nr, room, groups_room, members_room;
	struct leak_incident_told *causes;
	size_t nr_causes;
	uint64_t first, last, unsettled, refused, min_age_ns;
	bool allocs_known;
	struct leak_sum all;
	uint32_t alloc_windows;
	uint64_t alloc_gap_ns;
	struct leaks_show show;
};

int leaks_facts__new(struct textpool *texts, struct leaks_facts **ret)
{
	struct leaks_facts *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->texts = texts;
	*ret = s;
	return 0;
}

void leaks_facts__free(struct leaks_facts *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr; i++) {
		free(s->v[i].requests);
		free(s->v[i].outgoing);
	}
	free(s->told.groups);
	free(s->told.members);
	free(s->v);
	free(s->causes);
	free(s);
}

bool leaks_facts__has(const struct leaks_facts *s)
{
	return s->begun;
}

size_t leaks_facts__groups(const struct leaks_facts *s)
{
	return s->nr;
}

/* --- the watch --- */

static int take_causes(struct leaks_facts *s, const Pw__Leaks *f, struct cause *why)
{
	const size_t nr = f->n_root;

	if (!column_fits(f->n_root_goid, nr) || !column_fits(f->n_root_runtime, nr) ||
	    !column_fits(f->n_behind, nr) || !column_fits(f->n_cycle_waits, nr) ||
	    nr > LEAKSET_GROUPS_DEFAULT)
		return book__bad(why, "columns of its causes differ in length");
	s->causes = calloc(nr + 1, sizeof(*s->causes));
	if (!s->causes)
		return cause__no_memory(why);
	s->nr_causes = nr;
	for (size_t i = 0; i < nr; i++)
		s->causes[i] = (struct leak_incident_told){
			.root = f->root[i],
			.goid = COLUMN_AT(f, root_goid, i),
			.rt = (uint16_t)COLUMN_AT(f, root_runtime, i),
			.behind = COLUMN_AT(f, behind, i),
			.cycle_waits = (uint8_t)COLUMN_AT(f, cycle_waits, i),
		};
	return 0;
}

static void take_show(struct leaks_facts *s, const Pw__Leaks *f)
{
	s->show = (struct leaks_show){
		.allocs_why = textpool__get(s->texts, f->allocs_why),
		.requests_why =
			f->requests_why[0] ? textpool__get(s->texts, f->requests_why) : NULL,
		.cpu_pct = f->cost_pct,
		.cpu_ns = f->cpu_ns,
		.proof = { .passes = f->passes,
			   .heap_bytes = f->heap_bytes,
			   .ns = f->proof_ns,
			   .cpu_ns = f->proof_cpu_ns,
			   .doubt = textpool__get(s->texts, f->doubt) },
	};
}

static int take_watch(struct leaks_facts *s, const Pw__Leaks *f, struct cause *why)
{
	if (s->begun)
		return book__bad(why, "it tells of two watches");
	/* A time that a double holds, and a part of it too. */
	if (!f->n_look_ns || f->n_look_ns > LEAKSET_LOOKS_MAX || f->cpu_ns > INT64_MAX)
		return book__bad(why, "its watch has no looks");
	s->begun = true;
	memcpy(s->told.look_ns, f->look_ns, f->n_look_ns * sizeof(*f->look_ns));
	s->told.nr_looks = f->n_look_ns;
	s->told.lives_known = f->lives_known;
	s->told.on_cpu = f->on_cpu;
	s->first = f->first;
	s->last = f->last;
	s->unsettled = f->unsettled;
	s->refused = f->refused;
	s->min_age_ns = f->min_age_ns;
	s->allocs_known = f->allocs_known;
	s->all = (struct leak_sum){ f->alloc_bytes, f->alloc_seen };
	s->alloc_windows = f->alloc_windows;
	s->alloc_gap_ns = f->alloc_gap_ns;
	take_show(s, f);
	return take_causes(s, f, why);
}

/* --- groups --- */

static const char *text_of(struct leaks_facts *s, const struct pw_names *names, uint32_t id)
{
	return textpool__get(s->texts, pw_name(names, id));
}

static const char *text_or_none(struct leaks_facts *s, const struct pw_names *names, uint32_t id)
{
	return id ? text_of(s, names, id - 1) : NULL;
}

/* A time that the sum of two does not overflow. */
#define AGO_MAX (INT64_MAX / 4)

static bool requests_fit(const Pw__LeakGroup *f)
{
	const size_t nr = f->n_route_relation;

	for (size_t i = 0; i < nr && nr <= LEAK_ROUTES_MAX; i++)
		if (!grequest_relation_word((enum grequest_relation)f->route_relation[i]))
			return false;
	return nr <= LEAK_ROUTES_MAX && !nr == !f->requests && column_fits(f->n_route_method, nr) &&
	       column_fits(f->n_route, nr) && column_fits(f->n_route_path, nr) &&
	       column_fits(f->n_route_requests, nr) && column_fits(f->n_route_over, nr) &&
	       column_fits(f->n_route_count, nr) && f->traces.len % 16 == 0 &&
	       f->traces.len <= 16 * LEAK_TRACES_MAX && f->ignored_min_ns <= AGO_MAX &&
	       f->ignored_max_ns <= AGO_MAX && f->n_ignored_by <= GCONTEXT_END_MAX + 1;
}

static bool outgoing_fits(const Pw__LeakGroup *f)
{
	const size_t nr = f->n_sent_count;

	return nr <= LEAK_OUTGOING_MAX && column_fits(f->n_sent_method, nr) &&
	       column_fits(f->n_sent_scheme, nr) && column_fits(f->n_sent_host, nr) &&
	       column_fits(f->n_sent_path, nr) && column_fits(f->n_sent_timed, nr) &&
	       column_fits(f->n_sent_min_ns, nr) && column_fits(f->n_sent_max_ns, nr);
}

/* NULL: nothing is known, or there is no memory. */
static struct leak_requests *requests_of(struct leaks_facts *s, const Pw__LeakGroup *f,
					 const struct pw_names *names)
{
	struct leak_requests *q = f->requests ? calloc(1, sizeof(*q)) : NULL;

	if (!q)
		return NULL;
	q->of = f->requests;
	q->over = f->requests_over;
	q->others = f->route_others;
	for (size_t i = 0; i < f->n_route_relation; i++)
		q->routes[q->nr_routes++] = (struct leak_route){
			.relation = (uint8_t)f->route_relation[i],
			.method = text_or_none(s, names, COLUMN_AT(f, route_method, i)),
			.route = text_or_none(s, names, COLUMN_AT(f, route, i)),
			.path = text_or_none(s, names, COLUMN_AT(f, route_path, i)),
			.requests = COLUMN_AT(f, route_requests, i),
			.over = COLUMN_AT(f, route_over, i),
			.count = COLUMN_AT(f, route_count, i),
		};
	q->nr_traces = (uint32_t)(f->traces.len / 16);
	if (q->nr_traces)
		memcpy(q->traces, f->traces.data, f->traces.len);
	q->ignored = (struct leak_ignored){
		f->ignores, f->ignored_deadlines, f->ignored_min_ns, f->ignored_max_ns, { 0 }
	};
	for (size_t i = 0; i < f->n_ignored_by; i++)
		q->ignored.by[i] = f->ignored_by[i];
	return q;
}

/* NULL: they have sent none, or there is no memory. */
static struct leak_outgoing *outgoing_of(struct leaks_facts *s, const Pw__LeakGroup *f,
					 const struct pw_names *names)
{
	struct leak_outgoing *q = f->n_sent_count ? calloc(1, sizeof(*q)) : NULL;

	if (!q)
		return NULL;
	q->others = q->count = f->sent_others;
	for (size_t i = 0; i < f->n_sent_count; i++) {
		q->v[q->nr++] = (struct leak_sent){
			.method = text_of(s, names, COLUMN_AT(f, sent_method, i)),
			.scheme = text_of(s, names, COLUMN_AT(f, sent_scheme, i)),
			.host = text_of(s, names, COLUMN_AT(f, sent_host, i)),
			.path = text_or_none(s, names, COLUMN_AT(f, sent_path, i)),
			.count = f->sent_count[i],
			.timed = COLUMN_AT(f, sent_timed, i),
			.min_ns = COLUMN_AT(f, sent_min_ns, i),
			.max_ns = COLUMN_AT(f, sent_max_ns, i),
		};
		q->count += f->sent_count[i];
	}
	return q;
}

static bool is_whole(const struct leaks_facts *s, const Pw__LeakGroup *f)
{
	return f->n_count == s->told.nr_looks && f->class_ < LEAK_CLASSES &&
	       f->role <= LEAK_ROLE_CLIENT && f->verdict < VERDICT_KINDS && f->why < WHY_KINDS &&
	       f->called <= CALLED_UNWATCHED && f->end <= LEAK_END_DIALLED &&
	       f->holder <= REACH_TIMER + 1 && f->on_cpu <= s->told.on_cpu && requests_fit(f) &&
	       outgoing_fits(f);
}

static struct leak_group group_of(const Pw__LeakGroup *f)
{
	struct leak_group g = {
		.class = (uint8_t)f->class_,
		.role = (uint8_t)f->role,
		.timer = f->flags & LEAK_GROUP_TIMER,
		.endless = f->flags & LEAK_GROUP_ENDLESS,
		.loops = f->flags & LEAK_GROUP_LOOPS,
		.age_exact = f->flags & LEAK_GROUP_AGE_EXACT,
		.on_cpu = f->on_cpu,
		.stack_bytes = f->stack_bytes,
		.old = f->old,
		.old_ended = f->old_ended,
		.old_went = f->old_went,
		.old_moved = f->old_moved,
		.old_waits = f->old_waits,
		.old_over = f->old_over,
		.aged = f->aged,
		.age_min_ns = f->age_min_ns,
		.age_max_ns = f->age_max_ns,
		.objects = f->objects,
		.sharing = f->sharing,
		.leaked = f->leaked,
		.asked = f->asked,
		.unreached = f->unreached,
		.reached = { [LEAK_REACHED_GLOBAL] = f->by_global,
			     [LEAK_REACHED_STACK] = f->by_stack,
			     [LEAK_REACHED_OTHER] = f->by_other },
		.cycles = f->cycles,
		.behinds = f->behinds,
		.stands = f->stands,
		.held_up = f->held_up,
		.due = f->due,
		.keepers = f->keepers,
		.unread = f->unread,
		.unended = f->unended,
	};

	memcpy(g.count, f->count, f->n_count * sizeof(*f->count));
	return g;
}

static struct verdict verdict_in(const Pw__LeakGroup *f)
{
	return (struct verdict){
		.kind = (enum verdict_kind)f->verdict,
		.why = (enum verdict_why)f->why,
		.growth = { .net = f->net,
			    .windows = f->windows,
			    .grew = f->grew,
			    .going = f->going },
		.per_min = f->per_min,
		.births = f->births,
		.exits = f->exits,
	};
}

static struct read_group entry_of(struct leaks_facts *s, const Pw__LeakGroup *f,
				  const struct pw_names *names)
{
	return (struct read_group){
		.verdict = verdict_in(f),
		.allocated = { f->alloc_bytes, f->alloc_seen },
		.holder = { .kind = (int)f->holder - 1,
			    .goid = f->holder_goid,
			    .addr = f->holder_addr,
			    .name = text_or_none(s, names, f->holder_name) },
		.part = { .incident = f->cause - 1, /* none: INCIDENT_NONE */
			  .root = f->cause_flags & LEAK_CAUSE_ROOT,
			  .cycle = f->cause_flags & LEAK_CAUSE_RING,
			  .nr = f->cause_nr },
		.called = { .how = (enum called_how)f->called,
			    .place = { text_of(s, names, f->called_func),
				       text_of(s, names, f->called_file), f->called_line },
			    .goid = f->called_goid },
		.place = { text_of(s, names, f->func), text_of(s, names, f->file), f->line },
		.reason = text_of(s, names, f->reason),
		.words = text_or_none(s, names, f->pattern),
		.cure = text_or_none(s, names, f->cure),
		.heap_bytes = f->heap_bytes - 1, /* not known: LEAK_HEAP_UNKNOWN */
		.site_groups = f->site_groups,
		.facts = f->facts,
		.with = f->with,
		.flags = f->flags,
		.end = (enum leak_side)f->end,
	};
}

static int take_group(struct leaks_facts *s, const Pw__LeakGroup *f, const struct pw_names *names,
		      struct cause *why)
{
	if (!s->begun || !is_whole(s, f))
		return book__bad(why, "a group of its leaks is not whole");
	if (s->nr >= LEAKSET_GROUPS_DEFAULT)
		return book__bad(why, "it has too many groups");
	if (vec__reserve(&s->v, &s->room, s->nr + 1, sizeof(*s->v)) ||
	    vec__reserve(&s->told.groups, &s->groups_room, s->nr + 1, sizeof(*s->told.groups)))
		return cause__no_memory(why);
	s->told.groups[s->nr] = group_of(f);
	s->v[s->nr] = entry_of(s, f, names);
	s->v[s->nr].requests = requests_of(s, f, names);
	s->v[s->nr].outgoing = outgoing_of(s, f, names);
	if ((f->requests && !s->v[s->nr].requests) || (f->n_sent_count && !s->v[s->nr].outgoing))
		return cause__no_memory(why);
	s->told.nr_groups = ++s->nr;
	return 0;
}

/* --- members --- */

static int take_members(struct leaks_facts *s, const Pw__LeakMembers *f, struct cause *why)
{
	const size_t nr = f->n_goid_delta;
	struct leak_g g = { .item = LEAK_NO_ITEM };

	if (!s->begun || !column_fits(f->n_runtime, nr) || !column_fits(f->n_group, nr) ||
	    !column_fits(f->n_since_delta, nr) || !column_fits(f->n_unreached, nr) ||
	    !column_fits(f->n_flags, nr))
		return book__bad(why, "columns of its leaks differ in length");
	if (nr > LEAKSET_GOROUTINES_DEFAULT - s->told.nr)
		return book__bad(why, "its groups have too many goroutines");
	if (vec__reserve(&s->told.members, &s->members_room, s->told.nr + nr,
			 sizeof(*s->told.members)))
		return cause__no_memory(why);
	for (size_t i = 0; i < nr; i++) {
		g.goid += (uint64_t)f->goid_delta[i];
		g.since_ns += (uint64_t)COLUMN_AT(f, since_delta, i);
		g.rt = (uint16_t)COLUMN_AT(f, runtime, i);
		g.group = COLUMN_AT(f, group, i);
		g.unreached = (uint8_t)COLUMN_AT(f, unreached, i);
		g.leaked = COLUMN_AT(f, flags, i) & 1;
		s->told.members[s->told.nr++] = g;
	}
	return 0;
}

int leaks_facts__fact(struct leaks_facts *s, const Pw__Fact *f, const struct pw_names *names,
		      struct cause *why)
{
	int err;

	switch (f->fact_case) {
	case PW__FACT__FACT_LEAKS: err = take_watch(s, f->leaks, why); break;
	case PW__FACT__FACT_LEAK_GROUP: err = take_group(s, f->leak_group, names, why); break;
	case PW__FACT__FACT_LEAK_MEMBERS: err = take_members(s, f->leak_members, why); break;
	default: return 0;
	}
	return err ? err : 1;
}

/* --- the leaks --- */

/* Each member is a goroutine of the last look, and stands where that says. */
static int find_members(struct leaks_facts *s, const struct dump *d, struct cause *why)
{
	for (size_t i = 0; i < s->told.nr; i++) {
		struct leak_g *g = &s->told.members[i];
		size_t stack;

		if (g->group >= s->nr || !dump__find(d, g->rt, g->goid, &g->item))
			return book__bad(why, "a goroutine of its leaks is not there");
		stack = dump__stack(d, &d->rows[g->item]);
		g->stack = stack == DUMP_NO_STACK ? UINT32_MAX : (uint32_t)stack;
	}
	return 0;
}

static const char *known_text(struct leaks *l, const char *text)
{
	return text ? framer__text(l->framer, text) : NULL;
}

static struct place known_place(struct leaks *l, const struct place *p)
{
	return (struct place){ framer__text(l->framer, p->func), framer__text(l->framer, p->file),
			       p->line };
}

/* Takes them. */
static const struct leak_requests *known_requests(struct leaks *l, struct read_group *r)
{
	struct leak_requests *q = steal(r->requests);

	for (uint32_t i = 0; q && i < q->nr_routes; i++) {
		q->routes[i].method = known_text(l, q->routes[i].method);
		q->routes[i].route = known_text(l, q->routes[i].route);
		q->routes[i].path = known_text(l, q->routes[i].path);
	}
	return q;
}

/* The same. */
static const struct leak_outgoing *known_outgoing(struct leaks *l, struct read_group *r)
{
	struct leak_outgoing *q = steal(r->outgoing);

	for (uint32_t i = 0; q && i < q->nr; i++) {
		q->v[i].method = known_text(l, q->v[i].method);
		q->v[i].scheme = known_text(l, q->v[i].scheme);
		q->v[i].host = known_text(l, q->v[i].host);
		q->v[i].path = known_text(l, q->v[i].path);
	}
	return q;
}

/* Entry i is group i. */
static void make_entry(struct leaks *l, struct read_group *r, uint32_t i)
{
	struct leak_entry *e = &l->entries[i];

	*e = (struct leak_entry){
		.group = i,
		.verdict = r->verdict,
		.known = r->flags & LEAK_GROUP_KNOWN,
		.reason = framer__text(l->framer, r->reason),
		.place = known_place(l, &r->place),
		.blocked = r->flags & LEAK_GROUP_BLOCKED,
		.site_groups = r->site_groups,
		.heap_bytes = r->heap_bytes,
		.called = { r->called.how, known_place(l, &r->called.place), r->called.goid },
		.call = r->with,
		.requests = known_requests(l, r),
		.outgoing = known_outgoing(l, r),
	};
	l->patterns[i].words = known_text(l, r->words);
	l->patterns[i].cure = known_text(l, r->cure);
	e->pattern = r->words ? &l->patterns[i] : NULL;
	l->facts[i] = r->facts;
	l->holders[i] = r->holder;
	l->holders[i].name = known_text(l, r->holder.name);
	if (l->allocated)
		l->allocated[i] = r->allocated;
}

static int make_entries(struct leaks *l, struct leaks_facts *s, struct cause *why)
{
	l->entries = calloc(s->nr + 1, sizeof(*l->entries));
	l->entry_of = calloc(s->nr + 1, sizeof(*l->entry_of));
	l->patterns = calloc(s->nr + 1, sizeof(*l->patterns));
	l->facts = calloc(s->nr + 1, sizeof(*l->facts));
	l->holders = calloc(s->nr + 1, sizeof(*l->holders));
	if (s->allocs_known)
		l->allocated = calloc(s->nr + 1, sizeof(*l->allocated));
	if (!l->entries || !l->entry_of || !l->patterns || !l->facts || !l->holders ||
	    (s->allocs_known && !l->allocated))
		return cause__no_memory(why);
	l->nr_holders = s->nr;
	if (l->allocated)
		l->allocated[s->nr] = s->all;
	for (size_t i = 0; i < s->nr; i++) {
		if (!leakset__group(l->set, i)->nr || s->v[i].with >= s->nr)
			return book__bad(why, "a group of its leaks has no goroutines");
		make_entry(l, &s->v[i], (uint32_t)i);
		l->nr++;
		if (leaks__see_entry(l, &l->entries[i]))
			return cause__no_memory(why);
	}
	return 0;
}

static int join_entries(struct leaks *l, const struct leaks_facts *s, struct cause *why)
{
	scoped_mem struct incident_part *parts = calloc(s->nr + 1, sizeof(*parts));
	int err = parts ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->nr && !err; i++) {
		parts[i] = s->v[i].part;
		if (s->v[i].end)
			err = leak_peer__stands(l, (uint32_t)i,
						s->v[i].end == LEAK_END_ACCEPTED ? 1 : -1);
	}
	if (!err)
		err = leak_incident__again(l, s->causes, s->nr_causes, parts);
	if (err)
		return err == -EINVAL ? book__bad(why, "causes of its leaks do not fit together")
				      : cause__no_memory(why);
	/* As in leaks__rank(): they are in order. */
	leak_incident__sum(l);
	leak_call__sum(l);
	return 0;
}

static int tell_labels(struct leaks *l, const struct leaks_facts *s, const struct labelbook *labels,
		       struct cause *why)
{
	if (leaks__label(l, labels))
		return cause__no_memory(why);
	for (size_t i = 0; i < l->nr; i++)
		if (!(s->v[i].flags & LEAK_GROUP_LABELS)) {
			free((void *)l->entries[i].labels);
			l->entries[i].labels = NULL;
		}
	return 0;
}

static int make_set(struct leaks *l, struct leaks_facts *s, const struct dump_input *in,
		    struct cause *why)
{
	struct dump_input mine = *in;
	struct leakset *set = NULL;
	int err;

	mine.labels = NULL;
	mine.framer = l->framer;
	err = dump__new(&mine, &(struct dump_opts){ .system = true }, &l->d);
	if (err)
		return cause__no_memory(why);
	err = find_members(s, l->d, why);
	if (err)
		return err;
	if (leakset__of_told(&s->told, &set))
		return cause__no_memory(why);
	leakset__free(l->set);
	l->set = set;
	l->nr_first = s->first;
	l->nr_last = s->last;
	l->unsettled = s->unsettled;
	l->refused = s->refused;
	l->opts.min_age_ns = s->min_age_ns;
	l->alloc_windows = s->alloc_windows;
	l->alloc_gap_ns = s->alloc_gap_ns;
	return 0;
}

int leaks_facts__leaks(struct leaks_facts *s, const struct dump_input *in, struct leaks **ret,
		       struct leaks_show *ret_show, struct cause *why)
{
	scoped(leaks) l = NULL;
	int err;

	if (!s->begun)
		return cause__set(why, -ENOENT, "it tells of no watch");
	err = leaks__new(in->namers, in->nr, &l) ? cause__no_memory(why) : make_set(l, s, in, why);
	if (!err)
		err = make_entries(l, s, why);
	if (!err)
		err = join_entries(l, s, why);
	if (!err)
		err = tell_labels(l, s, in->labels, why);
	if (err)
		return err;
	*ret_show = s->show;
	*ret = steal(l);
	return 0;
}
