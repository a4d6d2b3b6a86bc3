// SPDX-License-Identifier: BSD-2-Clause
#include "model/leakset_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define EMPTY UINT32_MAX

_Static_assert(sizeof(struct leak_g) == LEAK_G_BYTES, "the header says so");
_Static_assert(sizeof(struct leak_group) <= LEAK_GROUP_BYTES, "the header says so");

int leakset__new(const struct leakset_opts *o, struct leakset **ret)
{
	struct leakset *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return -ENOMEM;
	ls->o = *o;
	if (!ls->o.max_goroutines)
		ls->o.max_goroutines = LEAKSET_GOROUTINES_DEFAULT;
	if (!ls->o.max_groups)
		ls->o.max_groups = LEAKSET_GROUPS_DEFAULT;
	if (!ls->o.max_sites)
		ls->o.max_sites = LEAKSET_SITES_DEFAULT;
	*ret = ls;
	return 0;
}

void leakset__free(struct leakset *ls)
{
	if (!ls)
		return;
	free(ls->gs);
	free(ls->by_goid.v);
	free(ls->by_key.v);
	free(ls->groups);
	free(ls->sites);
	free(ls->objects);
	free(ls->passed);
	free(ls->holds);
	free(ls);
}

/* --- by number --- */

static uint64_t goid_hash(uint16_t rt, uint64_t goid)
{
	return leak_hash(goid, rt);
}

static uint64_t key_hash(const struct leak_key *k)
{
	return leak_hash((uint64_t)k->made << 32 | k->place, k->reason);
}

static void index__put(struct leak_index *x, uint64_t hash, uint32_t number)
{
	size_t at = hash & (x->cap - 1);

	while (x->v[at] != EMPTY)
		at = (at + 1) & (x->cap - 1);
	x->v[at] = number;
}

/* An empty one with room for nr numbers, twice over. */
static int index__clear(struct leak_index *x, size_t nr)
{
	size_t cap = x->cap ? x->cap : 1024;
	uint32_t *v = x->v;

	while (cap < 2 * nr)
		cap *= 2;
	if (cap != x->cap) {
		v = reallocarray(x->v, cap, sizeof(*v));
		if (!v)
			return -ENOMEM;
		x->v = v;
		x->cap = cap;
	}
	memset(v, 0xff, cap * sizeof(*v));
	return 0;
}

int leakset__reindex(struct leakset *ls)
{
	int err = index__clear(&ls->by_goid, 2 * ls->nr + 1);

	for (size_t i = 0; i < ls->nr && !err; i++)
		index__put(&ls->by_goid, goid_hash(ls->gs[i].rt, ls->gs[i].goid), (uint32_t)i);
	return err;
}

struct leak_g *leakset__find(const struct leakset *ls, uint16_t rt, uint64_t goid)
{
	const struct leak_index *x = &ls->by_goid;

	if (!x->cap)
		return NULL;
	for (size_t at = goid_hash(rt, goid) & (x->cap - 1); x->v[at] != EMPTY;
	     at = (at + 1) & (x->cap - 1)) {
		struct leak_g *g = &ls->gs[x->v[at]];

		if (g->goid == goid && g->rt == rt)
			return g;
	}
	return NULL;
}

static uint32_t leakset__find_group(const struct leakset *ls, const struct leak_key *k)
{
	const struct leak_index *x = &ls->by_key;

	if (!x->cap)
		return LEAK_NO_GROUP;
	for (size_t at = key_hash(k) & (x->cap - 1); x->v[at] != EMPTY;
	     at = (at + 1) & (x->cap - 1))
		if (!memcmp(&ls->groups[x->v[at]].key, k, sizeof(*k)))
			return x->v[at];
	return LEAK_NO_GROUP;
}

static int leakset__make_group(struct leakset *ls, const struct leak_seen *s, uint32_t *ret)
{
	int err;

	if (ls->nr_groups == ls->o.max_groups)
		return -ENOSPC;
	err = vec__reserve(&ls->groups, &ls->groups_room, ls->nr_groups + 1, sizeof(*ls->groups));
	if (!err && 2 * ls->nr_groups >= ls->by_key.cap) {
		err = index__clear(&ls->by_key, 2 * ls->nr_groups + 1);
		for (size_t i = 0; i < ls->nr_groups && !err; i++)
			index__put(&ls->by_key, key_hash(&ls->groups[i].key), (uint32_t)i);
	}
	if (err)
		return err;
	*ret = (uint32_t)ls->nr_groups++;
	ls->groups[*ret] = (struct leak_group){ .key = s->key, .class = s->class, .role = s->role };
	index__put(&ls->by_key, key_hash(&s->key), *ret);
	return 0;
}

