// SPDX-License-Identifier: BSD-2-Clause
#include "heap/chanlook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/radix.h"
#include "base/vec.h"
#include "census/field.h"
#include "census/readv_batch.h"
#include "heap/goheap.h"
#include "heap/typenames.h"

#define OBJECT_MAX 256 /* bytes of an hchan, of a sudog, of an mspan */
#define CAP_MAX    (1ULL << 47)
#define RUNS_BYTES                                                                                 \
	(8u << 10) /* of the stack of a goroutine that runs: its innermost frame is not known */
/* the size class of an hchan whose elements are elsewhere: 96 to 112 bytes */
#define APART_MAX   128u
#define BATCH       8192u /* channels that are read together */
#define QUEUE_TRIES 3     /* to count a queue at one moment */

struct hchan { /* as it is read in one piece */
	uint8_t bytes[OBJECT_MAX];
	bool read;
};

struct met {                     /* that are found */
	struct chanlook_chan *v; /* owned */
	size_t nr, room;
	bool cut;
};

struct chanlook {
	const struct addrspace *as;
	const struct goruntime *rt;
	size_t hchan_bytes, sudog_bytes, mspan_bytes;
	struct readv_batch *batch; /* owned */
	struct typenames *types;   /* owned */
	struct arena names;
	uint8_t *stack;       /* CHANLOOK_STACK_MAX; owned */
	struct hchan *hchans; /* BATCH; owned */
	size_t steps_left;
};

int chanlook__new(const struct addrspace *as, const struct goruntime *rt, struct chanlook **ret)
{
	const struct goobjects *o = &rt->objects;
	const int32_t hchan[] = { o->hchan_qcount,     o->hchan_dataqsiz, o->hchan_buf,
				  o->hchan_elemsize,   o->hchan_closed,   o->hchan_elemtype,
				  o->hchan_recvx,      o->hchan_sendx,    o->hchan_recvq_first,
				  o->hchan_sendq_first };
	const int32_t sudog[] = { rt->layout.sudog_g, rt->layout.sudog_c, o->sudog_next };
	const int32_t mspan[] = { o->mspan_start, o->mspan_elemsize, o->mspan_state,
				  o->mspan_allocbits, o->mspan_markbits };
	scoped(chanlook) l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->as = as;
	l->rt = rt;
	l->hchan_bytes = field_span(hchan, ARRAY_SIZE(hchan), OBJECT_MAX);
	l->sudog_bytes = field_span(sudog, ARRAY_SIZE(sudog), OBJECT_MAX);
	l->mspan_bytes = field_span(mspan, ARRAY_SIZE(mspan), OBJECT_MAX);
	if (!l->hchan_bytes || !l->sudog_bytes || !l->mspan_bytes || o->hchan_size <= 0)
		return -EOPNOTSUPP;
	if (o->hchan_timer >= 0 && (size_t)o->hchan_timer + 8 > l->hchan_bytes)
		l->hchan_bytes = (size_t)o->hchan_timer + 8;
	if (l->hchan_bytes > OBJECT_MAX)
		return -EOPNOTSUPP;
	err = readv_batch__new(as, &l->batch);
	if (!err)
		err = typenames__new(as, rt, &l->names, &l->types);
	if (err)
		return err;
	l->stack = malloc(CHANLOOK_STACK_MAX);
	l->hchans = calloc(BATCH, sizeof(*l->hchans));
	if (!l->stack || !l->hchans)
		return -ENOMEM;
	*ret = steal(l);
	return 0;
}

void chanlook__free(struct chanlook *l)
{
	if (!l)
		return;
	readv_batch__free(l->batch);
	typenames__free(l->types);
	arena__done(&l->names);
	free(l->stack);
	free(l->hchans);
	free(l);
}

/* --- what may be one --- */

#define WAITED 1u /* beside an address: a goroutine waits for it */

struct words {       /* addresses that may be of channels */
	uint64_t *v; /* owned */
	size_t nr;
	bool full, cut;
};

