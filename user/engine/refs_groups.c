// SPDX-License-Identifier: BSD-2-Clause
#include "engine/refs_build.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "census/gblocked.h"

uint64_t refs_waits_for(const struct census *c, const struct census_g *g)
{
	return g->nr_waits ? c->waits[g->waits_at].addr : 0;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_goal(const struct refs_source *s, uint32_t g)
{
	return bsearch(&g, s->goals, s->nr_goals, sizeof(*s->goals), compare_u32);
}

static enum ref_verdict verdict_of(enum reach_verdict v)
{
	static const enum ref_verdict t[] = {
		[REACH_NOT_BLOCKED] = REF_RAN,
		[REACH_HELD] = REF_HELD,
		[REACH_LEAKED] = REF_UNREACHED,
		[REACH_UNKNOWN] = REF_UNKNOWN,
	};

	return t[v];
}

static enum ref_verdict refs_build__verdict(const struct refs_build *b, const struct dump_row *r)
{
	const struct refs_source *s = &b->in.sources[r->rt];
	const struct census *c = b->in.d->in.censuses[r->rt];
	const struct census_g *g = &c->gs[r->g];
	enum ref_verdict v;

	if (gblocked_of(s->rt, c, g) == GBLOCKED_NOT)
		return REF_NO_OBJECT;
	if (!s->r || !is_goal(s, r->g))
		return REF_NOT_SEARCHED;
	v = verdict_of(reach__verdict(s->r, r->g));
	/* One look is no proof. */
	if (v == REF_UNREACHED && b->in.was_unreached &&
	    !b->in.was_unreached(b->in.was_ctx, r->rt, g->who.goid, refs_waits_for(c, g)))
		return REF_ONCE;
	return v;
}

/* --- paths --- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0xff51afd7ed558ccdULL;
	return hash ^ hash >> 32;
}

/*
 * Two that say the same to a person are the same: heap addresses, goroutine numbers and words of
 * frames do not count.
 */
static uint64_t hash_of(const struct ref_step *s, size_t nr)
{
	uint64_t hash = nr;

	for (size_t i = 0; i < nr; i++) {
		const bool goroutine = s[i].kind == REACH_STACK || s[i].kind == REACH_WAITER ||
				       s[i].kind == REACH_RAN;

		hash = mix(mix(hash, s[i].kind), s[i].size);
		hash = mix(mix(hash, goroutine ? 0 : s[i].offset), (uintptr_t)s[i].name);
		hash = mix(mix(hash, (uintptr_t)s[i].type), (uintptr_t)s[i].word);
		hash = mix(mix(hash, (uintptr_t)s[i].place.func), s[i].place.line);
		if (s[i].kind == REACH_GLOBAL || s[i].kind == REACH_C)
			hash = mix(hash, s[i].addr);
	}
	return hash;
}

static int refs_build__make_room(struct refs_build *b, size_t steps)
{
	void *p;

	if (b->rs->nr_paths == b->rs->paths_room) {
		p = reallocarray(b->rs->paths, b->rs->paths_room * 2 + 16, sizeof(*b->rs->paths));
		if (!p)
			return -ENOMEM;
		b->rs->paths = p;
		b->rs->paths_room = b->rs->paths_room * 2 + 16;
	}
	if (b->rs->steps_room - b->rs->nr_steps < steps) {
		p = reallocarray(b->rs->steps, b->rs->steps_room * 2 + steps,
				 sizeof(*b->rs->steps));
		if (!p)
			return -ENOMEM;
		b->rs->steps = p;
		b->rs->steps_room = b->rs->steps_room * 2 + steps;
	}
	return 0;
}

int refs_build__add_path(struct refs_build *b, struct ref_group *g, const struct ref_path *tell,
			 const struct reach_step *path, size_t nr)
{
	int err = refs_build__make_room(b, nr + REFS_CLIMB_MAX);
	struct ref_path add = *tell;

	if (!err && nr)
		err = refs_build__name_path(b, tell->rt, tell->goid, path, nr,
					    b->rs->steps + b->rs->nr_steps);
	if (err < 0)
		return err;
	add.steps_at = (uint32_t)b->rs->nr_steps;
	add.nr_steps = (uint32_t)err;
	add.cut = nr == REACH_PATH_MAX;
	add.nr = 1;
	if (add.fed)
		add.held_in = refs_build__holder_of_timer(b, b->rs->steps + add.steps_at,
							  add.nr_steps, tell->timer);
	add.hash = mix(mix(hash_of(b->rs->steps + add.steps_at, add.nr_steps),
			   (uintptr_t)add.object_type),
		       add.fed ? add.period_ns + 1 : 0);
	add.hash = mix(mix(add.hash, (uintptr_t)add.held_in), add.undecided);
	for (uint32_t i = 0; i < add.nr_made; i++)
		add.hash = mix(mix(add.hash, (uintptr_t)add.made[i].func), add.made[i].line);
	for (uint32_t i = 0; i < g->nr_paths; i++)
		if (b->rs->paths[g->paths_at + i].hash == add.hash) {
			b->rs->paths[g->paths_at + i].nr++;
			return 0;
		}
	b->rs->paths[b->rs->nr_paths++] = add;
	b->rs->nr_steps += add.nr_steps;
	g->nr_paths++;
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct ref_path *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr > y->nr ? -1 : 1;
	/* What one goroutine's select waits for stays together. */
	if (x->object && y->object && x->goid != y->goid)
		return x->goid < y->goid ? -1 : 1;
	return x->nr_steps != y->nr_steps ? (x->nr_steps < y->nr_steps ? -1 : 1)
					  : (x->goid > y->goid) - (x->goid < y->goid);
}

/* Who else refers to what nothing reaches. */
static void note_keepers(const struct refs_build *b, struct ref_group *g, uint16_t rt,
			 uint64_t goid, const uint32_t *numbers, size_t nr)
{
	const struct census *c = b->in.d->in.censuses[rt];

	g->unreached = goid;
	for (size_t i = 0; i < nr; i++) {
		if (c->gs[numbers[i]].who.goid == goid)
			g->kept_by_itself = true;
		else if (g->nr_keepers < REFS_KEEPERS)
			g->keepers[g->nr_keepers++] = c->gs[numbers[i]].who.goid;
	}
}

/* --- goroutines --- */

/* A row with what makes it belong to a group. */
struct member {
	struct place place;
	uint32_t row, made;
	uint16_t state, rt;
};

static int compare_kinds(const struct member *x, const struct member *y)
{
	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	if (x->made != y->made)
		return x->made < y->made ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->place.func != y->place.func)
		return (uintptr_t)x->place.func < (uintptr_t)y->place.func ? -1 : 1;
	if (x->place.file != y->place.file)
		return (uintptr_t)x->place.file < (uintptr_t)y->place.file ? -1 : 1;
	return (x->place.line > y->place.line) - (x->place.line < y->place.line);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int kinds = compare_kinds(x, y);

	return kinds ? kinds : (x->row > y->row) - (x->row < y->row);
}

