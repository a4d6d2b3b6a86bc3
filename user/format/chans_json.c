/* SPDX-License-Identifier: BSD-2-Clause */
/* chans_json: for programs: each object and each waiter, nothing folded. Addresses are strings. */
#include <errno.h>
#include <stdlib.h>

#include "view/calls.h"
#include "view/chans.h"
#include "format/chans_watch.h"
#include "format/dump_show.h"

struct writer {
	struct chans *cs;
	const struct chans_show *show;
	struct json_writer json;
};

static void put_place(struct json_writer *j, const struct place *p)
{
	jsonw_string_field(j, "func", p->func);
	jsonw_string_field(j, "file", p->file);
	jsonw_uint_field(j, "line", p->line);
}

static void put_stand(struct writer *w, uint16_t rt, uint32_t g)
{
	struct place p;
	int err = place_of_goroutine(w->cs->d, rt, g, &p);

	jsonw_fail(&w->json, err);
	if (!err)
		put_place(&w->json, &p);
}

static void put_release(struct writer *w, uint16_t rt, const struct ghold *h)
{
	struct place p;
	int err = place_of_release(w->cs->d, rt, h, &p);

	jsonw_fail(&w->json, err);
	if (!err)
		put_place(&w->json, &p);
}

static void put_wait_ns(struct writer *w, const struct dump_row *row)
{
	const uint64_t ns = dump__wait_ns(w->cs->d, row);

	jsonw_uint_or_null_field(&w->json, "wait_ns", ns, ns != DUMP_UNKNOWN);
}

static void put_mode(struct json_writer *j, uint8_t direction)
{
	if (direction == CENSUS_DIR_READ || direction == CENSUS_DIR_WRITE)
		jsonw_string_field(j, "mode", direction == CENSUS_DIR_READ ? "read" : "write");
}

static void put_waiter(struct writer *w, const struct object_waiter *v)
{
	const struct dump_row *row = &w->cs->d->rows[v->row];
	struct json_writer *j = &w->json;

	jsonw_start_object(j);
	jsonw_uint_field(j, "goid", dump__g(w->cs->d, row)->who.goid);
	put_wait_ns(w, row);
	jsonw_bool_field(j, "select", v->select);
	put_mode(j, v->direction);
	put_place(j, &w->cs->places[v->place]);
	jsonw_name(j, "created_by");
	dump_json__site(dump__site(w->cs->d, row->made), j);
	calls__json(w->cs->d, row, j);
	jsonw_end_object(j);
}

/* Those who go one direction; direction -1: all. */
static void put_ways(struct writer *w, const struct object *o, int direction)
{
	for (uint32_t i = 0; i < o->nr; i++) {
		const struct object_waiter *v = &w->cs->waiters[o->first + i];

		if (direction < 0 || v->direction == direction)
			put_waiter(w, v);
	}
}

static void put_waiters(struct writer *w, const char *name, const struct object *o, int direction)
{
	jsonw_array_field(&w->json, name);
	put_ways(w, o, direction);
	jsonw_end_array(&w->json);
}

/* [["0x2a"],["0x2b"]]: words of each element */
static void put_elements(struct writer *w, const struct object *o)
{
	const struct gchans *all = w->cs->sources[o->rt].chans;
	const struct gchan *ch = chans__chan(w->cs, o);
	struct json_writer *j = &w->json;

	jsonw_bool_field(j, "secret", ch->secret);
	jsonw_array_field(j, "elements");
	for (unsigned int i = 0; i < ch->nr_elements && !ch->secret; i++) {
		jsonw_start_array(j);
		for (unsigned int k = 0; k < ch->element_words; k++)
			jsonw_hex(j, all->words[ch->words_at + i * ch->element_words + k]);
		jsonw_end_array(j);
	}
	jsonw_end_array(j);
}

static void put_runtime(struct writer *w, uint16_t rt)
{
	if (w->cs->d->in.nr > 1)
		jsonw_uint_field(&w->json, "runtime", rt);
}

static void put_elem(struct json_writer *j, uint64_t size, const char *type)
{
	jsonw_object_field(j, "elem");
	jsonw_uint_field(j, "size", size);
	jsonw_string_field(j, "type", type[0] ? type : NULL);
	jsonw_end_object(j);
}

