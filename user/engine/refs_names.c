// SPDX-License-Identifier: BSD-2-Clause
/*
 * refs_names: what the steps of a path are called. The type of a variable comes from DWARF; from
 * there on the pointers of the path are followed field by field, as they lie in memory now. Where
 * the types are not known, the runtime's own descriptors help: of what an interface holds, of a
 * large object (its malloc header), of a channel, and of a closure the code.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "census/gtimer.h"
#include "golang/gofields.h"
#include "golang/gotype.h"
#include "engine/refs_build.h"

#define FIELD_MAX   512
#define FRAME_WORDS 512u        /* of a frame that are looked at */
#define SLOTS_NAMED 16          /* of these that are asked for a name */
#define ARGS_BYTES  128u        /* of arguments that are */
#define TABLE_BYTES 64u         /* of internal/runtime/maps.table (Go 1.24) */
#define CLIMB_BYTES (64u << 10) /* of a variable without a name */

/* The next object as the step before sees it. */
struct view {
	struct dwarf_vars *dv;  /* NULL: no types */
	struct dwarf_spot spot; /* at word; of what is not known a word */
	uint64_t word;          /* address of the pointer; 0: not known */
	/* where spot does not say: the descriptor of the type of what it points to; 0: not known */
	uint64_t gotype;
};

static uint64_t word_at(const struct refs_build *b, uint64_t addr)
{
	uint64_t v;

	return addrspace__read(b->in.as, addr, &v, sizeof(v)) ? 0 : v;
}

static const char *text_of(const struct refs_build *b, const char *text)
{
	return framer__text(b->in.d->framer, text);
}

/* What lies at offset in a value of a type: the field's name, and where its pointer leads. */
static const char *field_at(const struct refs_build *b, struct view *v, uint64_t type,
			    uint64_t offset)
{
	char path[FIELD_MAX];

	v->spot = (struct dwarf_spot){ 0, DWARF_SPOT_WORD };
	v->gotype = 0;
	if (!v->dv || dwarf_vars__at(v->dv, type, offset, path, sizeof(path), &v->spot))
		return "";
	return text_of(b, path);
}

/* The same by the program's own descriptor of the type. */
static const char *gofield_at(const struct refs_build *b, uint16_t rt, struct view *v,
			      uint64_t gotype, uint64_t offset)
{
	static const enum dwarf_spot_kind kinds[] = {
		[GOSPOT_WORD] = DWARF_SPOT_WORD,
		[GOSPOT_POINTER] = DWARF_SPOT_POINTER,
		[GOSPOT_SLICE] = DWARF_SPOT_SLICE,
		[GOSPOT_INTERFACE] = DWARF_SPOT_INTERFACE,
	};
	char path[FIELD_MAX];
	struct gospot spot;

	v->spot = (struct dwarf_spot){ 0, DWARF_SPOT_WORD };
	v->gotype = 0;
	if (!gotype ||
	    gofields_at(b->in.as, b->in.sources[rt].rt, gotype, offset, path, sizeof(path), &spot))
		return "";
	v->spot.kind = kinds[spot.kind];
	v->gotype = spot.to;
	return text_of(b, path);
}

static const char *runtime_type(const struct refs_build *b, uint16_t rt, uint64_t type)
{
	char name[GOTYPE_NAME_MAX];

	if (!type || gotype_name(b->in.as, b->in.sources[rt].rt, type, name, sizeof(name)))
		return "";
	return text_of(b, name);
}

/*
 * The type of what the interface at word - 8 holds: the word before is a type (eface), or an itab,
 * which begins with two (Go runtime/runtime2.go). What a pointer points to, else what lies there
 * itself. 0: it is no interface.
 */
