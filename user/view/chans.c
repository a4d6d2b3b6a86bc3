/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/chans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define NO_PLACE UINT32_MAX

struct place_key { /* hashed as bytes: no padding */
	const char *func, *file;
	uint64_t line;
};

struct place_node {
	UT_hash_handle hh;
	struct place_key key;
	uint32_t place;
};

struct builder {
	struct chans *cs;
	struct place_node *by_place;
	uint32_t *stack_place; /* + 1, by number of the stack; owned */
	size_t places_room;
	uint32_t *object_of; /* of each waiter; owned */
};

/* --- places --- */

static int builder__add_place(struct builder *b, const struct place_key *key, uint32_t *ret)
{
	struct chans *cs = b->cs;
	struct place_node *n;
	unsigned int count = HASH_COUNT(b->by_place);

	if (cs->nr_places == b->places_room) {
		size_t room = b->places_room ? b->places_room * 2 : 64;
		struct place *more = reallocarray(cs->places, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		cs->places = more;
		b->places_room = room;
	}
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->key = *key;
	n->place = (uint32_t)cs->nr_places;
	HASH_ADD(hh, b->by_place, key, sizeof(n->key), n);
	if (HASH_COUNT(b->by_place) == count) {
		free(n);
		return -ENOMEM;
	}
	cs->places[cs->nr_places++] = (struct place){ key->func, key->file, (uint32_t)key->line };
	*ret = n->place;
	return 0;
}

static int builder__place(struct builder *b, const struct dump_row *row, uint32_t *ret)
{
	size_t stack = dump__stack(b->cs->d, row);
	uint32_t *known = &b->stack_place[stack == DUMP_NO_STACK ? b->cs->d->nr_stacks : stack];
	struct place_key key;
	struct place_node *n;
	struct place p;
	int err = 0;

	if (!*known) {
		err = place_of_stack(b->cs->d, stack, &p);
		if (err)
			return err;
		key = (struct place_key){ p.func, p.file, p.line };
		HASH_FIND(hh, b->by_place, &key, sizeof(key), n);
		if (n)
			*ret = n->place;
		else
			err = builder__add_place(b, &key, ret);
		if (err)
			return err;
		*known = *ret + 1;
	}
	*ret = *known - 1;
	return 0;
}

/* --- which objects, and who waits --- */

static bool is_object(const struct census_wait *w)
{
	return w->kind == CENSUS_WAIT_CHAN || census_wait_is_lock(w);
}

/* Waits that nobody can end. */
static bool waits_for_nothing(const struct dump *d, const struct dump_row *row,
			      enum census_direction *ret_direction)
{
	const enum gowait wait = gostate_wait(dump__state(d, row));

	if (dump__g(d, row)->nr_waits || gowait_on(wait) != GOWAIT_ON_NOTHING)
		return false;
	*ret_direction = census_direction_of(wait);
	return true;
}

/* Objects of a runtime are numbered in a row: its channels, its locks, nothing. */
static size_t objects_of(const struct chans_source *s)
{
	return s->chans->nr + s->locks->nr + 1;
}

static int builder__make_objects(struct builder *b)
{
	struct chans *cs = b->cs;
	size_t nr = 0;

	for (size_t rt = 0; rt < cs->d->in.nr; rt++)
		nr += objects_of(&cs->sources[rt]);
	cs->objects = calloc(nr + 1, sizeof(*cs->objects));
	if (!cs->objects)
		return -ENOMEM;
	for (size_t rt = 0; rt < cs->d->in.nr; rt++) {
		const struct chans_source *s = &cs->sources[rt];

		for (size_t i = 0; i < s->chans->nr; i++)
			cs->objects[cs->nr++] = (struct object){ .addr = s->chans->v[i].addr,
								 .kind = OBJECT_CHAN,
								 .index = (uint32_t)i,
								 .rt = (uint16_t)rt,
								 .type = "" };
		for (size_t i = 0; i < s->locks->nr; i++)
			cs->objects[cs->nr++] = (struct object){ .addr = s->locks->v[i].addr,
								 .kind = OBJECT_LOCK,
								 .index = (uint32_t)i,
								 .rt = (uint16_t)rt,
								 .type = "" };
		cs->objects[cs->nr++] =
			(struct object){ .kind = OBJECT_NOTHING, .rt = (uint16_t)rt, .type = "" };
		cs->unsettled += s->chans->unsettled + s->locks->unsettled;
	}
	return 0;
}

/* The number of the object that a wait is for. base: of the first of its runtime. */
static uint32_t object_of_wait(const struct chans_source *s, size_t base,
			       const struct census_wait *w)
{
	const struct gchan *ch =
		w->kind == CENSUS_WAIT_CHAN ? gchans__get(s->chans, w->addr) : NULL;
	const struct glock *l = w->kind == CENSUS_WAIT_CHAN ? NULL : glocks__get(s->locks, w->addr);

	if (ch)
		return (uint32_t)(base + (size_t)(ch - s->chans->v));
	return l ? (uint32_t)(base + s->chans->nr + (size_t)(l - s->locks->v)) : NO_PLACE;
}

static void builder__add_waiter(struct builder *b, uint32_t object, const struct object_waiter *w)
{
	struct chans *cs = b->cs;

	if (object == NO_PLACE)
		return;
	b->object_of[cs->nr_waiters] = object;
	cs->waiters[cs->nr_waiters++] = *w;
	cs->objects[object].nr++;
}

static int builder__row(struct builder *b, const size_t *base, uint32_t row)
{
	struct chans *cs = b->cs;
	const struct dump_row *r = &cs->d->rows[row];
	const struct census_g *g = dump__g(cs->d, r);
	struct object_waiter w = { .row = row };
	enum census_direction direction;
	int err = builder__place(b, r, &w.place);

	for (uint32_t k = 0; k < g->nr_waits && !err; k++) {
		const struct census_wait *cw = &cs->d->in.censuses[r->rt]->waits[g->waits_at + k];

		if (!is_object(cw))
			continue;
		w.wait = g->waits_at + k;
		w.direction = cw->direction;
		w.select = cw->select;
		builder__add_waiter(b, object_of_wait(&cs->sources[r->rt], base[r->rt], cw), &w);
	}
	if (!err && waits_for_nothing(cs->d, r, &direction)) {
		w.direction = (uint8_t)direction;
		builder__add_waiter(b,
				    (uint32_t)(base[r->rt] + objects_of(&cs->sources[r->rt]) - 1),
				    &w);
	}
	return err;
}

static int builder__waiters(struct builder *b)
{
	struct chans *cs = b->cs;
	scoped_mem size_t *base = calloc(cs->d->in.nr + 1, sizeof(*base));
	size_t most = 0;
	int err = 0;

	if (!base)
		return -ENOMEM;
	for (size_t i = 0; i < cs->d->nr; i++)
		most += dump__g(cs->d, &cs->d->rows[i])->nr_waits + 1u;
	for (size_t rt = 0; rt < cs->d->in.nr; rt++)
		base[rt + 1] = base[rt] + objects_of(&cs->sources[rt]);
	cs->waiters = calloc(most + 1, sizeof(*cs->waiters));
	b->object_of = calloc(most + 1, sizeof(*b->object_of));
	b->stack_place = calloc(cs->d->nr_stacks + 1, sizeof(*b->stack_place));
	if (!cs->waiters || !b->object_of || !b->stack_place)
		return -ENOMEM;
	for (size_t i = 0; i < cs->d->nr && !err; i++)
		err = builder__row(b, base, (uint32_t)i);
	return err;
}

/* The waiters of each object side by side; rows are by goid, and stay so. */
static int builder__collect(struct builder *b)
{
	struct chans *cs = b->cs;
	struct object_waiter *sorted = calloc(cs->nr_waiters + 1, sizeof(*sorted));
	uint32_t at = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < cs->nr; i++) {
		cs->objects[i].first = at;
		at += cs->objects[i].nr;
		cs->objects[i].nr = 0;
	}
	for (size_t i = 0; i < cs->nr_waiters; i++) {
		struct object *o = &cs->objects[b->object_of[i]];

		sorted[o->first + o->nr++] = cs->waiters[i];
	}
	free(cs->waiters);
	cs->waiters = sorted;
	return 0;
}