static struct leak_site *leakset__make_site(struct leakset *ls, uint32_t made)
{
	if (made >= ls->nr_sites) {
		size_t nr = ls->nr_sites ? ls->nr_sites : 64;
		struct leak_site *more;

		if (made >= ls->o.max_sites)
			return NULL;
		while (nr <= made)
			nr *= 2;
		more = reallocarray(ls->sites, nr, sizeof(*more));
		if (!more)
			return NULL;
		memset(more + ls->nr_sites, 0, (nr - ls->nr_sites) * sizeof(*more));
		ls->sites = more;
		ls->nr_sites = nr;
	}
	return &ls->sites[made];
}

/* --- one look --- */

int leakset__look(struct leakset *ls, uint64_t taken_ns)
{
	if (ls->nr_looks == LEAKSET_LOOKS_MAX)
		return -ENOSPC;
	ls->times[ls->nr_looks++] = taken_ns;
	ls->nr_objects = 0;
	ls->next = 0;
	return 0;
}

/* Somebody who waited for this lock waits for it no longer. */
static void leakset__pass(struct leakset *ls, uint64_t lock)
{
	size_t at = leak_hash(lock, 0) & (PASSED_CAP - 1);

	if (!lock || ls->nr_passed >= LEAKSET_PASSED_MAX)
		return;
	if (!ls->passed)
		ls->passed = calloc(PASSED_CAP, sizeof(*ls->passed));
	if (!ls->passed) {
		ls->nr_passed = LEAKSET_PASSED_MAX;
		return;
	}
	while (ls->passed[at] && ls->passed[at] != lock)
		at = (at + 1) & (PASSED_CAP - 1);
	ls->nr_passed += !ls->passed[at];
	ls->passed[at] = lock;
}

bool leakset__is_passed(const struct leakset *ls, uint64_t lock)
{
	size_t at = leak_hash(lock, 0) & (PASSED_CAP - 1);

	if (ls->nr_passed >= LEAKSET_PASSED_MAX)
		return true;
	if (!ls->passed)
		return false;
	while (ls->passed[at] && ls->passed[at] != lock)
		at = (at + 1) & (PASSED_CAP - 1);
	return ls->passed[at];
}

/* What g was in at the look before is over. */
static void leakset__leave(struct leakset *ls, const struct leak_g *g, bool ended)
{
	struct leak_group *was = &ls->groups[g->group];
	uint32_t *by_stay = ended ? was->ended : was->went;

	by_stay[g->last_look - g->group_look]++;
	was->over[g->last_look - g->wait_look]++;
	if (was->class == LEAK_LOCK)
		leakset__pass(ls, g->object);
}

static int leakset__keep_objects(struct leakset *ls, struct leak_g *g, const struct leak_seen *s)
{
	int err;

	g->object = s->nr_objects ? s->objects[0] : 0;
	g->objects_at = (uint32_t)ls->nr_objects;
	g->nr_objects = 0;
	if (ls->nr_objects + s->nr_objects > LEAKSET_OBJECTS_MAX) {
		ls->refused++;
		return 0;
	}
	err = vec__reserve(&ls->objects, &ls->objects_room, ls->nr_objects + s->nr_objects,
			   sizeof(*ls->objects));
	if (err)
		return err;
	if (s->nr_objects)
		memcpy(ls->objects + ls->nr_objects, s->objects,
		       s->nr_objects * sizeof(*s->objects));
	ls->nr_objects += s->nr_objects;
	g->nr_objects = s->nr_objects;
	return 0;
}

static int leakset__add_g(struct leakset *ls, const struct leak_seen *s, uint32_t group,
			  uint8_t look, struct leak_g **ret)
{
	struct leak_site *site;
	int err;

	if (ls->nr >= ls->o.max_goroutines)
		return -ENOSPC;
	err = vec__reserve(&ls->gs, &ls->room, ls->nr + 1, sizeof(*ls->gs));
	if (!err && 2 * ls->nr >= ls->by_goid.cap)
		err = leakset__reindex(ls);
	if (err)
		return err;
	*ret = &ls->gs[ls->nr];
	**ret = (struct leak_g){ .goid = s->goid,
				 .rt = s->rt,
				 .group = group,
				 .wait = s->wait,
				 .first_look = look,
				 .group_look = look,
				 .wait_look = look,
				 .last_look = look };
	index__put(&ls->by_goid, goid_hash(s->rt, s->goid), (uint32_t)ls->nr++);
	site = leakset__make_site(ls, s->key.made);
	if (site && look)
		site->told.births[look]++;
	return 0;
}