static uint64_t held_type(const struct refs_build *b, uint16_t rt, uint64_t word)
{
	const struct goruntime *grt = b->in.sources[rt].rt;
	uint64_t type = word ? word_at(b, word - 8) : 0, elem;

	if (type && !runtime_type(b, rt, type)[0])
		type = word_at(b, type + 8);
	if (!type || !runtime_type(b, rt, type)[0])
		return 0;
	return gofields_elem(b->in.as, grt, type, &elem) ? type : elem;
}

/* --- roots --- */

/* Which part of a module it is: where there are no sections. */
static const char *part_of(const struct goruntime *rt, uint64_t addr)
{
	for (uint32_t i = 0; i < rt->nr_modules; i++) {
		const struct gomodule *m = &rt->modules[i];

		if (addr - m->data.addr < m->data.len ||
		    addr - m->noptrdata.addr < m->noptrdata.len)
			return "data";
		if (addr - m->bss.addr < m->bss.len || addr - m->noptrbss.addr < m->noptrbss.len)
			return "bss";
	}
	return "";
}

static void name_global(const struct refs_build *b, uint16_t rt, struct ref_step *s, struct view *v)
{
	char type[FIELD_MAX];
	struct govar var;
	uint64_t t;

	s->section = part_of(b->in.sources[rt].rt, s->addr);
	s->refers = true;
	v->word = s->addr;
	if (!b->in.vars || govars__at(b->in.vars, s->addr, &var))
		return;
	if (var.section[0])
		s->section = text_of(b, var.section);
	if (!var.name[0])
		return;
	s->name = text_of(b, var.name);
	s->size = var.size;
	s->offset = s->addr - var.addr;
	s->addr = var.addr;
	v->dv = govars__types(b->in.vars, var.image);
	if (!v->dv || dwarf_vars__type_of(v->dv, var.name, &t))
		return;
	s->field = field_at(b, v, t, s->offset);
	if (!dwarf_vars__name(v->dv, t, type, sizeof(type)))
		s->type = text_of(b, type);
}

/*
 * A variable without a name is what others were made to point to at compile time. at[0]: its word;
 * at[1]: that which points there, and so on up to one that has a name. Returns how many there are
 * above at[0]; 0: no name is found.
 */
static size_t climb(const struct refs_build *b, uint16_t rt, uint64_t word, uint64_t *at)
{
	const struct varrefs *refs = b->var_refs[rt];
	struct govar var;

	at[0] = word;
	for (size_t i = 0; refs && i <= REFS_CLIMB_MAX; i++) {
		const struct varref *r;

		if (govars__at(b->in.vars, at[i], &var))
			return 0;
		if (var.name[0])
			return i;
		r = varrefs__before(refs, at[i]);
		/* Another variable may lie between. */
		if (!r || i == REFS_CLIMB_MAX || at[i] - r->value > CLIMB_BYTES ||
		    govars__at(b->in.vars, r->value, &var) || var.name[0])
			return 0;
		at[i + 1] = r->at;
	}
	return 0;
}

/*
 * One that the variable before it points to; v: as in name_object(). false: it cannot be what that
 * one has there.
 */
static bool name_static(const struct refs_build *b, uint16_t rt, uint64_t word, struct ref_step *s,
			struct view *v)
{
	const uint64_t value = word_at(b, v->word),
		       type = v->spot.kind == DWARF_SPOT_POINTER ? v->spot.to : 0;
	const uint64_t gotype = type ? 0 : v->gotype ? v->gotype : held_type(b, rt, v->word);
	char name[FIELD_MAX];
	struct govar var;

	if (type ? dwarf_vars__size(v->dv, type, &s->size)
		 : gotype && gofields_size(b->in.as, b->in.sources[rt].rt, gotype, &s->size))
		return false;
	if ((type || gotype || v->dv) && word - value >= s->size)
		return false;
	s->section = govars__at(b->in.vars, value, &var) || !var.section[0]
			     ? part_of(b->in.sources[rt].rt, value)
			     : text_of(b, var.section);
	s->addr = value;
	s->offset = word - value;
	if (type && !dwarf_vars__name(v->dv, type, name, sizeof(name)))
		s->type = text_of(b, name);
	if (gotype)
		s->type = runtime_type(b, rt, gotype);
	v->word = word;
	s->field = type ? field_at(b, v, type, s->offset) : gofield_at(b, rt, v, gotype, s->offset);
	s->refers = true;
	return true;
}