static int refs_build__see(struct refs_build *b, struct ref_group *g, uint32_t row)
{
	const struct dump_row *r = &b->in.d->rows[row];
	const struct refs_source *s = &b->in.sources[r->rt];
	const struct census_g *cg = dump__g(b->in.d, r);
	enum ref_verdict v = refs_build__verdict(b, r);
	uint32_t numbers[REFS_KEEPERS + 1];

	g->nr++;
	g->of[v]++;
	b->rs->of[v]++;
	b->rs->verdicts[row] = (uint8_t)v;
	if (v == REF_UNREACHED && !g->unreached)
		note_keepers(b, g, r->rt, cg->who.goid, numbers,
			     reach__keepers(s->r, r->g, numbers, REFS_KEEPERS + 1));
	return v == REF_HELD ? refs_build__add_paths(b, g, r->rt, r->g) : 0;
}

static int refs_build__group(struct refs_build *b, const struct member *m, size_t nr)
{
	struct ref_group *g = &b->rs->groups[b->rs->nr++];
	const struct dump_row *r = &b->in.d->rows[m->row];
	int err = 0;

	*g = (struct ref_group){ .row = m->row,
				 .paths_at = (uint32_t)b->rs->nr_paths,
				 .place = m->place };
	g->object_type = refs_build__object_of(b, r->rt, dump__g(b->in.d, r), &g->object);
	for (size_t i = 0; i < nr && !err; i++)
		err = refs_build__see(b, g, m[i].row);
	if (g->nr_paths)
		qsort(b->rs->paths + g->paths_at, g->nr_paths, sizeof(*b->rs->paths),
		      compare_paths);
	return err;
}

