// SPDX-License-Identifier: BSD-2-Clause
#include "view/leaks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/heart.h"
#include "golang/gofacts.h"
#include "golang/gostate.h"
#include "view/leak_incident.h"
#include "view/leak_limit.h"
#include "view/leak_names.h"
#include "view/leak_peer.h"

#define UNKNOWN       UINT32_MAX
#define SAMPLE        16 /* members whose channels are looked at */
#define BEHIND_ROUNDS 64 /* goroutines in a row that wait for each other */

/* What the goroutines of one look share, worked out once. */
struct look {
	struct leaks *l;
	struct dump *d;
	uint32_t *made;    /* of each site: number of its place, or UNKNOWN */
	uint32_t *places;  /* of each stack, the same */
	uint8_t *roles;    /* of each stack */
	bool *allocates;   /* the same */
	uint64_t *objects; /* of the goroutine that is looked at: room for CENSUS_CASES_MAX */
};

int leaks__new(const struct namer *namers, size_t nr_rt, struct leaks **ret)
{
	scoped(leaks) l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	err = framer__new(namers, nr_rt, &l->framer);
	if (!err)
		err = leak_names__new(&l->names);
	if (!err)
		err = leakset__new(&(struct leakset_opts){ 0 }, &l->set);
	if (!err)
		err = births__new(&l->births);
	if (err)
		return err;
	*ret = steal(l);
	return 0;
}

void leaks__free(struct leaks *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->nr; i++) {
		free((void *)l->entries[i].labels);
		free((void *)l->entries[i].requests);
		free((void *)l->entries[i].outgoing);
	}
	free(l->entries);
	free(l->entry_of);
	free(l->facts);
	free(l->locked_at);
	free(l->patterns);
	free(l->allocated);
	free(l->holders);
	leak_incidents__free(l->incidents);
	leak_peers__free(l->peers);
	leak_ends__done(&l->ends);
	dump__free(l->d);
	leakset__free(l->set);
	births__free(l->births);
	leak_names__free(l->names);
	framer__free(l->framer);
	free(l);
}

/* --- one look --- */

static void look__done(struct look *k)
{
	free(k->made);
	free(k->places);
	free(k->roles);
	free(k->allocates);
	free(k->objects);
}

static uint32_t *unknown_numbers(size_t nr)
{
	uint32_t *v = reallocarray(NULL, nr + 1, sizeof(*v));

	if (v)
		memset(v, 0xff, (nr + 1) * sizeof(*v));
	return v;
}

static int look__init(struct look *k)
{
	k->made = unknown_numbers(k->d->sites->nr);
	k->places = unknown_numbers(k->d->nr_stacks);
	k->roles = calloc(k->d->nr_stacks + 1, sizeof(*k->roles));
	k->allocates = calloc(k->d->nr_stacks + 1, sizeof(*k->allocates));
	k->objects = calloc(CENSUS_CASES_MAX, sizeof(*k->objects));
	return k->made && k->places && k->roles && k->allocates && k->objects ? 0 : -ENOMEM;
}

static uint32_t place_of_site(struct leaks *l, const struct site *s)
{
	return leak_names__place(l->names, &(struct place){ s->func, s->file, s->line });
}

static uint32_t look__made(struct look *k, const struct dump_row *r)
{
	const struct site *s = dump__site(k->d, r->made);

	if (!s)
		return 0;
	if (k->made[r->made] == UNKNOWN)
		k->made[r->made] = place_of_site(k->l, s);
	return k->made[r->made];
}

static int look__stack(struct look *k, size_t stack)
{
	const struct frame *v;
	struct place p;
	size_t nr = 0;
	int err;

	if (k->places[stack] != UNKNOWN)
		return 0;
	err = place_of_wait(k->d, stack, &p);
	if (!err)
		err = dump__frames(k->d, stack, DUMP_FRAMES, &v, &nr);
	if (err)
		return err;
	k->places[stack] = leak_names__place(k->l->names, &p);
	k->roles[stack] = (uint8_t)leak_role_of(v, nr);
	k->allocates[stack] = leak_allocates(v, nr);
	return 0;
}