/*
 * Where no symbol leads there: what an interface among the variables points to says itself what it
 * is.
 */
static void name_held(const struct refs_build *b, uint16_t rt, struct ref_step *s, struct view *v)
{
	const struct varref *r = b->var_refs[rt] ? varrefs__before(b->var_refs[rt], s->addr) : NULL;
	struct view there = { .word = r ? r->at : 0 };
	struct ref_step held = *s;

	if (!r || s->addr - r->value > CLIMB_BYTES || !held_type(b, rt, r->at) ||
	    !name_static(b, rt, s->addr, &held, &there))
		return;
	*s = held;
	*v = there;
}

static const struct census_g *goroutine(const struct census *c, uint64_t goid)
{
	for (size_t i = 0; i < c->nr; i++)
		if (c->gs[i].who.goid == goid)
			return &c->gs[i];
	return NULL;
}

int refs_build__frame_at(const struct refs_build *b, uint16_t rt, const struct census_g *g,
			 uint32_t frame, uint64_t *ret_sp, uint64_t *ret_bytes)
{
	const struct census *c = b->in.d->in.censuses[rt];
	const uint64_t *pcs = &c->pcs[c->stacks[g->stack].pcs_at];
	const bool link = goruntime_has_link(b->in.sources[rt].rt);
	struct gosym *sym = b->in.sources[rt].rt->sym;
	uint64_t sp = g->sp;

	for (uint32_t i = 0;; i++) {
		int32_t delta;
		int err = sym ? gosym__spdelta(sym, pcs[i], &delta) : -ENOENT;
		uint64_t returns;

		if (err || delta < 0 || sp < g->stack_lo || sp > g->stack_hi ||
		    (uint64_t)delta + 8 > g->stack_hi - sp)
			return -ENOENT;
		returns = link ? sp : sp + (uint64_t)delta;
		if (i + 1 < c->stacks[g->stack].nr_pcs && (delta || !link) &&
		    word_at(b, returns) != pcs[i + 1])
			return -ENOENT;
		*ret_sp = sp;
		*ret_bytes = (uint64_t)delta;
		if (i == frame)
			return 0;
		sp += (uint64_t)delta + (link ? 0 : 8);
	}
}

/* The variable that has this word of the frame, where DWARF says; v: becomes what it has there. */
static void name_slot(const struct refs_build *b, uint16_t rt, uint64_t pc, struct ref_step *s,
		      struct view *v)
{
	const struct goruntime *of = b->in.sources[rt].rt;
	/* where the caller's stack pointer was, DWARF's canonical frame address */
	const int64_t cfa = (int64_t)s->size + (goruntime_has_link(of) ? 0 : 8);
	struct gosym *sym = of->sym;
	struct goframe f[GOSYM_INLINE_MAX];
	char name[FIELD_MAX];
	struct dwarf_slot slot;
	struct govar image;
	struct gofunc fn;
	const char *field;
	int nr;

	if (!b->in.vars || gosym__func_at(sym, pc, &fn) || govars__at(b->in.vars, pc, &image))
		return;
	nr = gosym__frames(sym, pc, false, f, GOSYM_INLINE_MAX);
	v->dv = govars__types(b->in.vars, image.image);
	if (nr <= 0 || !v->dv ||
	    dwarf_vars__slot(v->dv, f[nr - 1].func, pc - fn.entry, (int64_t)s->offset - cfa, &slot))
		return;
	field = field_at(b, v, slot.type, slot.offset);
	snprintf(name, sizeof(name), "%s%s", slot.name, field);
	s->name = text_of(b, name);
	if (!dwarf_vars__name(v->dv, slot.type, name, sizeof(name)))
		s->type = text_of(b, name);
}

