/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/gwait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/field.h"
#include "census/readv_batch.h"
#include "golang/gofacts.h"
#include "golang/gostate.h"

#define POOL_MAX   (64u * 65536) /* waits of one call */
#define READS_MAX  (1u << 26)    /* of all calls: some ten seconds */
#define USER_END   (1ULL << 48)  /* as in proof.c */
#define OBJECT_MAX 1024          /* bytes of a sudog, pollDesc or timer that are read at most */
/* sync.Cond {L Locker; notify notifyList; ...}, Go 1.15 to 1.27 */
#define COND_NOTIFY  16
#define MUTEX_SEMA   4 /* sync.Mutex {state int32; sema uint32} */
#define RW_WRITERSEM 8 /* sync.RWMutex {w Mutex; writerSem, readerSem uint32; ...} */
#define RW_READERSEM 12

enum hunt {
	HUNT_OVER,
	HUNT_SUDOG,    /* along g.waiting */
	HUNT_OWN,      /* for the sudog of a semaphore, among the words of the frame */
	HUNT_LIST,     /* for the notifyList, among the words of the frame */
	HUNT_HEAD,     /* the first of that list, as a proof */
	HUNT_POLLDESC, /* among the words of the frame */
	HUNT_CORO,     /* the same, or what the g has where it never ran */
	HUNT_TIMER,
};

struct pooled {
	struct census_wait wait;
	uint32_t next;
};

struct gwaits {
	const struct goruntime *rt;
	struct pcfacts *facts;
	struct readv_batch *batch;
	size_t bytes[HUNT_TIMER +
		     1]; /* to read in each kind of hunt; 0: this Go's layout is not known */
	struct pooled *pool;
	size_t nr, room;
	uint32_t reads_left;
};

int gwaits__new(const struct addrspace *as, const struct goruntime *rt, struct pcfacts *facts,
		struct gwaits **ret)
{
	const struct pw_layout *lay = &rt->layout;
	const struct goobjects *obj = &rt->objects;
	const int32_t sudog[] = { lay->sudog_g, lay->sudog_elem,     lay->sudog_waitlink,
				  lay->sudog_c, obj->sudog_isselect, obj->sudog_ticket };
	const int32_t list[] = { obj->nl_wait, obj->nl_notify, obj->nl_head };
	const int32_t polldesc[] = { obj->pd_fd, obj->pd_rg, obj->pd_wg };
	scoped(gwaits) w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->rt = rt;
	w->facts = facts;
	w->reads_left = READS_MAX;
	w->bytes[HUNT_SUDOG] = w->bytes[HUNT_OWN] = w->bytes[HUNT_HEAD] =
		field_span(sudog, ARRAY_SIZE(sudog), OBJECT_MAX);
	w->bytes[HUNT_LIST] = field_span(list, ARRAY_SIZE(list), OBJECT_MAX);
	w->bytes[HUNT_POLLDESC] = field_span(polldesc, ARRAY_SIZE(polldesc), OBJECT_MAX);
	w->bytes[HUNT_CORO] = sizeof(uint64_t);
	w->bytes[HUNT_TIMER] = field_span(&obj->timer_when, 1, OBJECT_MAX);
	err = readv_batch__new(as, &w->batch);
	if (err)
		return err;
	*ret = steal(w);
	return 0;
}

void gwaits__free(struct gwaits *w)
{
	if (!w)
		return;
	readv_batch__free(w->batch);
	free(w->pool);
	free(w);
}

static int gwaits__add(struct gwaits *w, struct gwait *t, const struct census_wait *wait)
{
	if (t->nr == CENSUS_CASES_MAX || w->nr == POOL_MAX) {
		t->cut = true;
		t->hunt = HUNT_OVER;
		return 0;
	}
	if (w->nr == w->room) {
		size_t room = w->room ? w->room * 2 : 4096;
		struct pooled *pool = reallocarray(w->pool, room, sizeof(*pool));

		if (!pool)
			return -ENOMEM;
		w->pool = pool;
		w->room = room;
	}
	w->pool[w->nr] = (struct pooled){ .wait = *wait };
	if (t->nr)
		w->pool[t->last].next = (uint32_t)w->nr;
	else
		t->first = (uint32_t)w->nr;
	t->last = (uint32_t)w->nr++;
	t->nr++;
	return 0;
}

void gwaits__copy(const struct gwaits *w, const struct gwait *t, struct census_wait *out)
{
	uint32_t at = t->first;

	for (uint32_t i = 0; i < t->nr; i++, at = w->pool[at].next)
		out[i] = w->pool[at].wait;
}