/* Those that run are one group for each place where they were made: where they are is chance. */
static void look__key(struct look *k, const struct dump_row *r, struct leak_seen *s)
{
	const bool known = s->stack != UNKNOWN;

	s->class = (uint8_t)(known && k->allocates[s->stack] ? LEAK_RUNS
							     : leak_class_of(dump__state(k->d, r)));
	s->key.made = look__made(k, r);
	if (s->class == LEAK_RUNS) {
		s->key.reason = GOSTATE_RUNNING;
		return;
	}
	s->key.reason = dump__state(k->d, r);
	s->key.place = known ? k->places[s->stack] : 0;
	s->role = known ? k->roles[s->stack] : LEAK_ROLE_NONE;
}

/* Once for each: there may be a million at every look. */
static void look__note_birth(const struct look *k, uint16_t rt, const struct census_g *g)
{
	if (leakset__is_new(k->l->set, rt, g->who.goid))
		births__before(k->l->births, rt, &g->who);
}

static int look__see(struct look *k, size_t i)
{
	const struct dump_row *r = &k->d->rows[i];
	const struct census *c = k->d->in.censuses[r->rt];
	const struct census_g *g = dump__g(k->d, r);
	const size_t stack = dump__stack(k->d, r);
	const bool counts = gofacts_has(k->d->in.namers[r->rt].go_minor, GO_RUNS_COUNTED);
	struct leak_seen s = {
		.goid = g->who.goid,
		.wait = census__wait_number(c, g, counts),
		.unsure = !counts,
		.since_ns = g->waitsince_ns,
		.stack_bytes = g->stack_hi - g->stack_lo,
		.objects = k->objects,
		.item = (uint32_t)i,
		.stack = UNKNOWN,
		.rt = r->rt,
		.main = g->who.goid == 1,
		.leaked = g->status == GOSTATUS_LEAKED,
		.on_cpu = g->status == GOSTATUS_RUNNING,
	};
	int err;

	heart__beat();
	if (stack != DUMP_NO_STACK) {
		err = look__stack(k, stack);
		if (err)
			return err;
		s.stack = (uint32_t)stack;
	}
	look__key(k, r, &s);
	if (r->system)
		s.role = LEAK_ROLE_RUNTIME;
	else
		k->l->nr_last++;
	for (uint32_t w = 0; w < g->nr_waits && s.nr_objects < CENSUS_CASES_MAX; w++)
		k->objects[s.nr_objects++] = c->waits[g->waits_at + w].addr;
	err = leakset__see(k->l->set, &s);
	look__note_birth(k, r->rt, g);
	return err == -ENOSPC ? 0 : err; /* counted there */
}

/* One that never held still, as it was when it was met. It is in no row. */
static int look__miss(const struct look *k, uint16_t rt, const struct census_g *g)
{
	const uint32_t start = sites__of(k->d->sites, rt, SITE_START, g->who.startpc, NULL),
		       made = sites__of(k->d->sites, rt, SITE_MADE, g->who.gopc, NULL);
	const struct site *s = dump__site(k->d, made), *runs = dump__site(k->d, start);
	struct leak_seen seen = {
		.goid = g->who.goid,
		.stack_bytes = g->stack_hi - g->stack_lo,
		.key.made = s ? place_of_site(k->l, s) : 0,
		.key.reason = GOSTATE_RUNNING,
		.item = LEAK_NO_ITEM,
		.stack = UNKNOWN,
		.rt = rt,
		.class = LEAK_RUNS,
		.main = g->who.goid == 1,
		.on_cpu = g->status == GOSTATUS_RUNNING,
	};
	int err = 0;

	if ((g->status == GOSTATUS_RUNNING || g->status == GOSTATUS_RUNNABLE) &&
	    !(runs && runs->system))
		err = leakset__see(k->l->set, &seen);
	leakset__miss(k->l->set, rt, g->who.goid);
	return err == -ENOSPC ? 0 : err;
}