/* The word of the frame that refers to what comes next. */
static void find_word(const struct refs_build *b, uint16_t rt, const struct census_g *g,
		      uint32_t frame, const struct reach_step *next, struct ref_step *s,
		      struct view *v)
{
	const struct census *c = b->in.d->in.censuses[rt];
	const uint64_t pc = c->pcs[c->stacks[g->stack].pcs_at + frame];

	uint64_t words[FRAME_WORDS], sp, bytes;

	if (refs_build__frame_at(b, rt, g, frame, &sp, &bytes))
		return;
	s->size = bytes;
	/*
	 * Arguments lie above the return address, also those that came in registers and are kept.
	 */
	bytes = bytes + 8 + ARGS_BYTES < g->stack_hi - sp ? bytes + 8 + ARGS_BYTES
							  : g->stack_hi - sp;
	bytes = bytes < sizeof(words) ? bytes & ~7ull : sizeof(words);
	if (addrspace__read(b->in.as, sp, words, bytes))
		return;
	for (size_t i = 0, seen = 0; i < bytes / 8 && !s->name[0] && seen < SLOTS_NAMED; i++) {
		struct ref_step at = *s;
		struct view there = *v;

		if (words[i] - next->addr >= next->size)
			continue;
		at.offset = i * 8;
		at.refers = true;
		there.word = sp + at.offset;
		name_slot(b, rt, frame ? pc - 1 : pc, &at, &there);
		/* The first, unless another one has a name. */
		if (seen++ && !at.name[0])
			continue;
		*s = at;
		*v = there;
	}
}

static int name_goroutine(const struct refs_build *b, uint16_t rt, uint32_t frame,
			  const struct reach_step *next, struct ref_step *s, struct view *v)
{
	const struct census *c = b->in.d->in.censuses[rt];
	const struct census_g *g = goroutine(c, s->goid);
	const struct frame *f;
	size_t nr = 0;
	int err;

	if (!g)
		return 0;
	s->word = dump__word_of(b->in.d, rt, (uint32_t)(g - c->gs));
	if (g->stack == CENSUS_NO_STACK || frame >= c->stacks[g->stack].nr_pcs) {
		if (frame == REACH_FRAME_G)
			s->field = "its deferred calls, labels or the like";
		return 0;
	}
	if (next && next->kind == REACH_OBJECT)
		find_word(b, rt, g, frame, next, s, v);
	err = framer__at(b->in.d->framer, rt, c->pcs[c->stacks[g->stack].pcs_at + frame], true, &f,
			 &nr);
	if (!err && nr)
		s->place = (struct place){ f[nr - 1].name, f[nr - 1].file, f[nr - 1].line };
	return err;
}

/* --- objects --- */

static void put_index(const struct refs_build *b, uint64_t index, struct ref_step *s)
{
	char text[FIELD_MAX + 32];

	snprintf(text, sizeof(text), "[%llu]%s", (unsigned long long)index, s->field);
	s->field = text_of(b, text);
}

/*
 * What a large object says itself: of what type it is, or are the elements of the array that it is
 * (a type begins with its size, Go internal/abi/type.go).
 */
static const char *header_type(const struct refs_build *b, uint16_t rt, const struct reach_step *at,
			       struct ref_step *s, struct view *next)
{
	uint64_t type = word_at(b, at->addr - 8), one = type ? word_at(b, type) : 0;
	const char *name = runtime_type(b, rt, type);
	char text[GOTYPE_NAME_MAX + 2];

	s->field = one ? gofield_at(b, rt, next, type, at->offset % one) : "";
	if (!name[0] || !one || at->size / 2 < one)
		return name;
	put_index(b, at->offset / one, s);
	snprintf(text, sizeof(text), "[]%s", name);
	return text_of(b, text);
}