/* Each once, in their order: one that is waited for comes after the same that is not. */
static int words__settle(struct words *w)
{
	const int err = radix_sort(w->v, w->nr, 1);
	size_t nr = 0;

	for (size_t i = 0; i < w->nr && !err; i++) {
		if (nr && (w->v[nr - 1] | WAITED) == (w->v[i] | WAITED))
			nr--;
		w->v[nr++] = w->v[i];
	}
	w->nr = err ? w->nr : nr;
	return err;
}

/* Sorted again only where that freed half of the room: else a target could have it sorted for each word. */
static int words__add(struct words *w, uint64_t addr)
{
	int err = 0;

	if (w->nr == CHANLOOK_WORDS_MAX && !w->full) {
		err = words__settle(w);
		w->full = w->nr > CHANLOOK_WORDS_MAX / 2;
	}
	if (!err && w->nr < CHANLOOK_WORDS_MAX)
		w->v[w->nr++] = addr;
	else
		w->cut = true;
	return err;
}

/* An object that is as large as a channel, by its first byte. */
static bool may_be_chan(const struct goruntime *rt, const struct goheap *h, uint64_t addr,
			struct goobject *ret)
{
	const uint64_t bytes = (uint64_t)rt->objects.hchan_size;

	return addr % 8 == 0 && addr >= h->lo && addr < h->hi && !goheap__object(h, addr, ret) &&
	       ret->base == addr && ret->size >= bytes &&
	       (ret->span->noscan || ret->size <= APART_MAX);
}

static int add_waits(const struct chanlook *l, const struct goheap *h, const struct census *c,
		     struct words *w)
{
	struct goobject o;
	int err = 0;

	for (size_t i = 0; i < c->nr_waits && !err; i++)
		if (c->waits[i].kind == CENSUS_WAIT_CHAN &&
		    may_be_chan(l->rt, h, c->waits[i].addr, &o))
			err = words__add(w, c->waits[i].addr | WAITED);
	return err;
}

/* From its innermost frame on; of one that runs a part, in which that frame may be. */
static int add_stack(struct chanlook *l, const struct goheap *h, const struct census_g *g,
		     struct words *w, size_t *ret_bytes)
{
	const uint64_t room = g->stack_hi - g->stack_lo;
	uint64_t from = g->sp, bytes;
	struct goobject o;
	int err;

	*ret_bytes = 0;
	if (!from)
		from = room > RUNS_BYTES ? g->stack_hi - RUNS_BYTES : g->stack_lo;
	if (from < g->stack_lo || from >= g->stack_hi || from % 8 || g->stack_hi % 8)
		return 0;
	bytes = g->stack_hi - from;
	if (bytes > CHANLOOK_STACK_MAX) {
		bytes = CHANLOOK_STACK_MAX;
		w->cut = true;
	}
	err = addrspace__read(l->as, from, l->stack, bytes);
	for (size_t at = 0; at < bytes && !err; at += 8) {
		const uint64_t word = field_u64(l->stack, (int32_t)at);

		if (may_be_chan(l->rt, h, word, &o))
			err = words__add(w, word);
	}
	*ret_bytes = bytes;
	return err == -EFAULT ? 0 : err;
}

static int add_stacks(struct chanlook *l, const struct goheap *h, const struct census *c,
		      struct words *w)
{
	size_t left = CHANLOOK_STACKS_MAX, bytes;
	int err = 0;

	for (size_t i = 0; i < c->nr && !err; i++) {
		if (left < CHANLOOK_STACK_MAX) {
			w->cut = true;
			break;
		}
		err = add_stack(l, h, &c->gs[i], w, &bytes);
		left -= bytes;
	}
	return err;
}

/* --- what is one --- */

static bool hchan_plausible(const struct goobjects *o, const uint8_t *h)
{
	const uint64_t len = field_u64(h, o->hchan_qcount), cap = field_u64(h, o->hchan_dataqsiz);
	const uint16_t size = (uint16_t)field_u32(h, o->hchan_elemsize);

	return len <= cap && cap < CAP_MAX && (!size || cap <= CAP_MAX / size) &&
	       field_u32(h, o->hchan_closed) <= 1 && field_u64(h, o->hchan_elemtype) &&
	       field_u64(h, o->hchan_recvx) <= cap && field_u64(h, o->hchan_sendx) <= cap;
}