static int look__missed(const struct look *k)
{
	int err = 0;

	for (uint16_t rt = 0; rt < k->d->in.nr; rt++) {
		const struct census *c = k->d->in.censuses[rt];

		for (size_t i = 0; i < c->nr_moved && !err; i++)
			err = c->moved[i].pc ? look__miss(k, rt, &c->moved[i].g) : 0;
	}
	return err;
}

int leaks__look(struct leaks *l, const struct dump_input *in, uint64_t taken_ns)
{
	struct dump_input mine = *in;
	struct look k = { .l = l };
	int err;

	err = leakset__look(l->set, taken_ns);
	if (err)
		return err;
	dump__free(l->d);
	l->d = NULL;
	mine.framer = l->framer;
	err = dump__new(&mine, &(struct dump_opts){ .system = true }, &l->d);
	if (err)
		return err;
	k.d = l->d;
	l->nr_last = 0;
	err = look__init(&k);
	for (size_t i = 0; i < l->d->nr && !err; i++)
		err = look__see(&k, i);
	if (!err)
		err = look__missed(&k);
	look__done(&k);
	if (!err)
		err = leakset__seen(l->set);
	if (leakset__nr_looks(l->set) == 1)
		l->nr_first = l->nr_last;
	l->unsettled += l->d->counts.unsettled;
	l->refused += l->d->counts.refused;
	return err;
}

/* --- births and exits --- */

void leaks__record(struct leaks *l, const struct pw_hdr *h)
{
	births__record(l->births, h);
}

void leaks__life(struct leaks *l, uint16_t rt, uint64_t gopc, uint64_t startpc, uint64_t ts_ns,
		 bool birth)
{
	uint32_t start, made;
	const struct site *s;

	if (!l->d)
		return;
	start = sites__of(l->d->sites, rt, SITE_START, startpc, NULL);
	s = dump__site(l->d, start);
	if (s && s->system)
		return;
	made = sites__of(l->d->sites, rt, SITE_MADE, gopc, NULL);
	s = dump__site(l->d, made);
	leakset__life(l->set, s ? place_of_site(l, s) : 0, ts_ns, birth);
}

void leaks__lives(struct leaks *l)
{
	leakset__lives(l->set);
}

void leaks__parked(struct leaks *l, uint16_t rt, uint64_t goid, uint64_t since_ns)
{
	leakset__parked(l->set, rt, goid, since_ns);
}

void leaks__parks(struct leaks *l)
{
	leakset__parks(l->set);
}

/* --- the search for what refers to what they wait for --- */

static bool may_be_searched_for(enum leak_class class)
{
	return (class >= LEAK_RECEIVE && class <= LEAK_SEMAPHORE) || class == LEAK_COROUTINE;
}

int leaks__goals(const struct leaks *l, uint16_t rt, uint32_t **ret, size_t *ret_nr)
{
	const uint8_t look = (uint8_t)(leakset__nr_looks(l->set) - 1);
	scoped_mem uint32_t *goals = calloc(LEAKS_GOALS_MAX, sizeof(*goals));
	scoped_mem uint16_t *of_group = calloc(leakset__nr_groups(l->set) + 1, sizeof(*of_group));
	size_t nr = 0;

	if (!goals || !of_group)
		return -ENOMEM;
	for (size_t i = 0; i < l->d->nr && nr < LEAKS_GOALS_MAX; i++) {
		const struct dump_row *r = &l->d->rows[i];
		const struct leak_g *g =
			r->rt == rt ? leakset__get(l->set, rt, dump__g(l->d, r)->who.goid) : NULL;

		heart__beat();
		if (!g || g->wait_look == look || of_group[g->group] == LEAKS_GOALS ||
		    !may_be_searched_for(leakset__group(l->set, g->group)->class))
			continue;
		of_group[g->group]++;
		goals[nr++] = r->g;
	}
	*ret = steal(goals);
	*ret_nr = nr;
	return 0;
}