/* --- locks --- */

/*
 * Go 1.15 to 1.17 sync/waitgroup.go state(): of three words at a multiple of 4 the two that lie at
 * a multiple of 8 are the counter, the third is the semaphore. From 1.18 on it always comes last.
 */
static uint64_t waitgroup_of(uint64_t sema, int go_minor)
{
	return gofacts_has(go_minor, GO_WAITGROUP_FIXED) || sema % 8 == 0 ? sema - 8 : sema;
}

static struct census_wait lock_wait(const struct gspot *spot, uint64_t sema, int go_minor)
{
	struct census_wait wait = { .addr = sema, .via = sema, .kind = CENSUS_WAIT_SEMAPHORE };

	switch (spot->lock) {
	case PC_LOCK_MUTEX:
		wait.kind = spot->writers ? CENSUS_WAIT_RWMUTEX : CENSUS_WAIT_MUTEX;
		wait.direction = spot->writers ? CENSUS_DIR_WRITE : CENSUS_DIR_NONE;
		wait.addr = sema - MUTEX_SEMA; /* an RWMutex begins with its mutex */
		break;
	case PC_LOCK_RLOCK:
		wait.kind = CENSUS_WAIT_RWMUTEX;
		wait.direction = CENSUS_DIR_READ;
		wait.addr = sema - RW_READERSEM;
		break;
	case PC_LOCK_LOCK:
		wait.kind = CENSUS_WAIT_RWMUTEX;
		wait.direction = CENSUS_DIR_WRITE;
		wait.addr = sema - RW_WRITERSEM;
		break;
	case PC_LOCK_WAITGROUP:
		wait.kind = CENSUS_WAIT_WAITGROUP;
		wait.addr = waitgroup_of(sema, go_minor);
		break;
	case PC_LOCK_COND:
		wait.kind = CENSUS_WAIT_COND;
		wait.addr = sema - COND_NOTIFY;
		break;
	case PC_LOCK_NONE: break;
	}
	return wait;
}

/* --- the words of a frame --- */

/*
 * What word to try nr-th: where it was found in other goroutines at this pc, then the home of the
 * first argument, then the others from the stack pointer up.
 */
static uint64_t nth_word(const struct gspot *spot, size_t learned, size_t nr)
{
	size_t at = nr == 0 ? learned : nr == 1 ? spot->nr_words - 1 : nr - 2;

	return spot->words[at];
}

static bool is_pointer(const struct gview *v, uint64_t word)
{
	return word >= 4096 && word < USER_END && word % 8 == 0 &&
	       !(word >= v->stack_lo && word < v->stack_hi);
}

/* Goes on to the next word that may be a pointer. */
static void gwaits__next_word(struct gwaits *w, struct gwait *t)
{
	const struct gspot *spot = &t->spot;
	size_t learned = pcfacts__get(w->facts, spot->pc)->slot;

	if (learned >= spot->nr_words || t->hunt == HUNT_LIST) /* the slot is that of the sudog */
		learned = spot->nr_words - 1;
	for (; t->try < spot->nr_words + 2; t->try++) {
		uint64_t candidate = nth_word(spot, learned, t->try);

		if (is_pointer(t->v, candidate)) {
			t->at = candidate;
			t->try++;
			return;
		}
	}
	t->hunt = HUNT_OVER;
	t->cut = true;
}

/* The word that was tried last was it. */
static void gwaits__learn(struct gwaits *w, const struct gwait *t)
{
	for (size_t i = 0; i < t->spot.nr_words; i++)
		if (t->spot.words[i] == t->at) {
			pcfacts__get(w->facts, t->spot.pc)->slot = (uint8_t)i;
			return;
		}
}

/* --- one step of each hunt; bytes is NULL where the memory is not readable --- */

static void gwait__give_up(struct gwait *t)
{
	t->hunt = HUNT_OVER;
	t->cut = true;
}

static int gwaits__sudog(struct gwaits *w, struct gwait *t, const uint8_t *bytes)
{
	const struct pw_layout *lay = &w->rt->layout;
	struct census_wait wait = { .via = t->at, .kind = CENSUS_WAIT_CHAN };
	uint64_t elem;
	int err;

	if (!bytes || field_u64(bytes, lay->sudog_g) != t->v->addr) {
		gwait__give_up(t);
		return 0;
	}
	wait.addr = field_u64(bytes, lay->sudog_c);
	elem = field_u64(bytes, lay->sudog_elem);
	if (!wait.addr) { /* a semaphore; its waitlink leads to other goroutines */
		t->hunt = HUNT_OVER;
		wait = lock_wait(&t->spot, elem, w->rt->minor);
		if (!elem)
			gwait__give_up(t);
		return elem ? gwaits__add(w, t, &wait) : 0;
	}
	wait.select = bytes[w->rt->objects.sudog_isselect];
	wait.direction = (uint8_t)census_direction_of(gowait_of(w->rt->minor, t->v->reason));
	t->at = field_u64(bytes, lay->sudog_waitlink);
	err = gwaits__add(w, t, &wait);
	if (!t->at)
		t->hunt = HUNT_OVER;
	return err;
}