/* A closure begins with the address of its code. */
static const char *closure_of(const struct refs_build *b, uint16_t rt, uint64_t object)
{
	struct gosym *sym = b->in.sources[rt].rt->sym;
	uint64_t pc = word_at(b, object);
	struct goframe f[GOSYM_INLINE_MAX];
	char text[FIELD_MAX];
	struct gofunc fn;
	int nr;

	if (!pc || !sym || gosym__func_at(sym, pc, &fn) || fn.entry != pc)
		return "";
	nr = gosym__frames(sym, pc, false, f, GOSYM_INLINE_MAX);
	if (nr <= 0)
		return "";
	snprintf(text, sizeof(text), "closure %s", f[nr - 1].func);
	return text_of(b, text);
}

/* Of a type whose descriptor is known, or an array of that. */
static const char *described_type(const struct refs_build *b, uint16_t rt,
				  const struct reach_step *at, const struct view *v,
				  struct ref_step *s, struct view *next)
{
	const bool held = v->spot.kind == DWARF_SPOT_INTERFACE || v->spot.kind == DWARF_SPOT_WORD;
	const uint64_t gotype = v->gotype ? v->gotype : held ? held_type(b, rt, v->word) : 0;
	const char *name = runtime_type(b, rt, gotype);
	const uint64_t into = v->word ? word_at(b, v->word) - at->addr : 0;
	const bool many = v->gotype && v->spot.kind == DWARF_SPOT_SLICE;
	char text[GOTYPE_NAME_MAX + 2];
	uint64_t one;

	if (!name[0] || into >= at->size || at->offset < into ||
	    gofields_size(b->in.as, b->in.sources[rt].rt, gotype, &one) || !one)
		return into ? "" : name;
	s->field = gofield_at(b, rt, next, gotype, (at->offset - into) % one);
	if (many || (at->offset - into) / one)
		put_index(b, (at->offset - into) / one, s);
	snprintf(text, sizeof(text), "[]%s", name);
	return into ? "" : many ? text_of(b, text) : name;
}

/* Of what no type of DWARF is known. next: becomes what it has at the word. */
static const char *known_otherwise(const struct refs_build *b, uint16_t rt,
				   const struct reach_step *at, const struct view *v,
				   struct ref_step *s, struct view *next)
{
	const char *name = at->typed ? header_type(b, rt, at, s, next) : "";

	if (!name[0])
		name = described_type(b, rt, at, v, s, next);
	if (!name[0] || !strncmp(name, "func(", 5)) {
		const char *closure = closure_of(b, rt, at->addr);

		name = closure[0] ? closure : name;
	}
	return name;
}

/*
 * The type of what begins where the pointer points: of the object, or of a part of it that nobody
 * names.
 */
static const char *type_at(const struct refs_build *b, const struct view *v, uint64_t type,
			   uint64_t into)
{
	char name[FIELD_MAX], many[FIELD_MAX + 2];

	if (!type || into || dwarf_vars__name(v->dv, type, name, sizeof(name)))
		return "";
	snprintf(many, sizeof(many), "[]%s", name);
	return text_of(b, v->spot.kind == DWARF_SPOT_SLICE ? many : name);
}

/*
 * What dirPtr of a map points to is not as its type says if the directory has no entry: then it is
 * the map's only group (Go 1.24 internal/runtime/maps/map.go).
 */
static bool is_small_map(const struct refs_build *b, const struct ref_step *s, const struct view *v)
{
	return !strncmp(s->type, "map<", 4) && !strcmp(s->field, ".dirPtr") &&
	       !word_at(b, v->word + 8);
}

/*
 * to: the type that dirPtr is said to point to, a pointer to a table. What it does point to then:
 * the table says.
 */