/* What is in it; null, each, if it changed while it was read. */
static void put_content(struct json_writer *j, const struct object *o, const struct gchan *ch)
{
	static const char *const names[] = { "elem", "len", "cap", "closed", "timer" };

	for (size_t i = 0; !ch->settled && i < ARRAY_SIZE(names); i++)
		jsonw_null_field(j, names[i]);
	if (!ch->settled)
		return;
	put_elem(j, ch->elem_size, o->type);
	jsonw_uint_field(j, "len", ch->len);
	jsonw_uint_field(j, "cap", ch->cap);
	jsonw_bool_field(j, "closed", ch->closed);
	jsonw_bool_field(j, "timer", ch->timer);
}

static void put_chan(struct writer *w, const struct object *o)
{
	struct json_writer *j = &w->json;

	jsonw_start_object(j);
	jsonw_hex_field(j, "addr", o->addr);
	put_content(j, o, chans__chan(w->cs, o));
	put_waiters(w, "senders", o, CENSUS_DIR_SEND);
	put_waiters(w, "receivers", o, CENSUS_DIR_RECEIVE);
	put_waiters(w, "undetermined", o, CENSUS_DIR_NONE);
	if (w->show->elements)
		put_elements(w, o);
	if (w->show->watched)
		chans_watch__json(w->show->watched->w,
				  chan_watch__now(w->show->watched->w, o->rt, o->addr), j);
	put_runtime(w, o->rt);
	jsonw_end_object(j);
}

