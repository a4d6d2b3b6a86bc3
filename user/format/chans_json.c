/* SPDX-License-Identifier: BSD-2-Clause */
/* chans_json: for programs: each object and each waiter, nothing folded. Addresses are strings. */
#include <string.h>

#include "view/calls.h"
#include "view/chans.h"
#include "format/dump_show.h"

struct writer {
	struct chans *cs;
	const struct chans_show *show;
	struct textbuf to;
};

static void put_signed(struct textbuf *to, const char *key, int64_t n)
{
	textbuf__text(to, key);
	textbuf__i64(to, n);
}

static void put_hex(struct textbuf *to, const char *key, uint64_t addr)
{
	textbuf__text(to, key);
	textbuf__text(to, "\"");
	textbuf__hex(to, addr);
	textbuf__text(to, "\"");
}

static void put_bool(struct textbuf *to, const char *key, bool b)
{
	textbuf__text(to, key);
	textbuf__text(to, b ? "true" : "false");
}

/* ,"func":"...","file":"...","line":1 */
static void put_place(struct textbuf *to, const struct place *p)
{
	textbuf__json_text(to, ",\"func\":", p->func);
	textbuf__json_text(to, ",\"file\":", p->file);
	textbuf__json_u64(to, ",\"line\":", p->line);
}

static void put_stand(struct writer *w, uint16_t rt, uint32_t g)
{
	struct place p;
	int err = place_of_goroutine(w->cs->d, rt, g, &p);

	if (err)
		w->to.err = w->to.err ? w->to.err : err;
	else
		put_place(&w->to, &p);
}

static void put_release(struct writer *w, uint16_t rt, const struct ghold *h)
{
	struct place p;
	int err = place_of_release(w->cs->d, rt, h, &p);

	if (err)
		w->to.err = w->to.err ? w->to.err : err;
	else
		put_place(&w->to, &p);
}

static void put_wait_ns(struct writer *w, const struct dump_row *row)
{
	uint64_t ns = dump__wait_ns(w->cs->d, row);

	if (ns == DUMP_UNKNOWN)
		textbuf__text(&w->to, ",\"wait_ns\":null");
	else
		textbuf__json_u64(&w->to, ",\"wait_ns\":", ns);
}

static void put_waiter(struct writer *w, const struct object_waiter *v)
{
	const struct dump_row *row = &w->cs->d->rows[v->row];

	textbuf__json_u64(&w->to, "{\"goid\":", dump__g(w->cs->d, row)->goid);
	put_wait_ns(w, row);
	put_bool(&w->to, ",\"select\":", v->select);
	if (v->way == CENSUS_WAY_READ || v->way == CENSUS_WAY_WRITE)
		textbuf__text(&w->to, v->way == CENSUS_WAY_READ ? ",\"mode\":\"read\""
								: ",\"mode\":\"write\"");
	put_place(&w->to, &w->cs->places[v->place]);
	textbuf__text(&w->to, ",\"created_by\":");
	dump_json__site(dump__site(w->cs->d, row->made), &w->to);
	calls__json(w->cs->d, row, &w->to);
	textbuf__text(&w->to, "}");
}

/* Those who go one way; way -1: all. *any: something stands in the list already. */
static void put_ways(struct writer *w, const struct object *o, int way, bool *any)
{
	for (uint32_t i = 0; i < o->nr; i++) {
		const struct object_waiter *v = &w->cs->waiters[o->first + i];

		if (way >= 0 && v->way != way)
			continue;
		textbuf__text(&w->to, *any ? "," : "");
		put_waiter(w, v);
		*any = true;
	}
}

static void put_waiters(struct writer *w, const char *key, const struct object *o, int way)
{
	bool any = false;

	textbuf__text(&w->to, key);
	textbuf__text(&w->to, "[");
	put_ways(w, o, way, &any);
	textbuf__text(&w->to, "]");
}