static uint64_t group_type(const struct view *v, uint64_t to)
{
	struct dwarf_spot table, group;
	char path[FIELD_MAX];

	if (dwarf_vars__at(v->dv, to, 0, path, sizeof(path), &table) ||
	    table.kind != DWARF_SPOT_POINTER)
		return 0;
	for (uint64_t at = 0; at < TABLE_BYTES; at += 8)
		if (!dwarf_vars__at(v->dv, table.to, at, path, sizeof(path), &group) &&
		    !strcmp(path, ".groups.data"))
			return group.kind == DWARF_SPOT_POINTER ? group.to : 0;
	return 0;
}

/* v: what the step before has there; becomes what this one has. */
static void name_object(const struct refs_build *b, uint16_t rt, const struct reach_step *at,
			struct ref_step *s, struct view *v)
{
	const bool many = v->spot.kind == DWARF_SPOT_SLICE;
	uint64_t value = v->word ? word_at(b, v->word) : 0, into = value - at->addr;
	uint64_t type =
		(many || v->spot.kind == DWARF_SPOT_POINTER) && into < at->size ? v->spot.to : 0;
	struct view next = { .dv = v->dv };
	uint64_t one = 0;

	s->field = "";
	s->type = type_at(b, v, type, into);
	if (!s->type[0])
		s->type = known_otherwise(b, rt, at, v, s, &next);
	v->spot = next.spot;
	v->gotype = next.gotype;
	v->word = at->addr + at->offset;
	/* Before the pointer nobody knows what lies there. */
	if (!type || at->offset < into || dwarf_vars__size(v->dv, type, &one) || !one)
		return;
	s->field = field_at(b, v, type, (at->offset - into) % one);
	if (many || (at->offset - into) / one)
		put_index(b, (at->offset - into) / one, s);
	if (is_small_map(b, s, v)) {
		type = group_type(v, v->spot.to);
		v->spot = (struct dwarf_spot){ type, type ? DWARF_SPOT_POINTER : DWARF_SPOT_WORD };
	}
}

/* --- what is waited for --- */

static const char *channel_type(const struct refs_build *b, uint16_t rt, uint64_t addr)
{
	const int32_t elemtype = b->in.sources[rt].rt->objects.hchan_elemtype;
	char name[GOTYPE_NAME_MAX], text[GOTYPE_NAME_MAX + 8];

	if (elemtype < 0 || gotype_name(b->in.as, b->in.sources[rt].rt,
					word_at(b, addr + (uint64_t)elemtype), name, sizeof(name)))
		return "chan";
	snprintf(text, sizeof(text), "chan %s", name);
	return text_of(b, text);
}

const char *refs_build__awaited(const struct refs_build *b, uint16_t rt,
				const struct census_wait *w)
{
	return w->kind == CENSUS_WAIT_CHAN ? channel_type(b, rt, w->addr)
					   : dump_wait_kind((enum census_wait_kind)w->kind);
}

const char *refs_build__object_of(const struct refs_build *b, uint16_t rt, const struct census_g *g,
				  uint64_t *ret_addr)
{
	const struct census_wait *w = &b->in.d->in.censuses[rt]->waits[g->waits_at];

	*ret_addr = g->nr_waits ? w->addr : 0;
	return g->nr_waits ? refs_build__awaited(b, rt, w) : "";
}

/* What of the object it is that goroutine goid waits for. */
static void name_awaited(const struct refs_build *b, uint16_t rt, uint64_t goid, struct ref_step *s)
{
	const struct census *c = b->in.d->in.censuses[rt];
	const struct census_g *g = goid ? goroutine(c, goid) : NULL;

	for (uint32_t i = 0; g && i < g->nr_waits; i++) {
		const struct census_wait *w = &c->waits[g->waits_at + i];

		if (w->addr - s->addr >= s->size)
			continue;
		s->word = refs_build__awaited(b, rt, w);
		s->offset = w->addr - s->addr;
		if (w->kind == CENSUS_WAIT_CHAN && (s->word[4] || !s->type[0]))
			s->type = s->word;
		return;
	}
}

