/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/gchan.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/radix.h"
#include "census/field.h"
#include "census/readv_batch.h"
#include "heap/gosecret.h"
#include "heap/typenames.h"

#define ROUNDS      4     /* readings until a channel counts as unsettled */
#define BATCH       8192u /* channels of one batch of reads */
#define OBJECT_MAX  256   /* bytes of an hchan, of a sudog */
#define ELEMENT_MAX 65535 /* hchan.elemsize is a u16 */
#define CAP_MAX     (1ULL << 47)

/* A wait of the census on a channel, and its sudog as it was read last. */
struct waiter {
	uint64_t via;
	uint64_t next;    /* sudog.next */
	uint32_t wait, g; /* indexes into the census */
	uint32_t chan;    /* index into gchans.v */
	bool good;        /* it is a sudog of that goroutine for that channel */
	uint8_t seen;     /* in this walk: enum census_direction */
};
_Static_assert(offsetof(struct waiter, via) == 0 && sizeof(struct waiter) % sizeof(uint64_t) == 0,
	       "sorted by it as it is");

/* Of one channel in one round. */
struct look {
	uint32_t chan;
	uint8_t before[OBJECT_MAX], after[OBJECT_MAX];
	bool read;  /* `before` could be read */
	bool again; /* `after` could be read */
	uint64_t words[GCHAN_ELEMENTS * GCHAN_WORDS];
	uint8_t nr_elements; /* that could be read */
	bool secret;
};

struct reader {
	const struct addrspace *as;
	const struct goruntime *rt;
	struct census *c;
	struct gchans *cs;
	bool elements;
	const struct addrspace *open_as; /* refuses what is secret; for elements */
	size_t hchan_bytes, sudog_bytes;
	struct waiter *waiters; /* by via; owned */
	size_t nr_waiters;
	uint32_t *by_chan;         /* indexes of waiters, channel after channel; owned */
	uint32_t *first;           /* of each channel in by_chan, one more at the end; owned */
	struct look *looks;        /* BATCH; owned */
	struct readv_batch *batch; /* owned */
	size_t strangers;
	size_t words_room;
};

static int reader__check_layout(struct reader *r)
{
	const struct goobjects *o = &r->rt->objects;
	const int32_t hchan[] = { o->hchan_qcount,     o->hchan_dataqsiz, o->hchan_buf,
				  o->hchan_elemsize,   o->hchan_closed,   o->hchan_elemtype,
				  o->hchan_recvx,      o->hchan_sendx,    o->hchan_recvq_first,
				  o->hchan_sendq_first };
	const int32_t sudog[] = { r->rt->layout.sudog_g, r->rt->layout.sudog_c, o->sudog_next };

	r->hchan_bytes = field_span(hchan, ARRAY_SIZE(hchan), OBJECT_MAX);
	r->sudog_bytes = field_span(sudog, ARRAY_SIZE(sudog), OBJECT_MAX);
	return r->hchan_bytes && r->sudog_bytes && o->hchan_timer <= OBJECT_MAX - 8 ? 0
										    : -EOPNOTSUPP;
}

/* --- which channels, and whose --- */

static int reader__collect(struct reader *r)
{
	const struct census *c = r->c;

	r->waiters = calloc(c->nr_waits ? c->nr_waits : 1, sizeof(*r->waiters));
	if (!r->waiters)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr; i++)
		for (uint32_t k = 0; k < c->gs[i].nr_waits; k++) {
			uint32_t wait = c->gs[i].waits_at + k;

			if (c->waits[wait].kind == CENSUS_WAIT_CHAN && r->nr_waiters < c->nr_waits)
				r->waiters[r->nr_waiters++] = (struct waiter){
					.via = c->waits[wait].via, .wait = wait, .g = (uint32_t)i
				};
		}
	return radix_sort((uint64_t *)r->waiters, r->nr_waiters,
			  sizeof(*r->waiters) / sizeof(uint64_t));
}

/* The distinct channels, by address, and which one each waits for. */
static int reader__make_chans(struct reader *r)
{
	scoped_mem uint64_t *items = reallocarray(NULL, r->nr_waiters + 1, 2 * sizeof(*items));
	size_t nr = 0;
	int err = items ? 0 : -ENOMEM;

	for (size_t i = 0; i < r->nr_waiters && !err; i++) {
		items[2 * i] = r->c->waits[r->waiters[i].wait].addr;
		items[2 * i + 1] = i;
	}
	if (!err)
		err = radix_sort(items, r->nr_waiters, 2);
	if (err)
		return err;
	for (size_t i = 0; i < r->nr_waiters; i++) {
		nr += !i || items[2 * i] != items[2 * i - 2];
		r->waiters[items[2 * i + 1]].chan = (uint32_t)(nr - 1);
	}
	r->cs->v = calloc(nr + 1, sizeof(*r->cs->v));
	if (!r->cs->v)
		return -ENOMEM;
	r->cs->nr = nr;
	for (size_t i = 0; i < r->nr_waiters; i++)
		r->cs->v[r->waiters[i].chan].addr = r->c->waits[r->waiters[i].wait].addr;
	return 0;
}