static int make_holders(struct leaks *l)
{
	const size_t nr = leakset__nr_groups(l->set);
	struct leak_holder *more;

	if (nr <= l->nr_holders)
		return 0;
	more = reallocarray(l->holders, nr, sizeof(*more));
	if (!more)
		return -ENOMEM;
	for (size_t i = l->nr_holders; i < nr; i++)
		more[i] = (struct leak_holder){ .kind = -1 };
	l->holders = more;
	l->nr_holders = nr;
	return 0;
}

int leaks__held(struct leaks *l, uint32_t group, const struct reach_goal *goal, bool anew)
{
	struct leak_holder *h;
	int err = make_holders(l);

	if (err)
		return err;
	h = &l->holders[group];
	if (anew)
		h->asked = h->first = 0;
	h->kind = goal->root;
	h->goid = goal->root_goid;
	h->addr = goal->root_addr;
	h->asked++;
	h->first += goal->root == REACH_STACK && goal->root_goid == 1;
	return 0;
}

static enum leak_reach held_by(struct leaks *l, const struct leak_g *g,
			       const struct reach_goal *goal)
{
	(void)leaks__held(l, g->group, goal, false); /* no memory: the holder is not told */
	return goal->root == REACH_GLOBAL  ? LEAK_REACHED_GLOBAL
	       : goal->root == REACH_STACK ? LEAK_REACHED_STACK
					   : LEAK_REACHED_OTHER;
}

void leaks__proved(struct leaks *l, uint16_t rt, const struct reach_answer *a)
{
	for (size_t i = 0; i < a->nr; i++) {
		const uint64_t goid = l->d->in.censuses[rt]->gs[a->goals[i].g].who.goid;
		const struct leak_g *g = leakset__get(l->set, rt, goid);

		if (g && a->goals[i].verdict == REACH_LEAKED)
			leakset__prove(l->set, rt, goid, LEAK_UNREACHED);
		else if (g && a->goals[i].verdict == REACH_HELD)
			leakset__prove(l->set, rt, goid, held_by(l, g, &a->goals[i]));
		if (g && a->goals[i].due_ns)
			leakset__due(l->set, rt, goid, a->goals[i].due_ns);
	}
	(void)leak_incident__refer(l, rt, a); /* no memory: they are not joined */
}

/* --- channels and locks --- */

/* Go context/context.go cancelCtx.done; what programs make to say "end" looks the same. */
static bool is_done_channel(const struct gchan *ch)
{
	return ch->settled && !ch->elem_size && !ch->cap;
}

/*
 * What its elements say of it: places of a limit that are all taken; signals, as os/signal.Notify
 * has them.
 */
static int facts_of_elements(const struct gchan *ch, bool sends)
{
	if (!ch->settled || !ch->cap)
		return 0;
	if (sends)
		return !ch->elem_size && ch->len == ch->cap ? LEAK_FACT_LIMIT : 0;
	return ch->elem_size == 16 && !strcmp(ch->elem_name, "os.Signal") ? LEAK_FACT_SIGNALS : 0;
}

