// SPDX-License-Identifier: BSD-2-Clause
/* leakset_sum: after the last look: members by group, and what the group says as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/radix.h"
#include "model/leakset_parts.h"

#define HOLDERS_FOLLOWED 16 /* of a chain of locks */

static int compare_holds(const void *a, const void *b)
{
	const struct leak_hold *x = a, *y = b;

	return x->lock < y->lock ? -1 : x->lock > y->lock;
}

/* --- who holds a lock --- */

static const struct leak_hold *holder_of(const struct leakset *ls, uint64_t lock)
{
	return !ls->nr_holds ? NULL
			     : bsearch(&(struct leak_hold){ .lock = lock }, ls->holds, ls->nr_holds,
				       sizeof(*ls->holds), compare_holds);
}

static bool is_unbroken(const struct leak_g *g)
{
	return !g->wait_look;
}

/* What it waits for may end without anybody else's doing, or it does not wait. */
static bool goes_on_by_itself(const struct leakset *ls, const struct leak_g *g)
{
	switch ((enum leak_class)ls->groups[g->group].class) {
	case LEAK_RECEIVE:
	case LEAK_SEND:
	case LEAK_SELECT:
	case LEAK_FOREVER:
	case LEAK_LOCK:
	case LEAK_WAITGROUP:
	case LEAK_COND:
	case LEAK_SEMAPHORE: return !is_unbroken(g) || ls->groups[g->group].timer;
	default: return true;
	}
}

/*
 * May the lock's holder go on, or that of the lock which it waits for? Of goroutines that run
 * nobody knows what they hold: if none is known, it may be one that has been there as long as the
 * wait. *ret_keeper: who holds it and waits for something else, in vain as far as is known; else
 * NULL.
 */
static bool is_held_up(const struct leakset *ls, const struct leak_g *g, uint8_t oldest_runs,
		       struct leak_g **ret_keeper)
{
	*ret_keeper = NULL;
	for (int i = 0; i < HOLDERS_FOLLOWED; i++) {
		const struct leak_hold *h = holder_of(ls, g->object);
		struct leak_g *holder = h ? leakset__find(ls, h->rt, h->holder) : NULL;

		if (!h)
			return oldest_runs <= g->wait_look;
		if (!holder || goes_on_by_itself(ls, holder))
			return true;
		if (ls->groups[holder->group].class != LEAK_LOCK) {
			*ret_keeper = holder;
			return false;
		}
		g = holder;
	}
	return false;
}

/* --- a group --- */

/* Who stayed a third of the looks is old: shorter ones may be on their way. */
static uint32_t old_stay(const struct leakset *ls)
{
	return ls->nr_looks / 3 > 2 ? (uint32_t)ls->nr_looks / 3 : 2;
}

static void sum_old(const struct leakset *ls, struct leak_group *gr)
{
	const uint32_t old = old_stay(ls);

	for (uint32_t stay = old; stay < LEAKSET_LOOKS_MAX; stay++) {
		gr->old_ended += gr->ended[stay];
		gr->old_went += gr->went[stay];
		gr->old_over += gr->over[stay];
	}
	gr->old += gr->old_ended + gr->old_went;
	gr->old_waits += gr->old_over;
}

/* It may have run between two looks. */
static bool is_unsure(const struct leakset *ls, const struct leak_g *g)
{
	return g->unsure && !ls->parks_known && !g->exact;
}

/* Since when it waits, at least, at the last look. */
static uint64_t waits_since(const struct leakset *ls, const struct leak_g *g)
{
	const uint64_t now = ls->times[ls->nr_looks - 1];

	if (is_unsure(ls, g)) /* what was seen of it may be two waits */
		return g->noted_ns && g->noted_ns < now ? g->noted_ns : now;
	return g->since_ns < now ? g->since_ns : now;
}

/* The look at which the oldest of the program's own goroutines that run at the last look was first
 * seen. */
static uint8_t oldest_runs(const struct leakset *ls)
{
	uint8_t oldest = UINT8_MAX;

	for (size_t i = 0; i < ls->nr; i++) {
		const struct leak_g *g = &ls->gs[i];
		const struct leak_group *gr = &ls->groups[g->group];

		if ((g->passing || gr->class == LEAK_RUNS) && gr->role == LEAK_ROLE_NONE &&
		    g->first_look < oldest)
			oldest = g->first_look;
	}
	return oldest;
}