/* [["0x2a"],["0x2b"]]: words of each element */
static void put_elements(struct writer *w, const struct object *o)
{
	const struct gchans *all = w->cs->sources[o->rt].chans;
	const struct gchan *ch = chans__chan(w->cs, o);

	put_bool(&w->to, ",\"secret\":", ch->secret);
	textbuf__text(&w->to, ",\"elements\":[");
	for (unsigned int i = 0; i < ch->nr_elements && !ch->secret; i++) {
		textbuf__text(&w->to, i ? ",[" : "[");
		for (unsigned int k = 0; k < ch->element_words; k++)
			put_hex(&w->to, k ? "," : "",
				all->words[ch->words_at + i * ch->element_words + k]);
		textbuf__text(&w->to, "]");
	}
	textbuf__text(&w->to, "]");
}

static void put_runtime(struct writer *w, uint16_t rt)
{
	if (w->cs->d->in.nr > 1)
		textbuf__json_u64(&w->to, ",\"runtime\":", rt);
}

static void put_chan(struct writer *w, const struct object *o)
{
	const struct gchan *ch = chans__chan(w->cs, o);
	struct textbuf *to = &w->to;

	put_hex(to, "{\"addr\":", o->addr);
	if (ch->settled) {
		textbuf__json_u64(to, ",\"elem\":{\"size\":", ch->elem_size);
		textbuf__text(to, ",\"type\":");
		if (o->type[0])
			textbuf__json(to, o->type);
		else
			textbuf__text(to, "null");
		textbuf__json_u64(to, "},\"len\":", ch->len);
		textbuf__json_u64(to, ",\"cap\":", ch->cap);
		put_bool(to, ",\"closed\":", ch->closed);
		put_bool(to, ",\"timer\":", ch->timer);
	} else {
		textbuf__text(
			to,
			",\"elem\":null,\"len\":null,\"cap\":null,\"closed\":null,\"timer\":null");
	}
	put_waiters(w, ",\"senders\":", o, CENSUS_WAY_SEND);
	put_waiters(w, ",\"receivers\":", o, CENSUS_WAY_RECEIVE);
	put_waiters(w, ",\"undetermined\":", o, CENSUS_WAY_NONE);
	if (w->show->elements)
		put_elements(w, o);
	put_runtime(w, o->rt);
	textbuf__text(to, "}");
}

static void put_state(struct writer *w, const struct glock *l)
{
	struct textbuf *to = &w->to;

	if (!l->settled) {
		textbuf__text(to, ",\"state\":null");
		return;
	}
	textbuf__text(to, ",\"state\":{");
	switch ((enum census_wait_kind)l->kind) {
	case CENSUS_WAIT_RWMUTEX:
		put_bool(to, "\"writer\":", l->writer);
		put_signed(to, ",\"readers\":", l->readers);
		put_signed(to, ",\"departing\":", l->departing);
		textbuf__text(to, ",");
		/* fall through */
	case CENSUS_WAIT_MUTEX:
		put_bool(to, "\"locked\":", l->locked);
		put_bool(to, ",\"woken\":", l->woken);
		put_bool(to, ",\"starving\":", l->starving);
		textbuf__json_u64(to, ",\"waiters\":", l->waiters);
		break;
	case CENSUS_WAIT_WAITGROUP:
		put_signed(to, "\"counter\":", l->counter);
		textbuf__json_u64(to, ",\"waiters\":", l->waiters);
		break;
	case CENSUS_WAIT_COND:
		textbuf__json_u64(to, "\"waiters\":", l->waiters);
		put_hex(to, ",\"locker\":", l->locker);
		break;
	default: textbuf__json_u64(to, "\"value\":", l->value);
	}
	textbuf__text(to, "}");
}