/* LEAK_FACT_*, or -ENOMEM. ret_ticks: it is a ticker's. */
static int channel_facts(struct leaks *l, const struct dump_row *r, const struct chans_source *src,
			 const struct chanfeeds *feeds, bool *ret_ticks)
{
	const struct census_g *g = dump__g(l->d, r);
	bool fed = false, other = false, stopped = false;
	int facts = 0, err = 0;

	for (uint32_t i = 0; i < g->nr_waits && !err; i++) {
		const struct census_wait *w = &l->d->in.censuses[r->rt]->waits[g->waits_at + i];
		const struct chanfeed *feed;
		const struct gchan *ch;

		if (w->kind == CENSUS_WAIT_FD && w->direction == CENSUS_DIR_WRITE)
			facts |= LEAK_FACT_WRITE;
		ch = w->kind == CENSUS_WAIT_CHAN ? gchans__get(src->chans, w->addr) : NULL;
		facts |= ch ? facts_of_elements(ch, w->direction == CENSUS_DIR_SEND) : 0;
		if (w->kind != CENSUS_WAIT_CHAN || w->direction == CENSUS_DIR_SEND)
			continue;
		feed = chanfeeds__get(feeds, g->waits_at + i);
		stopped |= feed && feed->stopped;
		if (feed && feed->fed) {
			*ret_ticks |= feed->repeats;
			facts |= LEAK_FACT_TIMER;
			fed = true;
			err = leak_ends__timer(&l->ends, w->addr);
		} else {
			other = true;
		}
		if (ch && w->direction == CENSUS_DIR_RECEIVE && is_done_channel(ch))
			facts |= LEAK_FACT_DONE;
	}
	if (stopped && !(facts & LEAK_FACT_TIMER))
		facts |= LEAK_FACT_STOPPED;
	if (fed && other && !err)
		err = leak_ends__goal(&l->ends, r->rt, g->who.goid);
	return err ? err : facts;
}

/* nr: goroutines in the cycle. 0 or -ENOMEM. */
static int note_cycle(struct leaks *l, uint16_t rt, const struct chans_source *src,
		      const struct wait_edge *e, uint32_t nr)
{
	const uint64_t goid = l->d->in.censuses[rt]->gs[e->g].who.goid;
	const struct leak_g *g = leakset__get(l->set, rt, goid);

	if (!g)
		return 0;
	leakset__cycle(l->set, rt, goid, false);
	l->facts[g->group] |= nr == 1 ? LEAK_FACT_ITSELF : LEAK_FACT_RING;
	if (nr > 1 || !wait_edge_holds(e))
		return 0;
	return place_of_holding(l->d, rt, &src->holds->v[e->hold], &l->locked_at[g->group]);
}

/* Those who wait for one that is known to wait in vain: one goroutine further back. True: there
 * were some. */
static bool note_behind(struct leaks *l, uint16_t rt, const struct waitgraph *w,
			const struct census_g *gs)
{
	bool more = false;

	for (size_t i = 0; i < w->nr_edges; i++) {
		const struct leak_g *g = leakset__get(l->set, rt, gs[w->edges[i].g].who.goid);
		const struct leak_g *to = leakset__get(l->set, rt, gs[w->edges[i].to].who.goid);

		if (!g || !to || g->cycle || g->behind || !(to->cycle || to->behind))
			continue;
		leakset__cycle(l->set, rt, g->goid, true);
		more = true;
	}
	return more;
}

/*
 * It receives by "range" (or asks whether the channel is closed). A timer's channel is never
 * closed, so what ranges over one is a ticker's.
 */
static bool ranges(struct leaks *l, const struct dump_row *r)
{
	const size_t stack = dump__stack(l->d, r);
	const struct frame *v;
	size_t nr = 0;

	if (stack == DUMP_NO_STACK || dump__frames(l->d, stack, DUMP_FRAMES, &v, &nr))
		return false;
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(v[i].name, "runtime.chanrecv2"))
			return true;
	return false;
}

static int note_locks(struct leaks *l, uint16_t rt, const struct chans_source *src)
{
	const struct census_g *gs = l->d->in.censuses[rt]->gs;
	const struct waitgraph *w = src->graph;
	int err = 0;

	for (size_t i = 0; i < src->holds->nr && !err; i++)
		if (src->holds->v[i].kind != GHOLD_GROUP)
			err = leakset__hold(l->set, rt, src->holds->v[i].lock,
					    gs[src->holds->v[i].g].who.goid);
	for (size_t i = 0; i < w->nr_cycles; i++)
		for (uint32_t k = 0; k < w->cycles[i].nr && !err; k++)
			err = note_cycle(l, rt, src, &w->steps[w->cycles[i].edges_at + k],
					 w->cycles[i].nr);
	for (int i = 0; i < BEHIND_ROUNDS && w->nr_cycles && note_behind(l, rt, w, gs); i++)
		;
	return err;
}