/* --- groups --- */

static int compare_waiters(const void *a, const void *b, void *context)
{
	const struct chans *cs = context;
	const struct object_waiter *x = a, *y = b;
	uint32_t x_made = cs->d->rows[x->row].made, y_made = cs->d->rows[y->row].made;

	if (x->direction != y->direction)
		return x->direction < y->direction ? -1 : 1;
	if (x->select != y->select)
		return x->select < y->select ? -1 : 1;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x_made != y_made)
		return x_made < y_made ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

static bool same_group(const struct chans *cs, const struct object_waiter *x,
		       const struct object_waiter *y)
{
	return x->direction == y->direction && x->select == y->select && x->place == y->place &&
	       cs->d->rows[x->row].made == cs->d->rows[y->row].made;
}

static void chans__group(struct chans *cs, struct object *o)
{
	struct object_waiter *v = cs->waiters + o->first;
	struct waiter_group *g = NULL;

	if (o->nr)
		qsort_r(v, o->nr, sizeof(*v), compare_waiters, cs);
	o->groups_at = (uint32_t)cs->nr_groups;
	for (uint32_t i = 0; i < o->nr; i++) {
		uint64_t ns = dump__wait_ns(cs->d, &cs->d->rows[v[i].row]);

		if (!i || !same_group(cs, &v[i - 1], &v[i])) {
			g = &cs->groups[cs->nr_groups++];
			*g = (struct waiter_group){ .first = o->first + i,
						    .oldest_ns = DUMP_UNKNOWN };
		}
		g->nr++;
		if (ns != DUMP_UNKNOWN && (g->oldest_ns == DUMP_UNKNOWN || ns > g->oldest_ns))
			g->oldest_ns = ns;
	}
	o->nr_groups = (uint32_t)(cs->nr_groups - o->groups_at);
}