/* The waiters of each channel side by side, by a counting sort. */
static int reader__group(struct reader *r)
{
	size_t nr = r->cs->nr;
	uint32_t sum = 0;

	r->first = calloc(nr + 2, sizeof(*r->first));
	r->by_chan = calloc(r->nr_waiters + 1, sizeof(*r->by_chan));
	if (!r->first || !r->by_chan)
		return -ENOMEM;
	for (size_t i = 0; i < r->nr_waiters; i++)
		r->first[r->waiters[i].chan + 1]++;
	for (size_t i = 0; i <= nr; i++) {
		sum += r->first[i];
		r->first[i] = sum;
	}
	/*
	 * first[k] is where channel k begins; filling moves it to its end, which is where k + 1
	 * began.
	 */
	for (size_t i = 0; i < r->nr_waiters; i++)
		r->by_chan[r->first[r->waiters[i].chan]++] = (uint32_t)i;
	memmove(r->first + 1, r->first, nr * sizeof(*r->first));
	r->first[0] = 0;
	return 0;
}

static struct waiter *reader__find(struct reader *r, uint64_t via, uint32_t chan)
{
	size_t lo = r->first[chan], hi = r->first[chan + 1];
	const size_t end = hi;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->waiters[r->by_chan[mid]].via < via)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < end && r->waiters[r->by_chan[lo]].via == via ? &r->waiters[r->by_chan[lo]]
								 : NULL;
}

/* --- reading --- */

static bool hchan_plausible(const struct goobjects *o, const uint8_t *h)
{
	uint64_t len = field_u64(h, o->hchan_qcount), cap = field_u64(h, o->hchan_dataqsiz);
	uint16_t size = (uint16_t)field_u32(h, o->hchan_elemsize);

	return len <= cap && cap < CAP_MAX && (!size || cap <= CAP_MAX / size) &&
	       field_u32(h, o->hchan_closed) <= 1 && field_u64(h, o->hchan_elemtype) &&
	       field_u64(h, o->hchan_recvx) <= cap && field_u64(h, o->hchan_sendx) <= cap;
}

static int reader__read_chans(struct reader *r, size_t nr, bool after)
{
	int err;

	readv_batch__clear(r->batch);
	for (size_t i = 0; i < nr; i++) {
		err = readv_batch__want(r->batch, r->cs->v[r->looks[i].chan].addr, r->hchan_bytes);
		if (err < 0)
			return err;
	}
	err = readv_batch__read(r->batch);
	if (err)
		return err;
	for (size_t i = 0; i < nr; i++) {
		const uint8_t *h = readv_batch__piece(r->batch, i);
		struct look *k = &r->looks[i];

		if (h)
			memcpy(after ? k->after : k->before, h, r->hchan_bytes);
		if (after)
			k->again = h;
		else
			k->read = h && hchan_plausible(&r->rt->objects, h);
	}
	return 0;
}

static void reader__take_sudog(struct reader *r, struct waiter *w, const uint8_t *s)
{
	const struct pw_layout *lay = &r->rt->layout;

	w->seen = CENSUS_DIR_NONE;
	w->good = s && field_u64(s, lay->sudog_g) == r->c->gs[w->g].addr &&
		  field_u64(s, lay->sudog_c) == r->cs->v[w->chan].addr;
	if (w->good)
		w->next = field_u64(s, r->rt->objects.sudog_next);
}

/* by_chan[from] to by_chan[to - 1], in as many batches as it takes. */
static int reader__read_sudogs(struct reader *r, size_t from, size_t to)
{
	while (from < to) {
		size_t nr = to - from < READV_PIECES_MAX ? to - from : READV_PIECES_MAX;
		int err;

		readv_batch__clear(r->batch);
		for (size_t i = 0; i < nr; i++) {
			err = readv_batch__want(r->batch, r->waiters[r->by_chan[from + i]].via,
						r->sudog_bytes);
			if (err < 0)
				return err;
		}
		err = readv_batch__read(r->batch);
		if (err)
			return err;
		for (size_t i = 0; i < nr; i++)
			reader__take_sudog(r, &r->waiters[r->by_chan[from + i]],
					   readv_batch__piece(r->batch, i));
		from += nr;
	}
	return 0;
}