/* Of each group the first SAMPLE goroutines of runtime rt are asked; asked: by group. */
static const struct leak_g *next_asked(const struct leaks *l, uint16_t rt, size_t row,
				       uint8_t *asked)
{
	const struct dump_row *r = &l->d->rows[row];
	const struct leak_g *g =
		r->rt == rt ? leakset__get(l->set, rt, dump__g(l->d, r)->who.goid) : NULL;

	if (!g || asked[g->group] == SAMPLE)
		return NULL;
	asked[g->group]++;
	return g;
}

int leaks__asks(const struct leaks *l, uint16_t rt, uint32_t **ret_gs, size_t *ret_nr)
{
	scoped_mem uint8_t *asked = calloc(leakset__nr_groups(l->set) + 1, sizeof(*asked));
	uint32_t *gs = calloc(l->d->nr + 1, sizeof(*gs));
	size_t nr = 0;

	if (!asked || !gs) {
		free(gs);
		return -ENOMEM;
	}
	for (size_t i = 0; i < l->d->nr; i++)
		if (next_asked(l, rt, i, asked))
			gs[nr++] = l->d->rows[i].g;
	*ret_gs = gs;
	*ret_nr = nr;
	return 0;
}

int leaks__facts(struct leaks *l, uint16_t rt, const struct chans_source *src,
		 const struct chanfeeds *feeds)
{
	const size_t nr_groups = leakset__nr_groups(l->set);
	scoped_mem uint8_t *asked = calloc(nr_groups + 1, sizeof(*asked));
	int err, facts;

	if (!l->facts)
		l->facts = calloc(nr_groups + 1, sizeof(*l->facts));
	if (!l->locked_at)
		l->locked_at = calloc(nr_groups + 1, sizeof(*l->locked_at));
	if (!asked || !l->facts || !l->locked_at)
		return -ENOMEM;
	for (size_t i = 0; i < l->d->nr; i++) {
		const struct leak_g *g = next_asked(l, rt, i, asked);
		bool ticks = false;

		if (!g)
			continue;
		facts = channel_facts(l, &l->d->rows[i], src, feeds, &ticks);
		if (facts < 0)
			return facts;
		l->facts[g->group] |= (uint32_t)facts;
		if (l->facts[g->group] & LEAK_FACT_TIMER)
			leakset__timer(l->set, g->group, ticks || ranges(l, &l->d->rows[i]));
	}
	err = note_locks(l, rt, src);
	if (!err)
		err = leak_incident__note(l, rt, src);
	return err ? err : leak_limit__note(l, rt, src);
}

/* --- what they allocate --- */

int leaks__allocated(struct leaks *l, const struct leak_allocs *a)
{
	const size_t nr_groups = leakset__nr_groups(l->set);
	struct leak_sum *all;

	l->allocated = calloc(nr_groups + 1, sizeof(*l->allocated));
	if (!l->allocated)
		return -ENOMEM;
	all = &l->allocated[nr_groups];
	l->alloc_windows = a->windows;
	l->alloc_gap_ns = a->gap_ns;
	for (size_t i = 0; i < a->nr; i++) {
		const struct leak_allocated *p = &a->parts[i];
		const struct leak_g *g = leakset__get(l->set, p->rt, p->goid);

		all->bytes += p->bytes;
		all->seen += p->seen;
		if (!g)
			continue;
		l->allocated[g->group].bytes += p->bytes;
		l->allocated[g->group].seen += p->seen;
	}
	return 0;
}