/* It has waited for a lock for long. */
static void sum_lock(const struct leakset *ls, struct leak_group *gr, const struct leak_g *g,
		     uint8_t runs)
{
	struct leak_g *keeper;

	if (!g->object || leakset__is_passed(ls, g->object))
		return;
	if (is_held_up(ls, g, runs, &keeper)) {
		gr->held_up++;
		return;
	}
	gr->stands++;
	if (!keeper || keeper->keeps)
		return;
	keeper->keeps = true;
	ls->groups[keeper->group].keepers++;
}

static void sum_member(const struct leakset *ls, struct leak_group *gr, const struct leak_g *g,
		       uint64_t min_age_ns, uint8_t runs)
{
	const uint64_t now = ls->times[ls->nr_looks - 1];
	const uint64_t age = gr->class == LEAK_RUNS ? 0 : now - waits_since(ls, g);
	const bool old = ls->nr_looks - 1 - g->group_look >= old_stay(ls);

	gr->unsure += is_unsure(ls, g);
	gr->old += old;
	gr->old_moved += old && g->moved;
	gr->old_waits += ls->nr_looks - 1 - g->wait_look >= old_stay(ls);
	gr->mains += g->main;
	gr->aged += age >= min_age_ns;
	gr->leaked += g->leaked;
	gr->asked += g->reach != LEAK_REACH_NOT_ASKED;
	gr->unreached += g->unreached >= LEAK_PASSES;
	gr->due += g->due_ns > now && g->due_ns - now <= LEAK_DUE_NS && !g->moves;
	gr->reached[g->reach]++;
	gr->cycles += g->cycle;
	gr->behinds += g->behind;
	if (gr->class == LEAK_LOCK && age >= min_age_ns)
		sum_lock(ls, gr, g, runs);
	gr->age_min_ns = age < gr->age_min_ns ? age : gr->age_min_ns;
	gr->age_max_ns = age > gr->age_max_ns ? age : gr->age_max_ns;
	gr->age_exact &= g->exact;
	gr->stack_bytes += g->stack_bytes;
}

static uint64_t set_hash(const struct leakset *ls, const struct leak_g *g)
{
	uint64_t sum = 0; /* whatever their order */

	for (uint32_t i = 0; i < g->nr_objects; i++)
		sum += leak_hash(ls->objects[g->objects_at + i], 1);
	return sum;
}

/* How many different sets of objects there are. spare: as below. 0 or -ENOMEM. */
static int sum_sets(const struct leakset *ls, struct leak_group *gr, uint64_t *spare)
{
	size_t nr = 0;
	int err;

	for (uint32_t i = gr->first; i < gr->first + gr->nr; i++)
		if (ls->gs[i].nr_objects)
			spare[nr++] = set_hash(ls, &ls->gs[i]);
	err = radix_sort(spare, nr, 1);
	for (size_t i = 0; i < nr && !err; i++)
		gr->objects += !i || spare[i] != spare[i - 1];
	return err;
}

/* spare: room for the objects of all members. 0 or -ENOMEM. */
static int sum_objects(const struct leakset *ls, struct leak_group *gr, uint64_t *spare)
{
	size_t nr = 0, run = 0;
	bool sets = false;
	int err;

	for (uint32_t i = gr->first; i < gr->first + gr->nr; i++) {
		sets |= ls->gs[i].nr_objects > 1;
		for (uint32_t k = 0; k < ls->gs[i].nr_objects; k++)
			spare[nr++] = ls->objects[ls->gs[i].objects_at + k];
	}
	err = radix_sort(spare, nr, 1);
	if (err)
		return err;
	for (size_t i = 0; i < nr; i++) {
		run = i && spare[i] == spare[i - 1] ? run + 1 : 1;
		gr->objects += !sets && run == 1;
		if (run > gr->sharing)
			gr->sharing = run < gr->nr ? (uint32_t)run : gr->nr;
	}
	return sets ? sum_sets(ls, gr, spare) : 0;
}

static void drop_missed(struct leakset *ls)
{
	size_t nr = 0;

	for (size_t i = 0; i < ls->nr; i++)
		if (ls->gs[i].item != LEAK_NO_ITEM)
			ls->gs[nr++] = ls->gs[i];
	ls->nr = nr;
}

/* items: pairs, the second of which says which one of gs comes there. */
static void permute(struct leak_g *gs, uint64_t *items, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct leak_g first = gs[i];
		size_t at = i, from;

		while ((from = items[2 * at + 1]) != i) {
			gs[at] = gs[from];
			items[2 * at + 1] = at;
			at = from;
		}
		gs[at] = first;
		items[2 * at + 1] = at;
	}
}