/* --- all of it --- */

static void name_timer(const struct refs_build *b, uint16_t rt, struct ref_step *s)
{
	struct gtimer t;
	char text[64];

	if (!gtimer_read(b->in.as, b->in.sources[rt].rt, s->addr, &t))
		return;
	snprintf(text, sizeof(text), "every %g s", (double)t.period_ns / NS_PER_SEC);
	s->word = t.period_ns ? text_of(b, text) : "once";
}

static void name_nothing(const struct reach_step *at, struct ref_step *ret)
{
	*ret = (struct ref_step){
		.kind = at->kind,
		.addr = at->addr,
		.size = at->size,
		.offset = at->offset,
		.goid = at->goid,
		.name = "",
		.field = "",
		.section = "",
		.type = "",
		.word = "",
		.place = { "", "", 0 },
	};
}

/* next: NULL: it is the last, and goroutine goid waits for it. */
static int name_step(const struct refs_build *b, uint16_t rt, uint64_t goid,
		     const struct reach_step *at, const struct reach_step *next, struct view *v,
		     struct ref_step *s)
{
	switch ((enum reach_kind)at->kind) {
	case REACH_GLOBAL:
		name_global(b, rt, s, v);
		if (!s->name[0])
			name_held(b, rt, s, v);
		s->refers = next;
		return 0;
	case REACH_OBJECT:
		name_object(b, rt, at, s, v);
		s->refers = next && next->kind == REACH_OBJECT;
		if (s->refers)
			return 0;
		s->field = "";
		name_awaited(b, rt, next ? next->goid : goid, s);
		return 0;
	case REACH_STACK:
	case REACH_WAITER:
	case REACH_RAN:
		*v = (struct view){ .word = 0 };
		return name_goroutine(b, rt, at->frame, next, s, v);
	case REACH_SPECIAL:
	case REACH_C: *v = (struct view){ .word = at->kind == REACH_C ? at->addr : 0 }; return 0;
	case REACH_TIMER: *v = (struct view){ .word = 0 }; name_timer(b, rt, s);
	}
	return 0;
}

/*
 * The root and what leads to it, if it is a variable without a name. How many steps that is; 0: no
 * more than the root itself.
 */
static size_t name_climb(const struct refs_build *b, uint16_t rt, const struct reach_step *root,
			 struct view *v, struct ref_step *ret)
{
	uint64_t at[REFS_CLIMB_MAX + 1];
	size_t nr = b->in.vars ? climb(b, rt, root->addr, at) : 0;

	for (size_t i = 0; nr && i <= nr; i++) {
		name_nothing(&(struct reach_step){ .addr = at[nr - i], .kind = REACH_GLOBAL },
			     &ret[i]);
		if (!i)
			name_global(b, rt, &ret[i], v);
		else if (!name_static(b, rt, at[nr - i], &ret[i], v))
			return 0;
	}
	return nr ? nr + 1 : 0;
}

int refs_build__name_path(const struct refs_build *b, uint16_t rt, uint64_t goid,
			  const struct reach_step *steps, size_t nr, struct ref_step *ret)
{
	struct view v = { .word = 0 };
	size_t done =
		steps[0].kind == REACH_GLOBAL && nr > 1 ? name_climb(b, rt, &steps[0], &v, ret) : 0;
	size_t above = done ? done - 1 : 0;
	int err = 0;

	if (!done)
		v = (struct view){ .word = 0 };
	for (size_t i = done ? 1 : 0; i < nr && !err; i++) {
		name_nothing(&steps[i], &ret[above + i]);
		err = name_step(b, rt, goid, &steps[i], i + 1 < nr ? &steps[i + 1] : NULL, &v,
				&ret[above + i]);
	}
	return err ? err : (int)(above + nr);
}