/* Its buffer is where makechan() puts it. */
static bool buffer_fits(const struct chanlook *l, const struct goheap *h,
			const struct goobject *obj, const struct chanlook_chan *c)
{
	const uint64_t hchan = (uint64_t)l->rt->objects.hchan_size, bytes = c->cap * c->elem_bytes;
	struct goobject buf;

	if (!bytes) /* it is never read; the race detector has an address of its own there */
		return c->buf >= c->addr && c->buf < c->addr + obj->size;
	if (c->buf == c->addr + hchan)
		return obj->size - hchan >= bytes;
	return !goheap__object(h, c->buf, &buf) && c->buf - buf.base <= buf.span->header &&
	       buf.size - (c->buf - buf.base) >= bytes;
}

/* Its type is one of a module, of the size of its elements. */
static int type_fits(struct chanlook *l, struct chanlook_chan *c, bool *ret)
{
	uint64_t size;
	const int err = addrspace__read(l->as, c->elem_type, &size, sizeof(size));

	*ret = false;
	if (err)
		return err == -ESRCH ? err : 0;
	if (size != c->elem_bytes)
		return 0;
	c->elem_name = typenames__get(l->types, c->elem_type);
	*ret = c->elem_name[0];
	return 0;
}

/* -ENOENT: it is none */
static int chan_of(struct chanlook *l, const struct goheap *h, uint64_t addr, const uint8_t *bytes,
		   struct chanlook_chan *ret)
{
	const struct goobjects *o = &l->rt->objects;
	struct goobject obj;
	bool fits = false;
	int err = 0;

	if (!hchan_plausible(o, bytes) || !may_be_chan(l->rt, h, addr, &obj))
		return -ENOENT;
	*ret = (struct chanlook_chan){ .addr = addr,
				       .elem_type = field_u64(bytes, o->hchan_elemtype),
				       .buf = field_u64(bytes, o->hchan_buf),
				       .cap = field_u64(bytes, o->hchan_dataqsiz),
				       .elem_bytes = (uint16_t)field_u32(bytes, o->hchan_elemsize),
				       .elem_name = "",
				       .record = obj.span->record,
				       .span_start = obj.span->start,
				       .span_bytes = obj.span->elem_bytes,
				       .same = CHANLOOK_UNREAD };
	if (ret->cap && !buffer_fits(l, h, &obj, ret))
		return -ENOENT;
	err = type_fits(l, ret, &fits);
	return err ? err : fits ? 0 : -ENOENT;
}

/*
 * Of nr words from there on: those that are channels, behind the others. One without a buffer that
 * nobody waits for has nothing to tell.
 */
static int keep_chans(struct chanlook *l, const struct goheap *h, const uint64_t *v, size_t nr,
		      struct met *to)
{
	int err = 0;

	readv_batch__clear(l->batch);
	for (size_t i = 0; i < nr; i++) {
		const int piece =
			readv_batch__want(l->batch, v[i] & ~(uint64_t)WAITED, l->hchan_bytes);

		if (piece < 0)
			return piece;
	}
	err = readv_batch__read(l->batch);
	for (size_t i = 0; i < nr && !err; i++) {
		const uint8_t *bytes = readv_batch__piece(l->batch, i);

		if (!bytes)
			continue;
		if (to->nr == CHANLOOK_CHANS_MAX) {
			to->cut = true;
			break;
		}
		err = vec__reserve(&to->v, &to->room, to->nr + 1, sizeof(*to->v));
		if (!err)
			err = chan_of(l, h, v[i] & ~(uint64_t)WAITED, bytes, &to->v[to->nr]);
		if (!err && (to->v[to->nr].cap || (v[i] & WAITED)))
			to->nr++;
		err = err == -ENOENT ? 0 : err;
	}
	return err;
}