/* The oldest elements of one channel: its buffer is a ring. */
static int reader__read_elements(struct reader *r, struct look *k)
{
	const struct goobjects *o = &r->rt->objects;
	uint64_t len = field_u64(k->before, o->hchan_qcount),
		 cap = field_u64(k->before, o->hchan_dataqsiz);
	uint64_t buf = field_u64(k->before, o->hchan_buf),
		 at = field_u64(k->before, o->hchan_recvx);
	size_t size = (uint16_t)field_u32(k->before, o->hchan_elemsize);
	size_t bytes = size < GCHAN_WORDS * 8 ? size : GCHAN_WORDS * 8, words = (bytes + 7) / 8;

	k->nr_elements = 0;
	memset(k->words, 0, sizeof(k->words));
	for (size_t i = 0; bytes && i < GCHAN_ELEMENTS && i < len; i++) {
		uint64_t slot = at + i < cap ? at + i : at + i - cap;
		int err =
			addrspace__read(r->open_as, buf + slot * size, k->words + i * words, bytes);

		if (err == -ESRCH)
			return err;
		k->secret |= err == -EACCES;
		if (err)
			return 0;
		k->nr_elements++;
	}
	return 0;
}

/* --- walking the queues --- */

/*
 * A sudog that came after the census was taken. 0 and where it leads; -EAGAIN: it is none of this
 * channel.
 */
static int reader__stranger(struct reader *r, uint64_t via, uint64_t chan, uint64_t *ret_next)
{
	uint8_t s[OBJECT_MAX];
	int err;

	if (r->strangers == GCHANS_STRANGERS_MAX)
		return -EAGAIN;
	r->strangers++;
	err = addrspace__read(r->as, via, s, r->sudog_bytes);
	if (err)
		return err == -ESRCH ? err : -EAGAIN;
	if (field_u64(s, r->rt->layout.sudog_c) != chan)
		return -EAGAIN;
	*ret_next = field_u64(s, r->rt->objects.sudog_next);
	return 0;
}

/* 0: the queue was walked to its end; -EAGAIN: it changed under us, or it makes no sense. */
static int reader__walk(struct reader *r, uint32_t chan, uint64_t via,
			enum census_direction direction, size_t *ret_found)
{
	size_t strangers = GCHANS_STRANGERS_MAX;
	int err;

	while (via) {
		struct waiter *w = reader__find(r, via, chan);

		if (!w) {
			if (!strangers--) /* each step is one of these or marks a waiter: a circle
					     ends here */
				return -EAGAIN;
			err = reader__stranger(r, via, r->cs->v[chan].addr, &via);
			if (err)
				return err;
			continue;
		}
		if (!w->good || w->seen)
			return -EAGAIN;
		w->seen = (uint8_t)direction;
		++*ret_found;
		via = w->next;
	}
	return 0;
}