/* --- folds --- */

/* The words of a lock that a person reads. */
static uint64_t shape_of_lock(const struct chans *cs, const struct object *o, uint64_t h)
{
	const struct glock *l = chans__lock(cs, o);

	h = shape_mix(shape_mix(h, l->kind),
		      l->settled | l->locked << 1 | l->writer << 2 | l->starving << 3);
	h = shape_mix(shape_mix(h, (uint64_t)l->counter), l->value);
	h = shape_mix(h, (uint64_t)(!l->writer ? l->readers : l->departing > 0 ? l->departing : 0));
	for (uint32_t i = 0; i < o->nr_holders; i++) {
		const struct holder_group *g = &cs->holder_groups[o->holders_at + i];
		const struct object_holder *first = &cs->holders[g->first];

		h = shape_mix(shape_mix(h, first->kind), shape_of_count(g->nr));
		h = shape_of_place(shape_of_place(h, &first->release), &first->stand);
	}
	return h;
}

/* What objects have in common that a person need not read twice. */
static uint64_t shape_of(const struct chans *cs, const struct object *o)
{
	const bool lock = o->kind == OBJECT_LOCK;
	uint64_t h = shape_mix(shape_mix(o->kind, o->rt), lock ? shape_of_count(o->nr) : o->nr);

	if (o->kind == OBJECT_CHAN) {
		const struct gchan *ch = chans__chan(cs, o);

		h = shape_mix(shape_mix(shape_mix(h, ch->len), ch->cap), ch->elem_type);
		h = shape_mix(h, ch->settled | ch->closed << 1 | !!ch->timer << 2 |
					 ch->secret << 3 | (uint64_t)ch->elem_size << 8);
		h = ch->nr_elements ? shape_mix(h, o->addr) : h;
	} else if (lock) {
		h = shape_of_lock(cs, o, h);
	}
	for (uint32_t i = 0; i < o->nr_groups; i++) {
		const struct waiter_group *g = &cs->groups[o->groups_at + i];
		const struct object_waiter *w = &cs->waiters[g->first];

		h = shape_mix(shape_mix(h, lock ? shape_of_count(g->nr) : g->nr), w->place);
		h = shape_mix(shape_mix(h, cs->d->rows[w->row].made),
			      w->direction | w->select << 8);
	}
	return h;
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	if (x->shape != y->shape)
		return x->shape < y->shape ? -1 : 1;
	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Most waiters first, of equal ones those with more at each. */
static int compare_folds(const void *a, const void *b, void *context)
{
	const struct chans *cs = context;
	const struct object_fold *x = a, *y = b;
	const struct object *ox = &cs->objects[x->first], *oy = &cs->objects[y->first];

	if (x->nr_waiters != y->nr_waiters)
		return x->nr_waiters > y->nr_waiters ? -1 : 1;
	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	if (ox->rt != oy->rt)
		return ox->rt < oy->rt ? -1 : 1;
	return ox->addr < oy->addr ? -1 : ox->addr > oy->addr;
}

static int chans__fold(struct chans *cs)
{
	struct object *ordered;
	size_t at = 0;

	for (size_t i = 0; i < cs->nr; i++)
		cs->objects[i].shape = shape_of(cs, &cs->objects[i]);
	qsort(cs->objects, cs->nr, sizeof(*cs->objects), compare_objects);
	cs->folds = calloc(cs->nr + 1, sizeof(*cs->folds));
	ordered = calloc(cs->nr + 1, sizeof(*ordered));
	if (!cs->folds || !ordered) {
		free(ordered);
		return -ENOMEM;
	}
	for (size_t i = 0; i < cs->nr; i++) {
		if (!i || cs->objects[i].shape != cs->objects[i - 1].shape)
			cs->folds[cs->nr_folds++] = (struct object_fold){ .first = (uint32_t)i };
		cs->folds[cs->nr_folds - 1].nr++;
		cs->folds[cs->nr_folds - 1].nr_waiters += cs->objects[i].nr;
	}
	qsort_r(cs->folds, cs->nr_folds, sizeof(*cs->folds), compare_folds, cs);
	for (size_t i = 0; i < cs->nr_folds; i++) {
		memcpy(&ordered[at], &cs->objects[cs->folds[i].first],
		       cs->folds[i].nr * sizeof(*ordered));
		cs->folds[i].first = (uint32_t)at;
		at += cs->folds[i].nr;
	}
	free(cs->objects);
	cs->objects = ordered;
	return 0;
}

/* Objects whose waiters are not wanted, and the nothing that nobody waits for. */
static void chans__drop_idle(struct chans *cs)
{
	size_t nr = 0;

	for (size_t i = 0; i < cs->nr; i++)
		if (cs->objects[i].nr)
			cs->objects[nr++] = cs->objects[i];
	cs->nr = nr;
}

static int builder__run(struct builder *b)
{
	struct chans *cs = b->cs;
	int err = builder__make_objects(b);

	if (!err)
		err = builder__waiters(b);
	if (!err)
		err = builder__collect(b);
	if (err)
		return err;
	chans__drop_idle(cs);
	cs->groups = calloc(cs->nr_waiters + 1, sizeof(*cs->groups));
	if (!cs->groups)
		return -ENOMEM;
	for (size_t i = 0; i < cs->nr; i++) {
		struct object *o = &cs->objects[i];

		if (o->kind == OBJECT_CHAN && chans__chan(cs, o)->settled)
			o->type = framer__text(cs->d->framer, chans__chan(cs, o)->elem_name);
		chans__group(cs, o);
	}
	err = chans__find_holders(cs);
	if (!err)
		err = chans__fold(cs);
	return err ? err : chans__fold_cycles(cs);
}

int chans__new(struct dump *d, const struct chans_source *sources, struct chans **ret)
{
	scoped(chans) cs = calloc(1, sizeof(*cs));
	struct builder b = { .cs = cs };
	struct place_node *n, *next;
	int err;

	if (!cs)
		return -ENOMEM;
	cs->d = d;
	cs->sources = sources;
	err = builder__run(&b);
	HASH_ITER(hh, b.by_place, n, next)
	{
		HASH_DEL(b.by_place, n);
		free(n);
	}
	free(b.stack_place);
	free(b.object_of);
	if (!err)
		*ret = steal(cs);
	return err;
}

void chans__free(struct chans *cs)
{
	if (!cs)
		return;
	free(cs->objects);
	free(cs->folds);
	free(cs->waiters);
	free(cs->groups);
	free(cs->holders);
	free(cs->holder_groups);
	free(cs->cycles);
	free(cs->cycle_folds);
	free(cs->places);
	free(cs);
}