int chanlook__meet(struct chanlook *l, const struct census *c, struct chanlook_chan **ret,
		   size_t *ret_nr, bool *ret_cut, struct cause *why)
{
	struct words w = { .v = reallocarray(NULL, CHANLOOK_WORDS_MAX, sizeof(*w.v)) };
	struct met to = { 0 };
	scoped(goheap) h = NULL;
	int err = w.v ? goheap__read(l->as, l->rt, &h, why) : -ENOMEM;

	if (!err)
		err = add_waits(l, h, c, &w);
	if (!err)
		err = add_stacks(l, h, c, &w);
	if (!err)
		err = words__settle(&w);
	for (size_t at = 0; at < w.nr && !err; at += BATCH)
		err = keep_chans(l, h, w.v + at, w.nr - at < BATCH ? w.nr - at : BATCH, &to);
	free(w.v);
	if (err) {
		free(to.v);
		return err;
	}
	*ret = to.v;
	*ret_nr = to.nr;
	*ret_cut = w.cut || to.cut;
	return 0;
}

/* --- how they are now --- */

/* The channels of one batch, each in one piece. */
static int read_hchans(struct chanlook *l, const struct chanlook_chan *v, size_t nr)
{
	int err;

	readv_batch__clear(l->batch);
	for (size_t i = 0; i < nr; i++) {
		const int piece = readv_batch__want(l->batch, v[i].addr, l->hchan_bytes);

		if (piece < 0)
			return piece;
	}
	err = readv_batch__read(l->batch);
	for (size_t i = 0; i < nr && !err; i++) {
		const uint8_t *bytes = readv_batch__piece(l->batch, i);

		l->hchans[i].read = bytes;
		if (bytes)
			memcpy(l->hchans[i].bytes, bytes, l->hchan_bytes);
	}
	return err;
}

/* It is a channel, and what no channel changes is as it was. */
static bool is_alike(const struct goobjects *o, const struct chanlook_chan *c, const uint8_t *h)
{
	return hchan_plausible(o, h) && field_u64(h, o->hchan_elemtype) == c->elem_type &&
	       field_u64(h, o->hchan_buf) == c->buf && field_u64(h, o->hchan_dataqsiz) == c->cap &&
	       (uint16_t)field_u32(h, o->hchan_elemsize) == c->elem_bytes &&
	       (field_u32(h, o->hchan_closed) || !c->closed);
}

/* Whether the object outlived the last sweep of its span. */
static int outlived(const struct chanlook *l, const struct chanlook_chan *c, uint64_t bits,
		    bool *ret)
{
	const uint64_t i = (c->addr - c->span_start) / c->span_bytes;
	uint64_t now;
	uint8_t byte;
	int err = addrspace__read(l->as, bits + i / 8, &byte, sizeof(byte));

	if (!err)
		err = addrspace__read(l->as, c->record + (uint64_t)l->rt->objects.mspan_allocbits,
				      &now, sizeof(now));
	if (err)
		return err;
	*ret = byte >> i % 8 & 1;
	return now == bits ? 0 : -EAGAIN; /* swept meanwhile: they are other bits by now */
}

/* What its span says; it was read after the channel. */
static int look_at_span(const struct chanlook *l, const uint8_t *span, struct chanlook_chan *c)
{
	const struct goobjects *o = &l->rt->objects;
	const uint64_t bits = field_u64(span, o->mspan_allocbits),
		       marks = field_u64(span, o->mspan_markbits);
	const bool first = !c->allocbits, once = c->markbits == bits;
	bool lives = true;
	int err = 0;

	if (span[o->mspan_state] != 1 || field_u64(span, o->mspan_start) != c->span_start ||
	    field_u64(span, o->mspan_elemsize) != c->span_bytes || !bits) {
		c->same = CHANLOOK_GONE;
		return 0;
	}
	if (!first && c->allocbits != bits)
		err = outlived(l, c, bits, &lives);
	c->same = err                                     ? CHANLOOK_UNREAD
		  : !lives                                ? CHANLOOK_GONE
		  : first || c->allocbits == bits || once ? CHANLOOK_SAME
							  : CHANLOOK_UNSURE;
	if (!err) {
		c->allocbits = bits;
		c->markbits = marks;
	}
	return err == -ESRCH ? err : 0;
}