static int reader__keep_elements(struct reader *r, const struct look *k, struct gchan *ch)
{
	size_t bytes = ch->elem_size < GCHAN_WORDS * 8u ? ch->elem_size : GCHAN_WORDS * 8u;
	size_t words = (bytes + 7) / 8, nr = k->nr_elements * words;

	if (!nr || r->cs->nr_words + nr > GCHANS_WORDS_MAX)
		return 0;
	if (r->cs->nr_words + nr > r->words_room) {
		size_t room = r->words_room ? r->words_room * 2 : 1024;
		uint64_t *more = reallocarray(r->cs->words, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		r->cs->words = more;
		r->words_room = room;
	}
	memcpy(r->cs->words + r->cs->nr_words, k->words, nr * sizeof(*k->words));
	ch->words_at = r->cs->nr_words;
	ch->nr_elements = k->nr_elements;
	ch->element_words = (uint8_t)words;
	r->cs->nr_words += nr;
	return 0;
}

/* --- one channel, one round --- */

/* The queues and the numbers of one moment: 0 and it is settled; -EAGAIN. */
static int reader__settle(struct reader *r, const struct look *k)
{
	const struct goobjects *o = &r->rt->objects;
	struct gchan *ch = &r->cs->v[k->chan];
	size_t found = 0;
	int err;

	if (!k->read || !k->again || memcmp(k->before, k->after, r->hchan_bytes))
		return -EAGAIN;
	err = reader__walk(r, k->chan, field_u64(k->before, o->hchan_recvq_first),
			   CENSUS_DIR_RECEIVE, &found);
	if (!err)
		err = reader__walk(r, k->chan, field_u64(k->before, o->hchan_sendq_first),
				   CENSUS_DIR_SEND, &found);
	if (err || !found)
		return err ? err : -EAGAIN;
	for (uint32_t i = r->first[k->chan]; i < r->first[k->chan + 1]; i++) {
		const struct waiter *w = &r->waiters[r->by_chan[i]];

		if (w->seen)
			r->c->waits[w->wait].direction = w->seen;
	}
	ch->settled = true;
	ch->secret = k->secret;
	ch->closed = field_u32(k->before, o->hchan_closed);
	ch->timer = o->hchan_timer >= 0 ? field_u64(k->before, o->hchan_timer) : 0;
	ch->elem_size = (uint16_t)field_u32(k->before, o->hchan_elemsize);
	ch->elem_type = field_u64(k->before, o->hchan_elemtype);
	ch->len = field_u64(k->before, o->hchan_qcount);
	ch->cap = field_u64(k->before, o->hchan_dataqsiz);
	return reader__keep_elements(r, k, ch);
}

/* Of the first nr looks: channel, sudogs, elements, channel again. */
static int reader__round(struct reader *r, size_t nr)
{
	int err = reader__read_chans(r, nr, false);

	for (size_t i = 0, from; i < nr && !err; i = from) {
		uint32_t first = r->looks[i].chan;

		/* One stretch of by_chan for channels that follow each other. */
		for (from = i + 1; from < nr && r->looks[from].chan == first + (from - i);)
			from++;
		err = reader__read_sudogs(r, r->first[first], r->first[first + (from - i)]);
	}
	for (size_t i = 0; r->elements && i < nr && !err; i++)
		if (r->looks[i].read)
			err = reader__read_elements(r, &r->looks[i]);
	if (!err)
		err = reader__read_chans(r, nr, true);
	for (size_t i = 0; i < nr && !err; i++) {
		err = reader__settle(r, &r->looks[i]);
		err = err == -EAGAIN ? 0 : err;
	}
	return err;
}

static int reader__run(struct reader *r)
{
	int err = 0;

	for (int round = 0; round < ROUNDS && !err; round++)
		for (size_t i = 0, nr = 0; i < r->cs->nr && !err; i++) {
			if (!r->cs->v[i].settled)
				r->looks[nr++] = (struct look){ .chan = (uint32_t)i };
			if (nr == BATCH || (nr && i + 1 == r->cs->nr)) {
				err = reader__round(r, nr);
				nr = 0;
			}
		}
	for (size_t i = 0; i < r->cs->nr; i++)
		r->cs->unsettled += !r->cs->v[i].settled;
	return err;
}

/* Of those that are not settled no type is known. */
static int gchans__name(struct gchans *cs, const struct addrspace *as, const struct goruntime *rt)
{
	scoped(typenames) types = NULL;
	int err = typenames__new(as, rt, &cs->names, &types);

	for (size_t i = 0; i < cs->nr && !err; i++)
		cs->v[i].elem_name =
			cs->v[i].settled ? typenames__get(types, cs->v[i].elem_type) : "";
	return err;
}

int gchans__read(const struct addrspace *as, const struct goruntime *rt, struct census *c,
		 bool elements, struct gchans **ret)
{
	struct reader r = { .as = as, .rt = rt, .c = c, .elements = elements };
	scoped(gchans) cs = calloc(1, sizeof(*cs));
	scoped(gosecret) secret = NULL;
	int err;

	if (!cs)
		return -ENOMEM;
	r.cs = cs;
	err = elements ? gosecret__new(as, rt, &secret) : 0;
	r.open_as = gosecret__space(secret, as);
	if (!err)
		err = reader__check_layout(&r);
	if (!err)
		err = reader__collect(&r);
	if (!err)
		err = reader__make_chans(&r);
	if (!err)
		err = reader__group(&r);
	if (!err)
		err = readv_batch__new(as, &r.batch);
	if (!err) {
		r.looks = calloc(cs->nr < BATCH ? cs->nr + 1 : BATCH, sizeof(*r.looks));
		err = r.looks ? reader__run(&r) : -ENOMEM;
	}
	free(r.waiters);
	free(r.by_chan);
	free(r.first);
	free(r.looks);
	readv_batch__free(r.batch);
	if (!err)
		err = gchans__name(cs, as, rt);
	if (!err)
		*ret = steal(cs);
	return err;
}