static int gwaits__own_sudog(struct gwaits *w, struct gwait *t, const uint8_t *bytes)
{
	const struct pw_layout *lay = &w->rt->layout;
	bool cond = t->spot.role == PC_NOTIFY_WAIT;
	struct census_wait wait;

	if (!bytes || field_u64(bytes, lay->sudog_g) != t->v->addr ||
	    field_u64(bytes, lay->sudog_c) || (!cond && !field_u64(bytes, lay->sudog_elem))) {
		gwaits__next_word(w, t);
		return 0;
	}
	gwaits__learn(w, t);
	if (cond) {
		t->ticket = field_u32(bytes, w->rt->objects.sudog_ticket);
		t->hunt = HUNT_LIST;
		t->try = 0;
		gwaits__next_word(w, t);
		return 0;
	}
	t->hunt = HUNT_OVER;
	wait = lock_wait(&t->spot, field_u64(bytes, lay->sudog_elem), w->rt->minor);
	return gwaits__add(w, t, &wait);
}

/* Go runtime/sema.go: those who wait have the tickets from notify to wait - 1. */
static bool in_list(const uint8_t *bytes, const struct goobjects *obj, uint32_t ticket)
{
	uint32_t notify = field_u32(bytes, obj->nl_notify);

	return ticket - notify < field_u32(bytes, obj->nl_wait) - notify;
}

static int gwaits__list(struct gwaits *w, struct gwait *t, const uint8_t *bytes)
{
	const struct goobjects *obj = &w->rt->objects;
	uint64_t head = bytes ? field_u64(bytes, obj->nl_head) : 0;

	if (!is_pointer(t->v, head) || !in_list(bytes, obj, t->ticket)) {
		gwaits__next_word(w, t);
		return 0;
	}
	t->list = t->at;
	t->at = head;
	t->hunt = HUNT_HEAD;
	return 0;
}

/* The first of the list waits at least as long as we do, and a sudog of a list is for no channel
 * and no semaphore. */
static int gwaits__head(struct gwaits *w, struct gwait *t, const uint8_t *bytes)
{
	const struct pw_layout *lay = &w->rt->layout;
	struct census_wait wait;

	if (!bytes || !is_pointer(t->v, field_u64(bytes, lay->sudog_g)) ||
	    field_u64(bytes, lay->sudog_c) ||
	    t->ticket - field_u32(bytes, w->rt->objects.sudog_ticket) > INT32_MAX) {
		t->hunt = HUNT_LIST;
		gwaits__next_word(w, t);
		return 0;
	}
	t->hunt = HUNT_OVER;
	wait = lock_wait(&t->spot, t->list, w->rt->minor);
	return gwaits__add(w, t, &wait);
}

static int gwaits__polldesc(struct gwaits *w, struct gwait *t, const uint8_t *bytes)
{
	const struct goobjects *obj = &w->rt->objects;
	bool reads = bytes && field_u64(bytes, obj->pd_rg) == t->v->addr;
	struct census_wait wait = { .addr = t->at, .kind = CENSUS_WAIT_FD };

	if (!reads && (!bytes || field_u64(bytes, obj->pd_wg) != t->v->addr)) {
		gwaits__next_word(w, t);
		return 0;
	}
	gwaits__learn(w, t);
	t->hunt = HUNT_OVER;
	wait.via = field_u64(bytes, obj->pd_fd);
	wait.direction = reads ? CENSUS_DIR_READ : CENSUS_DIR_WRITE;
	return gwaits__add(w, t, &wait);
}

/* Go 1.22 to 1.27 runtime/coro.go: a coro begins with the g that it switches to. */
static int gwaits__coro(struct gwaits *w, struct gwait *t, const uint8_t *bytes)
{
	const struct census_wait wait = { .addr = t->at, .via = t->at, .kind = CENSUS_WAIT_CORO };

	if (!bytes || field_u64(bytes, 0) != t->v->addr) {
		gwaits__next_word(w, t);
		return 0;
	}
	gwaits__learn(w, t);
	t->hunt = HUNT_OVER;
	return gwaits__add(w, t, &wait);
}