static int look_at_spans(struct chanlook *l, struct chanlook_chan *v, size_t nr)
{
	int err;

	readv_batch__clear(l->batch);
	for (size_t i = 0; i < nr; i++) {
		const int piece = readv_batch__want(l->batch, v[i].record, l->mspan_bytes);

		if (piece < 0)
			return piece;
	}
	err = readv_batch__read(l->batch);
	for (size_t i = 0; i < nr && !err; i++) {
		const uint8_t *span = readv_batch__piece(l->batch, i);

		v[i].same = CHANLOOK_UNREAD;
		if (!l->hchans[i].read || !span)
			continue;
		if (!is_alike(&l->rt->objects, &v[i], l->hchans[i].bytes))
			v[i].same = CHANLOOK_GONE;
		else
			err = look_at_span(l, span, &v[i]);
	}
	return err;
}

/* Goroutines in a queue, from that one on; it ends where one is not that channel's any more. */
static int walk_queue(struct chanlook *l, uint64_t addr, uint64_t via, uint32_t *ret, bool *ret_cut)
{
	const struct pw_layout *lay = &l->rt->layout;
	uint8_t s[OBJECT_MAX];

	*ret = 0;
	while (via) {
		int err;

		if (*ret == CHANLOOK_QUEUE_MAX || !l->steps_left) {
			*ret_cut = true;
			return 0;
		}
		l->steps_left--;
		err = addrspace__read(l->as, via, s, l->sudog_bytes);
		if (err == -ESRCH)
			return err;
		if (err || field_u64(s, lay->sudog_c) != addr)
			return 0;
		++*ret;
		via = field_u64(s, l->rt->objects.sudog_next);
	}
	return 0;
}

/*
 * One that leaves the queue while it is counted, and joins it again, would count twice. So it is
 * counted again while somebody else is the first of it by then, and the least counts.
 */
static int count_queue(struct chanlook *l, uint64_t first, uint64_t addr, int32_t offset,
		       uint32_t *ret, bool *ret_cut)
{
	uint64_t now = first;
	int err = walk_queue(l, addr, first, ret, ret_cut);

	for (int i = 0; i < QUEUE_TRIES && !err && first; i++) {
		uint32_t again;

		err = addrspace__read(l->as, addr + (uint64_t)offset, &now, sizeof(now));
		if (err || !now || now == first)
			break;
		first = now;
		err = walk_queue(l, addr, first, &again, ret_cut);
		if (!err && again && again < *ret)
			*ret = again;
	}
	return err == -EFAULT ? 0 : err;
}

static int take(struct chanlook *l, const uint8_t *h, struct chanlook_chan *c)
{
	const struct goobjects *o = &l->rt->objects;
	const uint64_t sends = field_u64(h, o->hchan_sendq_first),
		       receives = field_u64(h, o->hchan_recvq_first);
	int err;

	c->len = field_u64(h, o->hchan_qcount);
	c->closed = field_u32(h, o->hchan_closed);
	c->timer = o->hchan_timer >= 0 ? field_u64(h, o->hchan_timer) : 0;
	c->cut = false;
	err = count_queue(l, sends, c->addr, o->hchan_sendq_first, &c->senders, &c->cut);
	if (!err)
		err = count_queue(l, receives, c->addr, o->hchan_recvq_first, &c->receivers,
				  &c->cut);
	/* somebody was in it when the channel was read */
	c->senders += sends && !c->senders;
	c->receivers += receives && !c->receivers;
	return err;
}

int chanlook__read(struct chanlook *l, struct chanlook_chan *v, size_t nr)
{
	int err = 0;

	l->steps_left = CHANLOOK_STEPS_MAX;
	for (size_t at = 0; at < nr && !err; at += BATCH) {
		const size_t n = nr - at < BATCH ? nr - at : BATCH;

		err = read_hchans(l, v + at, n);
		if (!err)
			err = look_at_spans(l, v + at, n);
		for (size_t i = 0; i < n && !err; i++)
			if (v[at + i].same == CHANLOOK_SAME || v[at + i].same == CHANLOOK_UNSURE)
				err = take(l, l->hchans[i].bytes, &v[at + i]);
	}
	return err;
}