static int compare_groups(const void *a, const void *b)
{
	const struct ref_group *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr > y->nr ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static int refs_build__goroutines(struct refs_build *b)
{
	struct dump *d = b->in.d;
	scoped_mem struct member *members = calloc(d->nr + 1, sizeof(*members));
	size_t end;
	int err = 0;

	b->rs->groups = calloc(d->nr + 1, sizeof(*b->rs->groups));
	b->rs->verdicts = calloc(d->nr + 1, sizeof(*b->rs->verdicts));
	if (!members || !b->rs->groups || !b->rs->verdicts)
		return -ENOMEM;
	for (size_t i = 0; i < d->nr && !err; i++) {
		const struct dump_row *r = &d->rows[i];

		members[i] = (struct member){
			.row = (uint32_t)i, .made = r->made, .state = r->state, .rt = r->rt
		};
		err = place_of_wait(d, dump__stack(d, r), &members[i].place);
	}
	qsort(members, d->nr, sizeof(*members), compare_members);
	for (size_t i = 0; i < d->nr && !err; i = end) {
		for (end = i + 1; end < d->nr && !compare_kinds(&members[i], &members[end]); end++)
			;
		err = refs_build__group(b, &members[i], end - i);
	}
	if (!err)
		qsort(b->rs->groups, b->rs->nr, sizeof(*b->rs->groups), compare_groups);
	return err;
}

/* --- the object at an address --- */

/* What it is, if somebody waits for it; else by the words of the runtime. */
static const char *type_of_object(const struct refs_build *b, uint16_t rt, uint64_t base)
{
	const struct census *c = b->in.d->in.censuses[rt];

	for (size_t i = 0; i < c->nr; i++) {
		uint64_t addr;

		if (c->gs[i].nr_waits && c->waits[c->gs[i].waits_at].addr == base)
			return refs_build__object_of(b, rt, &c->gs[i], &addr);
	}
	return "";
}

static int refs_build__object(struct refs_build *b, uint16_t rt)
{
	const struct reach *r = b->in.sources[rt].r;
	enum ref_verdict v = verdict_of(reach__object_verdict(r, 0));
	struct reach_step path[REACH_PATH_MAX];
	uint32_t numbers[REFS_KEEPERS + 1];
	struct ref_group *g;
	size_t nr;

	b->rs->groups = calloc(1, sizeof(*b->rs->groups));
	if (!b->rs->groups)
		return -ENOMEM;
	g = &b->rs->groups[b->rs->nr++];
	(void)reach__object_at(r, 0, &g->object, &g->object_size);
	g->object_type = type_of_object(b, rt, g->object);
	g->place = (struct place){ "", "", 0 };
	if (v == REF_UNREACHED && b->in.was_unreached &&
	    !b->in.was_unreached(b->in.was_ctx, 0, 0, g->object))
		v = REF_ONCE;
	g->of[v]++;
	b->rs->of[v]++;
	if (v == REF_UNREACHED)
		note_keepers(b, g, rt, 0, numbers,
			     reach__object_keepers(r, 0, numbers, REFS_KEEPERS + 1));
	nr = v == REF_HELD ? reach__object_path(r, 0, path, REACH_PATH_MAX) : 0;
	return nr ? refs_build__add_path(b, g,
					 &(struct ref_path){
						 .rt = rt, .object_type = "", .held_in = "" },
					 path, refs_build__from_timer(b, path, nr))
		  : 0;
}

/* A variable needs no path: it is one's beginning. */
static int refs_build__no_object(const struct refs_build *b, struct cause *why)
{
	struct govar var = { .name = "" };

	if (b->in.vars && !govars__at(b->in.vars, b->in.object, &var) && var.name[0])
		return cause__set(
			why, -ENOENT,
			"0x%" PRIx64
			" is not in the Go heap: it is in the variable %s, which is always in use",
			b->in.object, framer__text(b->in.d->framer, var.name));
	return cause__set(why, -ENOENT,
			  "0x%" PRIx64 " is not in the Go heap%s%s; 'parkwatch chans' and "
			  "'parkwatch dump --objects' tell addresses",
			  b->in.object, var.section[0] ? ", but in section " : "",
			  framer__text(b->in.d->framer, var.section));
}

static int refs_build__run(struct refs_build *b, struct cause *why)
{
	const struct refs_in *in = &b->in;
	uint64_t base, size;
	uint16_t rt = 0;

	if (!in->object)
		return refs_build__goroutines(b);
	while (rt < in->d->in.nr &&
	       (!in->sources[rt].r || reach__object_at(in->sources[rt].r, 0, &base, &size)))
		rt++;
	return rt < in->d->in.nr ? refs_build__object(b, rt) : refs_build__no_object(b, why);
}

int refs__new(const struct refs_in *in, struct refs **ret, struct cause *why)
{
	scoped(refs) rs = calloc(1, sizeof(*rs));
	struct refs_build b = { .in = *in, .rs = rs };
	int err = 0;

	b.var_refs = calloc(in->d->in.nr + 1, sizeof(*b.var_refs));
	b.tickers = calloc(in->d->in.nr + 1, sizeof(*b.tickers));
	if (!rs || !b.var_refs || !b.tickers)
		err = -ENOMEM;
	for (size_t i = 0; i < in->d->in.nr && in->vars && !err; i++)
		err = varrefs__new(in->as, in->sources[i].rt, &b.var_refs[i]);
	if (!err) {
		rs->d = in->d;
		err = refs_build__run(&b, why);
	}
	for (size_t i = 0; b.var_refs && i < in->d->in.nr; i++)
		varrefs__free(b.var_refs[i]);
	for (size_t i = 0; b.tickers && i < in->d->in.nr; i++)
		tickersites__free(b.tickers[i]);
	free(b.var_refs);
	free(b.tickers);
	if (!err)
		*ret = steal(rs);
	return err;
}

void refs__each_unreached(const struct refs *rs,
			  void (*each)(void *ctx, uint16_t rt, uint64_t goid, uint64_t waits_for),
			  void *ctx)
{
	const struct dump *d = rs->d;

	if (!rs->verdicts && (rs->of[REF_UNREACHED] || rs->of[REF_ONCE]))
		each(ctx, 0, 0, rs->groups[0].object);
	for (size_t i = 0; rs->verdicts && i < d->nr; i++) {
		const struct dump_row *r = &d->rows[i];

		if (rs->verdicts[i] == REF_UNREACHED || rs->verdicts[i] == REF_ONCE)
			each(ctx, r->rt, dump__g(d, r)->who.goid,
			     refs_waits_for(d->in.censuses[r->rt], dump__g(d, r)));
	}
}