/* Where it will give the lock back, or call Done; and where it is now, for how long. */
static void put_holder(struct writer *w, uint16_t rt, const struct ghold *h)
{
	const struct dump_row row = { .g = h->g, .rt = rt };

	textbuf__json_u64(&w->to, "{\"goid\":", dump__g(w->cs->d, &row)->goid);
	textbuf__json_text(&w->to, ",\"kind\":", ghold_word((enum ghold_kind)h->kind));
	put_release(w, rt, h);
	textbuf__json_text(&w->to, ",\"at\":{\"state\":", dump__word_of(w->cs->d, rt, h->g));
	put_stand(w, rt, h->g);
	put_wait_ns(w, &row);
	textbuf__text(&w->to, "}}");
}

static void put_lock(struct writer *w, const struct object *o)
{
	const struct glock *l = chans__lock(w->cs, o);
	size_t nr;
	const struct ghold *h = gholds__of(w->cs->sources[o->rt].holds, l->addr, &nr);

	put_hex(&w->to, "{\"addr\":", o->addr);
	textbuf__text(&w->to, ",\"kind\":\"");
	textbuf__text(&w->to, dump_wait_kind((enum census_wait_kind)l->kind));
	textbuf__text(&w->to, "\"");
	put_state(w, l);
	put_waiters(w, ",\"waiters\":", o, -1);
	textbuf__text(&w->to, ",\"holders\":[");
	for (size_t i = 0; i < nr; i++) {
		textbuf__text(&w->to, i ? "," : "");
		put_holder(w, o->rt, &h[i]);
	}
	textbuf__text(&w->to, "]");
	put_runtime(w, o->rt);
	textbuf__text(&w->to, "}");
}

static void put_objects(struct writer *w, const char *key, enum object_kind kind)
{
	bool any = false;

	textbuf__text(&w->to, key);
	for (size_t i = 0; i < w->cs->nr_folds; i++)
		for (uint32_t k = 0; k < w->cs->folds[i].nr; k++) {
			const struct object *o = &w->cs->objects[w->cs->folds[i].first + k];

			if (o->kind != kind)
				continue;
			textbuf__text(&w->to, any ? ",\n" : "\n");
			any = true;
			if (kind == OBJECT_CHAN)
				put_chan(w, o);
			else
				put_lock(w, o);
		}
	textbuf__text(&w->to, "]");
}

/* Nil channels and selects without cases, by what they try. */
static void put_nothing(struct writer *w, const char *key, enum census_wait_way way)
{
	bool any = false;

	textbuf__text(&w->to, key);
	textbuf__text(&w->to, "[");
	for (size_t i = 0; i < w->cs->nr; i++)
		if (w->cs->objects[i].kind == OBJECT_NOTHING)
			put_ways(w, &w->cs->objects[i], way, &any);
	textbuf__text(&w->to, "]");
}

static void put_step(struct writer *w, uint16_t rt, const struct wait_edge *e)
{
	const struct census *c = w->cs->d->in.censuses[rt];
	const struct census_wait *wait = &c->waits[e->wait];
	const struct chans_source *s = &w->cs->sources[rt];
	const struct glock *l = glocks__get(s->locks, wait->addr);
	struct textbuf *to = &w->to;

	textbuf__json_u64(to, "{\"goid\":", c->gs[e->g].goid);
	textbuf__text(to, ",\"waits_for\":{\"kind\":\"");
	textbuf__text(to, dump_wait_kind((enum census_wait_kind)(l ? l->kind : wait->kind)));
	put_hex(to, "\",\"addr\":", wait->addr);
	if (wait->way == CENSUS_WAY_READ || wait->way == CENSUS_WAY_WRITE)
		textbuf__text(to, wait->way == CENSUS_WAY_READ ? ",\"mode\":\"read\""
							       : ",\"mode\":\"write\"");
	if (wait->way == CENSUS_WAY_SEND || wait->way == CENSUS_WAY_RECEIVE)
		textbuf__text(to, wait->way == CENSUS_WAY_SEND ? ",\"mode\":\"send\""
							       : ",\"mode\":\"receive\"");
	put_stand(w, rt, e->g);
	textbuf__json_u64(to, "},\"held_by\":", c->gs[e->to].goid);
	if (wait_edge_keeps(e)) {
		textbuf__json_u64(to, ",\"hold\":{\"kind\":\"only-reference\",\"others\":", e->hold - WAITGRAPH_KEEPS);
		put_stand(w, rt, e->to);
	} else if (e->hold == WAITGRAPH_NO_HOLD) {
		textbuf__text(to, ",\"hold\":{\"kind\":\"rwmutex-pending\"");
		put_stand(w, rt, e->to);
	} else {
		textbuf__text(to, ",\"hold\":{\"kind\":\"");
		textbuf__text(to, ghold_word((enum ghold_kind)s->holds->v[e->hold].kind));
		textbuf__text(to, "\"");
		put_release(w, rt, &s->holds->v[e->hold]);
	}
	textbuf__text(to, "}}");
}