/* Same goroutine as at the look before: did it go on in between? */
static void leakset__follow(struct leakset *ls, struct leak_g *g, const struct leak_seen *s,
			    uint32_t group, uint8_t look)
{
	if (g->group == group && g->wait == s->wait)
		return;
	if (g->group != group) {
		leakset__leave(ls, g, false);
		g->group = group;
		g->group_look = look;
		g->moved = false;
	} else {
		g->moved = true;
		ls->groups[group].over[g->last_look - g->wait_look]++;
		if (ls->groups[group].class == LEAK_LOCK)
			leakset__pass(ls, g->object);
	}
	g->wait = s->wait;
	g->wait_look = look;
	g->since_ns = 0;
	g->exact = false;
	g->unreached = 0;
	g->due_ns = 0;
	g->moves = false;
	g->reach = LEAK_REACH_NOT_ASKED;
}

/* It runs, and waited at the look before. Or it ran there, and is in a system call. */
static bool leakset__is_passing(const struct leakset *ls, const struct leak_g *g,
				const struct leak_seen *s)
{
	if (!g || g->passing)
		return false;
	if (ls->groups[g->group].class == LEAK_RUNS)
		return s->class == LEAK_SYSCALL;
	return s->class == LEAK_RUNS;
}

static void leakset__count(struct leakset *ls, const struct leak_g *g, uint8_t look)
{
	struct leak_group *gr = &ls->groups[g->group];

	gr->count[look]++;
	gr->settled[look] += g->group_look < look;
	gr->still[look] += g->wait_look < look;
	gr->fresh[look] += g->wait_look < look && g->first_look;
}

/*
 * They are seen and asked for in the same order at each look, as a rule: the one after the last is
 * nearer than the index, which lies all over memory.
 */
static struct leak_g *leakset__guess(struct leakset *ls, uint16_t rt, uint64_t goid)
{
	struct leak_g *g = ls->next < ls->nr ? &ls->gs[ls->next] : NULL;

	if (!g || g->goid != goid || g->rt != rt)
		g = leakset__find(ls, rt, goid);
	ls->next = g ? (size_t)(g - ls->gs) + 1 : ls->next;
	return g;
}

static int leakset__see_one(struct leakset *ls, const struct leak_seen *s)
{
	const uint8_t look = (uint8_t)(ls->nr_looks - 1);
	struct leak_g *g = leakset__guess(ls, s->rt, s->goid);
	const bool passing = leakset__is_passing(ls, g, s);
	uint32_t group = passing ? g->group : leakset__find_group(ls, &s->key);
	uint64_t since =
		s->since_ns && s->since_ns < ls->times[look] ? s->since_ns : ls->times[look];
	int err = 0;

	if (g && g->last_look == look)
		return 0; /* the same goid twice: allgs lies */
	if (group == LEAK_NO_GROUP)
		err = leakset__make_group(ls, s, &group);
	if (!err && g)
		leakset__follow(ls, g, s, group, look);
	else if (!err)
		err = leakset__add_g(ls, s, group, look, &g);
	if (!err)
		ls->next = (size_t)(g - ls->gs) + 1;
	if (!err)
		err = leakset__keep_objects(ls, g, s);
	if (err)
		return err;
	if (!g->since_ns || since < g->since_ns)
		g->since_ns = since;
	g->stack = s->stack;
	g->item = s->item;
	g->stack_bytes = s->stack_bytes < UINT32_MAX ? (uint32_t)s->stack_bytes : UINT32_MAX;
	g->main = s->main;
	g->leaked = s->leaked;
	g->unsure = s->unsure;
	g->passing = passing;
	g->noted_ns = s->since_ns;
	g->last_look = look;
	leakset__count(ls, g, look);
	ls->groups[group].on_cpu += s->on_cpu;
	ls->on_cpu += s->on_cpu;
	return 0;
}

int leakset__see(struct leakset *ls, const struct leak_seen *s)
{
	int err = leakset__see_one(ls, s);

	ls->refused += err != 0;
	return err;
}

bool leakset__is_new(const struct leakset *ls, uint16_t rt, uint64_t goid)
{
	const struct leak_g *g = ls->next ? &ls->gs[ls->next - 1] : NULL;

	if (!g || g->goid != goid || g->rt != rt)
		g = leakset__find(ls, rt, goid);
	return !g || g->first_look == ls->nr_looks - 1;
}