/* One that nobody waits for at the end: as it was seen last. */
static void put_watched(struct writer *w, const struct chan_life *l)
{
	static const char *const nobody[] = { "senders", "receivers", "undetermined" };
	struct json_writer *j = &w->json;

	jsonw_newline(j);
	jsonw_start_object(j);
	jsonw_hex_field(j, "addr", l->addr);
	put_elem(j, l->elem_bytes, l->elem_name);
	jsonw_uint_field(j, "len", l->len);
	jsonw_uint_field(j, "cap", l->cap);
	jsonw_bool_field(j, "closed", l->closed);
	jsonw_bool_field(j, "timer", l->timer);
	for (size_t i = 0; i < ARRAY_SIZE(nobody); i++) {
		jsonw_array_field(j, nobody[i]);
		jsonw_end_array(j);
	}
	chans_watch__json(w->show->watched->w, l, j);
	put_runtime(w, l->rt);
	jsonw_end_object(j);
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a,
			    *y = *(const struct object *const *)b;

	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Those of the watch that are no object, as nobody waits for them, or not any more. */
static void put_others(struct writer *w)
{
	const struct watched_chans *c = w->show->watched;
	scoped_mem const struct object **by_addr = calloc(w->cs->nr + 1, sizeof(struct object *));
	size_t nr = 0;

	if (!by_addr) {
		jsonw_fail(&w->json, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < w->cs->nr; i++)
		if (w->cs->objects[i].kind == OBJECT_CHAN)
			by_addr[nr++] = &w->cs->objects[i];
	if (nr)
		qsort(by_addr, nr, sizeof(struct object *), compare_objects);
	for (size_t i = 0; i < c->nr; i++) {
		const struct object at = { .addr = c->v[i]->addr, .rt = c->v[i]->rt }, *key = &at;

		if (c->v[i]->ended || !nr ||
		    !bsearch(&key, by_addr, nr, sizeof(struct object *), compare_objects))
			put_watched(w, c->v[i]);
	}
}

static void put_state(struct json_writer *j, const struct glock *l)
{
	if (!l->settled) {
		jsonw_null_field(j, "state");
		return;
	}
	jsonw_object_field(j, "state");
	switch ((enum census_wait_kind)l->kind) {
	case CENSUS_WAIT_RWMUTEX:
		jsonw_bool_field(j, "writer", l->writer);
		jsonw_int_field(j, "readers", l->readers);
		jsonw_int_field(j, "departing", l->departing);
		/* fall through */
	case CENSUS_WAIT_MUTEX:
		jsonw_bool_field(j, "locked", l->locked);
		jsonw_bool_field(j, "woken", l->woken);
		jsonw_bool_field(j, "starving", l->starving);
		jsonw_uint_field(j, "waiters", l->waiters);
		break;
	case CENSUS_WAIT_WAITGROUP:
		jsonw_int_field(j, "counter", l->counter);
		jsonw_uint_field(j, "waiters", l->waiters);
		break;
	case CENSUS_WAIT_COND:
		jsonw_uint_field(j, "waiters", l->waiters);
		jsonw_hex_field(j, "locker", l->locker);
		break;
	default: jsonw_uint_field(j, "value", l->value);
	}
	jsonw_end_object(j);
}

/* Where it will give the lock back, or call Done; and where it is now, for how long. */
static void put_holder(struct writer *w, uint16_t rt, const struct ghold *h)
{
	const struct dump_row row = { .g = h->g, .rt = rt };
	struct json_writer *j = &w->json;

	jsonw_start_object(j);
	jsonw_uint_field(j, "goid", dump__g(w->cs->d, &row)->who.goid);
	jsonw_string_field(j, "kind", ghold_word((enum ghold_kind)h->kind));
	put_release(w, rt, h);
	jsonw_object_field(j, "at");
	jsonw_string_field(j, "state", dump__word_of(w->cs->d, rt, h->g));
	put_stand(w, rt, h->g);
	put_wait_ns(w, &row);
	jsonw_end_object(j);
	jsonw_end_object(j);
}

static void put_lock(struct writer *w, const struct object *o)
{
	const struct glock *l = chans__lock(w->cs, o);
	struct json_writer *j = &w->json;
	size_t nr;
	const struct ghold *h = gholds__of(w->cs->sources[o->rt].holds, l->addr, &nr);

	jsonw_start_object(j);
	jsonw_hex_field(j, "addr", o->addr);
	jsonw_string_field(j, "kind", dump_wait_kind((enum census_wait_kind)l->kind));
	put_state(j, l);
	put_waiters(w, "waiters", o, -1);
	jsonw_array_field(j, "holders");
	for (size_t i = 0; i < nr; i++)
		put_holder(w, o->rt, &h[i]);
	jsonw_end_array(j);
	put_runtime(w, o->rt);
	jsonw_end_object(j);
}

static void put_objects(struct writer *w, const char *name, enum object_kind kind)
{
	jsonw_array_field(&w->json, name);
	for (size_t i = 0; i < w->cs->nr_folds; i++)
		for (uint32_t k = 0; k < w->cs->folds[i].nr; k++) {
			const struct object *o = &w->cs->objects[w->cs->folds[i].first + k];

			if (o->kind != kind)
				continue;
			jsonw_newline(&w->json);
			if (kind == OBJECT_CHAN)
				put_chan(w, o);
			else
				put_lock(w, o);
		}
	if (kind == OBJECT_CHAN && w->show->watched)
		put_others(w);
	jsonw_end_array(&w->json);
}

/* Nil channels and selects without cases, by what they try. */
static void put_nothing(struct writer *w, const char *name, enum census_direction direction)
{
	jsonw_array_field(&w->json, name);
	for (size_t i = 0; i < w->cs->nr; i++)
		if (w->cs->objects[i].kind == OBJECT_NOTHING)
			put_ways(w, &w->cs->objects[i], direction);
	jsonw_end_array(&w->json);
}

static void put_hold(struct writer *w, uint16_t rt, const struct wait_edge *e)
{
	const struct chans_source *s = &w->cs->sources[rt];
	struct json_writer *j = &w->json;

	jsonw_object_field(j, "hold");
	if (wait_edge_keeps(e)) {
		jsonw_string_field(j, "kind", "only-reference");
		jsonw_uint_field(j, "others", e->hold - WAITGRAPH_KEEPS);
		put_stand(w, rt, e->to);
	} else if (e->hold == WAITGRAPH_NO_HOLD) {
		jsonw_string_field(j, "kind", "rwmutex-pending");
		put_stand(w, rt, e->to);
	} else {
		jsonw_string_field(j, "kind",
				   ghold_word((enum ghold_kind)s->holds->v[e->hold].kind));
		put_release(w, rt, &s->holds->v[e->hold]);
	}
	jsonw_end_object(j);
}

static void put_step(struct writer *w, uint16_t rt, const struct wait_edge *e)
{
	const struct census *c = w->cs->d->in.censuses[rt];
	const struct census_wait *wait = &c->waits[e->wait];
	const struct glock *l = glocks__get(w->cs->sources[rt].locks, wait->addr);
	struct json_writer *j = &w->json;

	jsonw_start_object(j);
	jsonw_uint_field(j, "goid", c->gs[e->g].who.goid);
	jsonw_object_field(j, "waits_for");
	jsonw_string_field(j, "kind",
			   dump_wait_kind((enum census_wait_kind)(l ? l->kind : wait->kind)));
	jsonw_hex_field(j, "addr", wait->addr);
	put_mode(j, wait->direction);
	if (wait->direction == CENSUS_DIR_SEND || wait->direction == CENSUS_DIR_RECEIVE)
		jsonw_string_field(j, "mode",
				   wait->direction == CENSUS_DIR_SEND ? "send" : "receive");
	put_stand(w, rt, e->g);
	jsonw_end_object(j);
	jsonw_uint_field(j, "held_by", c->gs[e->to].who.goid);
	put_hold(w, rt, e);
	jsonw_end_object(j);
}

static void put_cycle(struct writer *w, uint16_t rt, const struct wait_cycle *r)
{
	const struct waitgraph *g = w->cs->sources[rt].graph;
	const struct census *c = w->cs->d->in.censuses[rt];
	struct json_writer *j = &w->json;

	jsonw_newline(j);
	jsonw_start_object(j);
	jsonw_array_field(j, "goroutines");
	for (uint32_t k = 0; k < r->nr; k++)
		jsonw_uint(j, c->gs[g->steps[r->edges_at + k].g].who.goid);
	jsonw_end_array(j);
	jsonw_array_field(j, "steps");
	for (uint32_t k = 0; k < r->nr; k++)
		put_step(w, rt, &g->steps[r->edges_at + k]);
	jsonw_end_array(j);
	jsonw_uint_field(j, "behind", r->behind);
	put_runtime(w, rt);
	jsonw_end_object(j);
}

static void put_deadlocks(struct writer *w)
{
	jsonw_array_field(&w->json, "deadlocks");
	for (uint16_t rt = 0; rt < w->cs->d->in.nr; rt++)
		for (size_t i = 0; i < w->cs->sources[rt].graph->nr_cycles; i++)
			put_cycle(w, rt, &w->cs->sources[rt].graph->cycles[i]);
	jsonw_end_array(&w->json);
}

static void put_target(struct json_writer *j, struct framer *f, const struct report_meta *m)
{
	jsonw_object_field(j, "target");
	jsonw_int_field(j, "pid", m->pid);
	jsonw_string_field(j, "go", framer__text(f, m->go_version));
	jsonw_string_field(j, "exe", framer__text(f, m->exe));
	jsonw_end_object(j);
	jsonw_uint_field(j, "taken_unix_ns", m->wall_start_ns);
}

int chans_show__json(struct chans *cs, const struct chans_show *s, FILE *out, struct cause *why)
{
	struct writer w = { .cs = cs, .show = s };
	struct json_writer *j = &w.json;
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	jsonw_init(j, &to);
	jsonw_start_object(j);
	put_target(j, cs->d->framer, s->meta);
	if (s->watched)
		chans_watch__json_head(s->watched->w, j);
	put_objects(&w, "channels", OBJECT_CHAN);
	put_objects(&w, "locks", OBJECT_LOCK);
	jsonw_object_field(j, "nobody");
	put_nothing(&w, "senders", CENSUS_DIR_SEND);
	put_nothing(&w, "receivers", CENSUS_DIR_RECEIVE);
	put_nothing(&w, "selects", CENSUS_DIR_NONE);
	jsonw_end_object(j);
	put_deadlocks(&w);
	jsonw_uint_field(j, "unsettled", cs->unsettled + cs->d->counts.unsettled);
	jsonw_end_object(j);
	jsonw_end(j);
	err = dump_show__end(&to, why);
	textbuf__done(&to);
	return err;
}