/* By group, runtime and goid. 0 or -ENOMEM. */
static int sort_members(struct leakset *ls)
{
	scoped_mem uint64_t *items = reallocarray(NULL, ls->nr + 1, 2 * sizeof(*items));
	int err = items ? 0 : -ENOMEM;

	for (size_t i = 0; i < ls->nr && !err; i++) {
		items[2 * i] = ls->gs[i].goid;
		items[2 * i + 1] = i;
	}
	if (!err)
		err = radix_sort(items, ls->nr, 2);
	for (size_t i = 0; i < ls->nr && !err; i++) {
		const struct leak_g *g = &ls->gs[items[2 * i + 1]];

		items[2 * i] = (uint64_t)g->group << 16 | g->rt;
	}
	if (!err)
		err = radix_sort(items, ls->nr, 2); /* those that are equal stay in their order */
	if (!err)
		permute(ls->gs, items, ls->nr);
	return err;
}

int leakset__finish(struct leakset *ls, uint64_t min_age_ns)
{
	scoped_mem uint64_t *spare = calloc(ls->nr_objects + ls->nr + 1, sizeof(*spare));
	uint8_t runs;
	int err;

	if (!spare || !ls->nr_looks)
		return spare ? -EINVAL : -ENOMEM;
	drop_missed(ls);
	runs = oldest_runs(ls);
	if (ls->nr_holds)
		qsort(ls->holds, ls->nr_holds, sizeof(*ls->holds), compare_holds);
	err = sort_members(ls);
	if (!err)
		err = leakset__reindex(ls);
	if (err)
		return err;
	for (size_t i = 0; i < ls->nr_groups; i++) {
		ls->groups[i].age_min_ns = UINT64_MAX;
		ls->groups[i].age_exact = true;
	}
	for (size_t i = 0; i < ls->nr; i++) {
		struct leak_group *gr = &ls->groups[ls->gs[i].group];

		if (!gr->nr++)
			gr->first = (uint32_t)i;
		sum_member(ls, gr, &ls->gs[i], min_age_ns, runs);
	}
	for (size_t i = 0; i < ls->nr_groups && !err; i++) {
		struct leak_group *gr = &ls->groups[i];

		sum_old(ls, gr);
		err = sum_objects(ls, gr, spare);
		if (!gr->nr) {
			gr->age_min_ns = 0;
			gr->age_exact = false;
		}
	}
	return err;
}

int leakset__of_told(struct leakset_told *t, struct leakset **ret)
{
	scoped(leakset) ls = NULL;
	int err;

	for (size_t i = 0; i < t->nr; i++)
		if (t->members[i].group >= t->nr_groups)
			return -EINVAL;
	err = leakset__new(&(struct leakset_opts){ 0 }, &ls);
	if (err)
		return err;
	ls->gs = steal(t->members);
	ls->groups = steal(t->groups);
	ls->nr = t->nr;
	ls->nr_groups = t->nr_groups;
	ls->nr_looks = t->nr_looks;
	ls->lives_known = t->lives_known;
	ls->on_cpu = t->on_cpu;
	memcpy(ls->times, t->look_ns, sizeof(ls->times));
	err = sort_members(ls);
	if (!err)
		err = leakset__reindex(ls);
	for (size_t i = 0; i < ls->nr && !err; i++) {
		struct leak_group *gr = &ls->groups[ls->gs[i].group];

		if (!gr->nr++)
			gr->first = (uint32_t)i;
	}
	if (!err)
		*ret = steal(ls);
	return err;
}

/* --- what is asked --- */

size_t leakset__nr_looks(const struct leakset *ls)
{
	return ls->nr_looks;
}

uint64_t leakset__look_ns(const struct leakset *ls, size_t look)
{
	return ls->times[look];
}

size_t leakset__nr_groups(const struct leakset *ls)
{
	return ls->nr_groups;
}

const struct leak_group *leakset__group(const struct leakset *ls, size_t i)
{
	return &ls->groups[i];
}

const struct leak_g *leakset__member(const struct leakset *ls, uint32_t i)
{
	return &ls->gs[i];
}

const struct leak_lives *leakset__lives_at(const struct leakset *ls, uint32_t made)
{
	static const struct leak_lives none;

	if (made >= ls->nr_sites)
		return &none;
	return ls->lives_known ? &ls->sites[made].seen : &ls->sites[made].told;
}

bool leakset__lives_known(const struct leakset *ls)
{
	return ls->lives_known;
}

size_t leakset__alive(const struct leakset *ls, size_t look)
{
	return ls->alive[look];
}

uint64_t leakset__on_cpu(const struct leakset *ls)
{
	return ls->on_cpu;
}

uint64_t leakset__refused(const struct leakset *ls)
{
	return ls->refused;
}