void leakset__miss(struct leakset *ls, uint16_t rt, uint64_t goid)
{
	const uint8_t look = (uint8_t)(ls->nr_looks - 1);
	struct leak_g *g = leakset__find(ls, rt, goid);

	if (!g || g->last_look == look)
		return;
	g->item = LEAK_NO_ITEM;
	g->nr_objects = 0;
	g->last_look = look;
	leakset__count(ls, g, look);
}

int leakset__seen(struct leakset *ls)
{
	const uint8_t look = (uint8_t)(ls->nr_looks - 1);
	size_t nr = 0;

	for (size_t i = 0; i < ls->nr; i++) {
		struct leak_g *g = &ls->gs[i];
		struct leak_site *site;

		if (g->last_look == look) {
			ls->gs[nr++] = *g;
			continue;
		}
		leakset__leave(ls, g, true);
		site = leakset__make_site(ls, ls->groups[g->group].key.made);
		if (site)
			site->told.exits[look]++;
	}
	ls->nr = nr;
	ls->alive[look] = nr;
	return leakset__reindex(ls);
}

/* --- what others know --- */

void leakset__life(struct leakset *ls, uint32_t made, uint64_t ts_ns, bool birth)
{
	struct leak_site *site = leakset__make_site(ls, made);
	size_t window = 1;

	if (!site || !ls->nr_looks || ts_ns < ls->times[0])
		return;
	while (window < ls->nr_looks && ls->times[window] < ts_ns)
		window++;
	if (window == LEAKSET_LOOKS_MAX)
		return;
	if (birth)
		site->seen.births[window]++;
	else
		site->seen.exits[window]++;
}

void leakset__lives(struct leakset *ls)
{
	ls->lives_known = true;
}

void leakset__parked(struct leakset *ls, uint16_t rt, uint64_t goid, uint64_t since_ns)
{
	struct leak_g *g = leakset__find(ls, rt, goid);

	if (!g || since_ns > ls->times[g->last_look])
		return;
	if (since_ns > ls->times[g->wait_look]) {
		const uint8_t began = g->wait_look;

		g->moved = true;
		while (ls->times[g->wait_look] < since_ns)
			g->wait_look++;
		ls->groups[g->group].over[g->wait_look - began - 1]++;
	}
	g->since_ns = since_ns;
	g->exact = true;
}

void leakset__parks(struct leakset *ls)
{
	ls->parks_known = true;
}

void leakset__prove(struct leakset *ls, uint16_t rt, uint64_t goid, enum leak_reach reach)
{
	struct leak_g *g = leakset__find(ls, rt, goid);

	if (!g || reach == LEAK_REACH_NOT_ASKED)
		return;
	g->reach = (uint8_t)reach;
	if (reach != LEAK_UNREACHED)
		g->unreached = 0;
	else if (g->unreached < UINT8_MAX)
		g->unreached++;
}

void leakset__due(struct leakset *ls, uint16_t rt, uint64_t goid, uint64_t due_ns)
{
	struct leak_g *g = leakset__find(ls, rt, goid);

	if (!g)
		return;
	g->moves |= g->due_ns && g->due_ns != due_ns;
	g->due_ns = due_ns;
}

void leakset__cycle(struct leakset *ls, uint16_t rt, uint64_t goid, bool behind)
{
	struct leak_g *g = leakset__find(ls, rt, goid);

	if (!g)
		return;
	g->cycle |= !behind;
	g->behind |= behind;
}

int leakset__hold(struct leakset *ls, uint16_t rt, uint64_t lock, uint64_t holder)
{
	int err = vec__reserve(&ls->holds, &ls->holds_room, ls->nr_holds + 1, sizeof(*ls->holds));

	if (err)
		return err;
	ls->holds[ls->nr_holds++] = (struct leak_hold){ .lock = lock, .holder = holder, .rt = rt };
	return 0;
}

const struct leak_g *leakset__get(struct leakset *ls, uint16_t rt, uint64_t goid)
{
	return leakset__guess(ls, rt, goid);
}

void leakset__timer(struct leakset *ls, uint32_t group, bool ticks)
{
	ls->groups[group].timer = true;
	ls->groups[group].ticks |= ticks;
}

void leakset__unread(struct leakset *ls, uint32_t group, uint32_t nr)
{
	ls->groups[group].unread = nr;
}

void leakset__code(struct leakset *ls, uint32_t group, bool endless, bool loops)
{
	ls->groups[group].endless = endless;
	ls->groups[group].loops = loops;
}

void leakset__served(struct leakset *ls, uint32_t group)
{
	ls->groups[group].served = true;
}

void leakset__set_up(struct leakset *ls, uint32_t group)
{
	ls->groups[group].set_up = true;
}

void leakset__unended(struct leakset *ls, uint32_t group)
{
	ls->groups[group].unended++;
}
