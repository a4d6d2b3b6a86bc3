/* SPDX-License-Identifier: BSD-2-Clause */
/* chans_text: for a person: deadlocks first, then what most goroutines wait for. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "view/calls.h"
#include "view/chans.h"
#include "format/chans_watch.h"
#include "format/dump_show.h"

#define SAMPLE 8 /* goids and addresses that are named of many */

struct writer {
	struct chans *cs;
	const struct chans_show *show;
	struct textbuf to;
};

static void put(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct writer *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	textbuf__vformat(&w->to, fmt, args);
	va_end(args);
}

static void put_place(struct writer *w, const struct place *p)
{
	put(w, "%s %s:%u", p->func, p->file[0] ? p->file : "?", p->line);
}

/* "3m20s": what counts, no more. */
static void put_age(struct writer *w, uint64_t ns)
{
	uint64_t s = ns / NS_PER_SEC;

	if (s >= 86400)
		put(w, "%llud%lluh", (unsigned long long)(s / 86400),
		    (unsigned long long)(s / 3600 % 24));
	else if (s >= 3600)
		put(w, "%lluh%llum", (unsigned long long)(s / 3600),
		    (unsigned long long)(s / 60 % 60));
	else if (s >= 60)
		put(w, "%llum%llus", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
	else if (s)
		put(w, "%llus", (unsigned long long)s);
	else
		put(w, "%llums", (unsigned long long)(ns / 1000000));
}

static const struct census_g *waiter_g(const struct chans *cs, const struct object_waiter *w)
{
	return dump__g(cs->d, &cs->d->rows[w->row]);
}

/* --- deadlocks --- */

static void put_stand(struct writer *w, uint16_t rt, uint32_t g)
{
	struct place p;
	int err = place_of_goroutine(w->cs->d, rt, g, &p);

	if (err)
		w->to.err = w->to.err ? w->to.err : err;
	else
		put_place(w, &p);
}

static void put_release(struct writer *w, uint16_t rt, const struct ghold *h)
{
	struct place p;
	int err = place_of_release(w->cs->d, rt, h, &p);

	if (err)
		w->to.err = w->to.err ? w->to.err : err;
	else
		put_place(w, &p);
}

static const char *lock_word(const struct chans_source *s, const struct census_wait *wait)
{
	const struct glock *l = glocks__get(s->locks, wait->addr);

	return dump_wait_kind(l ? (enum census_wait_kind)l->kind
				: (enum census_wait_kind)wait->kind);
}

static const char *way_of(const struct census_wait *wait)
{
	if (wait->kind == CENSUS_WAIT_CHAN)
		return wait->direction == CENSUS_DIR_SEND      ? " to send on"
		       : wait->direction == CENSUS_DIR_RECEIVE ? " to receive from"
							       : " in a select for";
	return " for";
}

/* What would end the wait. */
static const char *end_of(const struct census_wait *wait)
{
	switch ((enum census_wait_kind)wait->kind) {
	case CENSUS_WAIT_COND: return "signal it";
	case CENSUS_WAIT_WAITGROUP: return "call Done";
	default:
		return wait->direction == CENSUS_DIR_SEND      ? "receive"
		       : wait->direction == CENSUS_DIR_RECEIVE ? "send or close"
							       : "use it";
	}
}

/* Nothing else that could go on has it. */
static void put_keeper(struct writer *w, uint16_t rt, const struct wait_edge *e)
{
	const struct census *c = w->cs->d->in.censuses[rt];
	const uint32_t others = e->hold - WAITGRAPH_KEEPS;

	put(w, "\n    only goroutine %llu", (unsigned long long)c->gs[e->to].who.goid);
	if (others)
		put(w, ", or %u other%s that wait%s too,", others, others == 1 ? "" : "s",
		    others == 1 ? "s" : "");
	put(w, " could %s: nobody else has it; it is at ", end_of(&c->waits[e->wait]));
	put_stand(w, rt, e->to);
}

static void put_step(struct writer *w, uint16_t rt, const struct wait_edge *e)
{
	const struct chans_source *s = &w->cs->sources[rt];
	const struct census *c = w->cs->d->in.censuses[rt];
	const struct census_wait *wait = &c->waits[e->wait];
	const char *to = wait->kind != CENSUS_WAIT_RWMUTEX    ? ""
			 : wait->direction == CENSUS_DIR_READ ? " to read"
							      : " to write";
	unsigned long long holder = (unsigned long long)c->gs[e->to].who.goid;

	put(w, "  goroutine %llu waits%s %s 0x%llx%s at ", (unsigned long long)c->gs[e->g].who.goid,
	    way_of(wait), lock_word(s, wait), (unsigned long long)wait->addr, to);
	put_stand(w, rt, e->g);
	if (wait_edge_keeps(e)) {
		put_keeper(w, rt, e);
	} else if (e->hold == WAITGRAPH_NO_HOLD) {
		put(w, "\n    goroutine %llu waits to write before it, and so keeps it out, at ",
		    holder);
		put_stand(w, rt, e->to);
	} else {
		const struct ghold *h = &s->holds->v[e->hold];

		put(w, "\n    goroutine %llu%s at ", holder,
		    h->kind == GHOLD_GROUP  ? " would call Done"
		    : h->kind == GHOLD_READ ? " holds it as a reader and would unlock it"
					    : " holds it and would unlock it");
		put_release(w, rt, h);
	}
	put(w, "\n");
}

/* The others of a fold, by one goroutine of each. */
static void put_alike(struct writer *w, const struct cycle_fold *f)
{
	if (f->nr == 1)
		return;
	put(w, "  the others, by one goroutine of each:");
	for (uint32_t i = 1; i < f->nr && i <= SAMPLE; i++) {
		const struct cycle *r = &w->cs->cycles[f->first + i];
		const struct waitgraph *g = w->cs->sources[r->rt].graph;
		const struct wait_edge *e = &g->steps[g->cycles[r->index].edges_at];

		put(w, " %llu",
		    (unsigned long long)w->cs->d->in.censuses[r->rt]->gs[e->g].who.goid);
	}
	put(w, "%s\n", f->nr - 1 > SAMPLE ? " ..." : "");
}

static void put_cycle_fold(struct writer *w, const struct cycle_fold *f)
{
	const struct cycle *first = &w->cs->cycles[f->first];
	const struct waitgraph *g = w->cs->sources[first->rt].graph;
	const struct wait_cycle *r = &g->cycles[first->index];

	if (r->nr == 1)
		put(w, "DEADLOCK: a goroutine waits for itself");
	else
		put(w, "DEADLOCK: %u goroutines wait for each other", r->nr);
	if (f->nr > 1)
		put(w, "; %u like this, one of them:", f->nr);
	put(w, "\n");
	for (uint32_t k = 0; k < r->nr; k++)
		put_step(w, first->rt, &g->steps[r->edges_at + k]);
	put_alike(w, f);
	if (f->behind)
		put(w, "  behind %s: %llu more goroutine%s\n",
		    f->nr > 1    ? "all of these"
		    : r->nr == 1 ? "it"
				 : "them",
		    (unsigned long long)f->behind, f->behind == 1 ? "" : "s");
	put(w, "\n");
}

static void put_deadlocks(struct writer *w)
{
	bool cut = false, unproved = false;

	for (size_t i = 0; i < w->cs->nr_cycle_folds; i++)
		put_cycle_fold(w, &w->cs->cycle_folds[i]);
	for (uint16_t rt = 0; rt < w->cs->d->in.nr; rt++) {
		cut = cut || w->cs->sources[rt].graph->cut;
		unproved = unproved || w->cs->sources[rt].graph->unproved;
	}
	if (cut)
		put(w, "there may be more deadlocks: too many goroutines wait for each "
		       "other to look at all\n\n");
	if (unproved)
		put(w, "there may be deadlocks by channels: who else has them could not be looked "
		       "at in time\n\n");
}

/* --- objects --- */

static void put_elements(struct writer *w, const struct object *o)
{
	const struct gchans *all = w->cs->sources[o->rt].chans;
	const struct gchan *ch = chans__chan(w->cs, o);

	if (w->show->elements && ch->secret)
		put(w, "  elements: kept secret by the program (runtime/secret)\n");
	if (!w->show->elements || ch->secret || !ch->nr_elements)
		return;
	put(w, "  oldest elements:");
	for (unsigned int i = 0; i < ch->nr_elements; i++)
		for (unsigned int k = 0; k < ch->element_words; k++)
			put(w, "%s0x%llx", k ? "," : " ",
			    (unsigned long long)
				    all->words[ch->words_at + i * ch->element_words + k]);
	if (ch->elem_size > 8 * ch->element_words)
		put(w, " (the first %u bytes of each)", 8 * ch->element_words);
	put(w, "\n");
}

static void put_chan(struct writer *w, const struct object *o)
{
	const struct gchan *ch = chans__chan(w->cs, o);

	if (!ch->settled) {
		put(w, ", changes too fast to be read");
		return;
	}
	if (o->type[0])
		put(w, " of %s (%u bytes)", o->type, ch->elem_size);
	else
		put(w, " of elements of %u bytes", ch->elem_size);
	if (ch->cap)
		put(w, ", %llu of %llu buffered", (unsigned long long)ch->len,
		    (unsigned long long)ch->cap);
	else
		put(w, ", unbuffered");
	put(w, "%s%s", ch->closed ? ", closed" : "", ch->timer ? ", fed by a timer" : "");
}

/* many: it stands for others that are like it. */
static void put_lock(struct writer *w, const struct object *o, bool many)
{
	const struct glock *l = chans__lock(w->cs, o);

	if (!l->settled) {
		put(w, ", changes too fast to be read");
		return;
	}
	switch ((enum census_wait_kind)l->kind) {
	case CENSUS_WAIT_RWMUTEX:
		if (l->writer && l->departing > 0)
			put(w, ", a writer waits for %d readers to leave", l->departing);
		else if (l->writer)
			put(w, ", held by a writer");
		else
			put(w, ", %d readers", l->readers);
		break;
	case CENSUS_WAIT_MUTEX:
		put(w, ", %s%s", l->locked ? "locked" : "not locked at this moment",
		    l->starving ? ", starving" : "");
		break;
	case CENSUS_WAIT_WAITGROUP: put(w, ", counter %d", l->counter); break;
	case CENSUS_WAIT_COND:
		if (l->locker && !many)
			put(w, ", with the lock at 0x%llx", (unsigned long long)l->locker);
		break;
	default: put(w, ", value %u", l->value);
	}
}

/* What a number is for the objects of a fold: "3", "4 to 7". */
struct span {
	uint32_t least, most;
	uint64_t all;
};

static void span__add(struct span *s, uint32_t nr)
{
	s->least = !s->all || nr < s->least ? nr : s->least;
	s->most = nr > s->most ? nr : s->most;
	s->all += nr;
}

static void put_span(struct writer *w, const struct span *s)
{
	if (s->least == s->most)
		put(w, "%u", s->least);
	else
		put(w, "%u to %u", s->least, s->most);
}

static const struct holder_group *holders_of(const struct writer *w, const struct object *o,
					     uint32_t group)
{
	return &w->cs->holder_groups[o->holders_at + group];
}

/* ", for at least 5m": how long those have stood where they are; nothing if nobody knows. */
static void put_oldest(struct writer *w, uint64_t oldest_ns, bool one)
{
	if (oldest_ns == DUMP_UNKNOWN)
		return;
	put(w, ", %sat least ", one ? "for " : "the oldest for ");
	put_age(w, oldest_ns);
}

static uint64_t older(uint64_t a, uint64_t b)
{
	return a == DUMP_UNKNOWN || (b != DUMP_UNKNOWN && b > a) ? b : a;
}

static uint64_t oldest_holder_ns(const struct writer *w, const struct object *o,
				 const struct holder_group *g)
{
	uint64_t oldest = DUMP_UNKNOWN;

	for (uint32_t k = 0; k < g->nr; k++) {
		const struct dump_row row = { .g = w->cs->holders[g->first + k].g, .rt = o->rt };

		oldest = older(oldest, dump__wait_ns(w->cs->d, &row));
	}
	return oldest;
}

static void put_holder_goids(struct writer *w, const struct object *o, uint32_t nr_objects,
			     uint32_t group)
{
	const struct census *c = w->cs->d->in.censuses[o->rt];
	unsigned int told = 0;

	put(w, "      goroutines");
	for (uint32_t i = 0; i < nr_objects && told <= SAMPLE; i++) {
		const struct holder_group *g = holders_of(w, &o[i], group);

		for (uint32_t k = 0; k < g->nr && told <= SAMPLE; k++, told++)
			if (told < SAMPLE)
				put(w, " %llu",
				    (unsigned long long)c->gs[w->cs->holders[g->first + k].g]
					    .who.goid);
	}
	put(w, "%s\n", told > SAMPLE ? " ..." : "");
}

/* What a holder is waited for to do, behind its number or its goroutine. */
static const char *release_words(const struct object_holder *h, bool many)
{
	if (h->kind == GHOLD_GROUP)
		return " would call Done at ";
	if (h->kind != GHOLD_READ)
		return ", which would unlock it at ";
	return many ? " as readers, which would unlock it at "
		    : " as a reader, which would unlock it at ";
}

/* Those of each of the objects of a fold that have the same places. */
static void put_holder_group(struct writer *w, const struct object *o, uint32_t nr_objects,
			     uint32_t group)
{
	const struct object_holder *h = &w->cs->holders[holders_of(w, o, group)->first];
	const char *each = nr_objects > 1 ? "each " : "", *held = "held by ";
	uint64_t oldest = DUMP_UNKNOWN;
	struct span s = { 0, 0, 0 };

	for (uint32_t i = 0; i < nr_objects; i++) {
		span__add(&s, holders_of(w, &o[i], group)->nr);
		oldest = older(oldest, oldest_holder_ns(w, &o[i], holders_of(w, &o[i], group)));
	}
	if (h->kind == GHOLD_GROUP) {
		each = nr_objects > 1 ? "for each " : "";
		held = "";
	}
	if (s.all == 1) {
		put(w, "  %sgoroutine %llu", held,
		    (unsigned long long)w->cs->d->in.censuses[o->rt]->gs[h->g].who.goid);
	} else {
		put(w, "  %s%s", each, held);
		put_span(w, &s);
		put(w, " goroutine%s", s.most == 1 ? "" : "s");
	}
	put(w, "%s", release_words(h, s.most > 1));
	put_place(w, &h->release);
	put(w, s.most == 1 ? "; it is at " : "; they are at ");
	put_place(w, &h->stand);
	put_oldest(w, oldest, s.all == 1);
	put(w, "\n");
	if (s.all > 1)
		put_holder_goids(w, o, nr_objects, group);
}

/*
 * Of a WaitGroup no more than its counter says call Done: if more are found, it is not known which.
 */
static bool holders_are_sure(const struct writer *w, const struct object *o, uint32_t nr_objects)
{
	for (uint32_t i = 0; i < nr_objects; i++) {
		const struct glock *l = chans__lock(w->cs, &o[i]);
		int64_t nr = 0;

		for (uint32_t k = 0; k < o[i].nr_holders; k++)
			nr += holders_of(w, &o[i], k)->nr;
		if (l->kind == CENSUS_WAIT_WAITGROUP && nr > l->counter)
			return false;
	}
	return true;
}

static void put_holders(struct writer *w, const struct object *o, uint32_t nr_objects)
{
	const struct glock *l = o->kind == OBJECT_LOCK ? chans__lock(w->cs, o) : NULL;

	if (!l || !holders_are_sure(w, o, nr_objects))
		return;
	if (l->kind != CENSUS_WAIT_WAITGROUP && !o->nr_holders && l->settled && l->locked &&
	    !(l->writer && l->departing > 0))
		put(w, "  nobody is known to hold it\n");
	for (uint32_t i = 0; i < o->nr_holders; i++)
		put_holder_group(w, o, nr_objects, i);
}

static const char *way_words(const struct object *o, const struct object_waiter *w)
{
	switch ((enum census_direction)w->direction) {
	case CENSUS_DIR_RECEIVE: return w->select ? "receive in a select" : "receive";
	case CENSUS_DIR_SEND: return w->select ? "send in a select" : "send";
	case CENSUS_DIR_READ: return "wait to read";
	case CENSUS_DIR_WRITE: return "wait to write";
	case CENSUS_DIR_NONE: break;
	}
	return o->kind == OBJECT_NOTHING ? "select without cases"
	       : w->select               ? "wait in a select"
					 : "wait";
}

static const struct waiter_group *waiters_of(const struct writer *w, const struct object *o,
					     uint32_t group)
{
	return &w->cs->groups[o->groups_at + group];
}

static bool is_among(const uint64_t *goids, size_t nr, uint64_t goid)
{
	for (size_t i = 0; i < nr; i++)
		if (goids[i] == goid)
			return true;
	return false;
}

/* Each once: one in a select may wait at several of the objects. */
static void put_goids(struct writer *w, const struct object *o, uint32_t nr_objects, uint32_t group)
{
	uint64_t goids[SAMPLE];
	size_t nr = 0;
	bool more = false;

	for (uint32_t i = 0; i < nr_objects && !more; i++) {
		const struct waiter_group *same = waiters_of(w, &o[i], group);

		for (uint32_t k = 0; k < same->nr && !more; k++) {
			const uint64_t goid =
				waiter_g(w->cs, &w->cs->waiters[same->first + k])->who.goid;

			if (is_among(goids, nr, goid))
				continue;
			more = nr == SAMPLE;
			if (!more)
				goids[nr++] = goid;
		}
	}
	put(w, "      goroutine%s", nr == 1 ? "" : "s");
	for (size_t i = 0; i < nr; i++)
		put(w, " %llu", (unsigned long long)goids[i]);
	put(w, "%s\n", more ? " ..." : "");
}

/* One group of each of the objects of a fold: they are alike. */
static void put_group(struct writer *w, const struct object *o, uint32_t nr_objects, uint32_t group)
{
	const struct object_waiter *first = &w->cs->waiters[waiters_of(w, o, group)->first];
	const struct site *made = dump__site(w->cs->d, w->cs->d->rows[first->row].made);
	uint64_t oldest = DUMP_UNKNOWN;
	struct span s = { 0, 0, 0 };

	for (uint32_t i = 0; i < nr_objects; i++) {
		const struct waiter_group *g = waiters_of(w, &o[i], group);

		span__add(&s, g->nr);
		oldest = older(oldest, g->oldest_ns);
	}
	put(w, "  ");
	put_span(w, &s);
	put(w, " %s at ", way_words(o, first));
	put_place(w, &w->cs->places[first->place]);
	put_oldest(w, oldest, s.all == 1);
	put(w, "\n");
	if (made && made->known)
		put(w, "      created by %s %s:%u\n", made->func, made->file, made->line);
	calls__text(w->cs->d, &w->cs->d->rows[first->row], "      called from ", &w->to);
	put_goids(w, o, nr_objects, group);
}

static void put_title(struct writer *w, const struct object *o, uint32_t nr_objects)
{
	const char *word =
		o->kind == OBJECT_CHAN
			? "chan"
			: dump_wait_kind((enum census_wait_kind)chans__lock(w->cs, o)->kind);
	struct span s = { 0, 0, 0 };

	for (uint32_t i = 0; i < nr_objects; i++)
		span__add(&s, o[i].nr);
	if (nr_objects == 1)
		put(w, "%s 0x%llx", word, (unsigned long long)o->addr);
	else
		put(w, "%u like this: %s", nr_objects, word);
	if (o->kind == OBJECT_CHAN)
		put_chan(w, o);
	else
		put_lock(w, o, nr_objects > 1);
	put(w, ": ");
	put_span(w, &s);
	put(w, " waiting%s\n", nr_objects > 1 ? " at each" : "");
}

static void put_fold(struct writer *w, const struct object_fold *f)
{
	const struct object *o = &w->cs->objects[f->first];

	if (o->kind == OBJECT_NOTHING)
		put(w, "%u goroutine%s that nobody can wake: nil channels, select without cases\n",
		    o->nr, o->nr == 1 ? "" : "s");
	else
		put_title(w, o, f->nr);
	if (f->nr > 1) {
		put(w, "  addresses");
		for (uint32_t i = 0; i < f->nr && i < SAMPLE; i++)
			put(w, " 0x%llx", (unsigned long long)o[i].addr);
		put(w, "%s\n", f->nr > SAMPLE ? " ..." : "");
	}
	if (o->kind == OBJECT_CHAN)
		put_elements(w, o);
	put_holders(w, o, f->nr);
	for (uint32_t i = 0; i < o->nr_groups; i++)
		put_group(w, o, f->nr, i);
	put(w, "\n");
}

static void put_head(struct writer *w)
{
	const struct report_meta *m = w->show->meta;
	uint64_t chans = 0, locks = 0, on_chans = 0, on_locks = 0, cycles = w->cs->nr_cycles;

	for (size_t i = 0; i < w->cs->nr; i++) {
		const struct object *o = &w->cs->objects[i];

		chans += o->kind == OBJECT_CHAN;
		locks += o->kind == OBJECT_LOCK;
		on_chans += o->kind == OBJECT_CHAN ? o->nr : 0;
		on_locks += o->kind == OBJECT_LOCK ? o->nr : 0;
	}
	put(w, "pid %d '%s', %s: %llu wait%s on %llu channel%s, %llu on %llu lock%s; ", m->pid,
	    framer__text(w->cs->d->framer, m->comm), framer__text(w->cs->d->framer, m->go_version),
	    (unsigned long long)on_chans, on_chans == 1 ? "" : "s", (unsigned long long)chans,
	    chans == 1 ? "" : "s", (unsigned long long)on_locks, (unsigned long long)locks,
	    locks == 1 ? "" : "s");
	if (cycles)
		put(w, "%llu deadlock%s\n\n", (unsigned long long)cycles, cycles == 1 ? "" : "s");
	else
		put(w, "no deadlock found\n\n");
}

int chans_show__text(struct chans *cs, const struct chans_show *s, FILE *out, struct cause *why)
{
	struct writer w = { .cs = cs, .show = s };
	int err;

	textbuf__init(&w.to, out);
	put_head(&w);
	if (s->watched)
		chans_watch__text(s->watched, &w.to);
	put_deadlocks(&w);
	for (size_t i = 0; i < cs->nr_folds && !w.to.err; i++)
		put_fold(&w, &cs->folds[i]);
	err = dump_show__end(&w.to, why);
	textbuf__done(&w.to);
	return err;
}