static int gwaits__timer(struct gwaits *w, struct gwait *t, const uint8_t *bytes)
{
	struct census_wait wait = { .addr = t->at, .kind = CENSUS_WAIT_TIMER };

	if (!bytes) {
		gwait__give_up(t);
		return 0;
	}
	t->hunt = HUNT_OVER;
	wait.via = field_u64(bytes, w->rt->objects.timer_when);
	return gwaits__add(w, t, &wait);
}

static int gwaits__step(struct gwaits *w, struct gwait *t, const uint8_t *bytes)
{
	switch ((enum hunt)t->hunt) {
	case HUNT_SUDOG: return gwaits__sudog(w, t, bytes);
	case HUNT_OWN: return gwaits__own_sudog(w, t, bytes);
	case HUNT_LIST: return gwaits__list(w, t, bytes);
	case HUNT_HEAD: return gwaits__head(w, t, bytes);
	case HUNT_POLLDESC: return gwaits__polldesc(w, t, bytes);
	case HUNT_CORO: return gwaits__coro(w, t, bytes);
	case HUNT_TIMER: return gwaits__timer(w, t, bytes);
	case HUNT_OVER: break;
	}
	return 0;
}

/* --- all of them --- */

/* Of who waits in next() for the other side nothing is known: the frames do not keep the coro. */
static void gwaits__begin_coro(struct gwaits *w, struct gwait *t)
{
	if (t->v->coroarg) {
		t->at = t->v->coroarg;
		t->try = GSTACK_WORDS + 2; /* no other */
		t->hunt = HUNT_CORO;
	} else if (t->spot.role == PC_COROSTART && t->spot.nr_words) {
		t->hunt = HUNT_CORO;
		gwaits__next_word(w, t);
	}
}

static void gwaits__begin(struct gwaits *w, struct gwait *t)
{
	const enum gowait wait = gowait_of(w->rt->minor, t->v->reason);
	bool by_word = false;

	t->nr = 0;
	t->cut = false;
	t->hunt = HUNT_OVER;
	t->try = 0;
	if (t->v->status != GOSTATUS_WAITING && t->v->status != GOSTATUS_LEAKED)
		return;
	if (t->v->waiting) {
		t->hunt = HUNT_SUDOG;
		t->at = t->v->waiting;
	} else if (wait == GOWAIT_COROUTINE) {
		gwaits__begin_coro(w, t);
	} else if (t->spot.nr_words && t->spot.role != PC_COROSTART) {
		t->hunt = t->spot.role == PC_NETPOLL ? HUNT_POLLDESC : HUNT_OWN;
		by_word = true;
	} else if (t->v->timer && wait == GOWAIT_SLEEP) {
		t->hunt = HUNT_TIMER;
		t->at = t->v->timer;
	}
	if (t->hunt != HUNT_OVER && !w->bytes[t->hunt])
		gwait__give_up(t);
	else if (by_word)
		gwaits__next_word(w, t);
}

/* Asks for what each needs next; returns how many there are, or -ENOMEM. */
static int gwaits__ask(struct gwaits *w, struct gwait *const *todo, size_t nr)
{
	int asked = 0;

	readv_batch__clear(w->batch);
	for (size_t i = 0; i < nr; i++) {
		struct gwait *t = todo[i];

		if (!w->reads_left && t->hunt != HUNT_OVER)
			gwait__give_up(t);
		if (t->hunt == HUNT_OVER)
			continue;
		w->reads_left--;
		t->piece = readv_batch__want(w->batch, t->at, w->bytes[t->hunt]);
		if (t->piece < 0)
			return t->piece;
		asked++;
	}
	return asked;
}

int gwaits__look_up(struct gwaits *w, struct gwait *const *todo, size_t nr)
{
	int asked;

	w->nr = 0;
	for (size_t i = 0; i < nr; i++)
		gwaits__begin(w, todo[i]);
	/* Each round ends a hunt or takes it one word, or one case, further: both are bounded. */
	while ((asked = gwaits__ask(w, todo, nr)) > 0) {
		int err = readv_batch__read(w->batch);

		for (size_t i = 0; i < nr && !err; i++) {
			struct gwait *t = todo[i];

			if (t->hunt != HUNT_OVER)
				err = gwaits__step(w, t,
						   readv_batch__piece(w->batch, (size_t)t->piece));
		}
		if (err)
			return err;
	}
	return asked;
}