static void put_ring(struct writer *w, uint16_t rt, const struct wait_ring *r)
{
	const struct waitgraph *g = w->cs->sources[rt].graph;
	const struct census *c = w->cs->d->in.censuses[rt];

	textbuf__text(&w->to, "{\"goroutines\":[");
	for (uint32_t k = 0; k < r->nr; k++)
		textbuf__json_u64(&w->to, k ? "," : "", c->gs[g->steps[r->edges_at + k].g].goid);
	textbuf__text(&w->to, "],\"steps\":[");
	for (uint32_t k = 0; k < r->nr; k++) {
		textbuf__text(&w->to, k ? "," : "");
		put_step(w, rt, &g->steps[r->edges_at + k]);
	}
	textbuf__json_u64(&w->to, "],\"behind\":", r->behind);
	put_runtime(w, rt);
	textbuf__text(&w->to, "}");
}

static void put_deadlocks(struct writer *w)
{
	bool any = false;

	textbuf__text(&w->to, ",\"deadlocks\":[");
	for (uint16_t rt = 0; rt < w->cs->d->in.nr; rt++)
		for (size_t i = 0; i < w->cs->sources[rt].graph->nr_rings; i++) {
			textbuf__text(&w->to, any ? ",\n" : "\n");
			any = true;
			put_ring(w, rt, &w->cs->sources[rt].graph->rings[i]);
		}
	textbuf__text(&w->to, "]");
}

int chans_show__json(struct chans *cs, const struct chans_show *s, FILE *out, struct cause *why)
{
	struct writer w = { .cs = cs, .show = s };
	struct framer *f = cs->d->framer;
	int err;

	textbuf__init(&w.to, out);
	put_signed(&w.to, "{\"target\":{\"pid\":", s->meta->pid);
	textbuf__json_text(&w.to, ",\"go\":", framer__text(f, s->meta->go_version));
	textbuf__json_text(&w.to, ",\"exe\":", framer__text(f, s->meta->exe));
	textbuf__json_u64(&w.to, "},\"taken_unix_ns\":", s->meta->wall_start_ns);
	put_objects(&w, ",\"channels\":[", OBJECT_CHAN);
	put_objects(&w, ",\"locks\":[", OBJECT_LOCK);
	put_nothing(&w, ",\"nobody\":{\"senders\":", CENSUS_WAY_SEND);
	put_nothing(&w, ",\"receivers\":", CENSUS_WAY_RECEIVE);
	put_nothing(&w, ",\"selects\":", CENSUS_WAY_NONE);
	textbuf__text(&w.to, "}");
	put_deadlocks(&w);
	textbuf__json_u64(&w.to, ",\"unsettled\":", cs->unsettled + cs->d->counts.unsettled);
	textbuf__text(&w.to, "}\n");
	err = dump_show__end(&w.to, why);
	textbuf__done(&w.to);
	return err;
}
