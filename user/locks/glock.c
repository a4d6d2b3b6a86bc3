/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/glock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/readv_batch.h"
#include "golang/gofacts.h"

#define ROUNDS    8
#define BYTES_MAX 24
/* rwmutexMaxReaders: readerCount is less by it while a writer has or wants the lock */
#define RW_WRITER   (1 << 30)
#define MUTEX_FLAGS 3 /* bits of a mutex's state beneath the count of waiters */

/* By address; of one address the RWMutex before the mutex that it begins with. */
static int compare_locks(const void *a, const void *b)
{
	const struct glock *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (x->kind != CENSUS_WAIT_RWMUTEX) - (y->kind != CENSUS_WAIT_RWMUTEX);
}

static int glocks__collect(struct glocks *ls, const struct census *c)
{
	size_t nr = 0;

	ls->v = calloc(c->nr_waits + 1, sizeof(*ls->v));
	if (!ls->v)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr_waits; i++)
		if (census_wait_is_lock(&c->waits[i]))
			ls->v[nr++] = (struct glock){ .addr = c->waits[i].addr,
						      .kind = c->waits[i].kind };
	qsort(ls->v, nr, sizeof(*ls->v), compare_locks);
	for (size_t i = 0; i < nr; i++)
		if (!ls->nr || ls->v[ls->nr - 1].addr != ls->v[i].addr)
			ls->v[ls->nr++] = ls->v[i];
	return 0;
}

/*
 * Until Go 1.17 the state of a WaitGroup is where its three words lie at a multiple of 8:
 * sync/waitgroup.go state().
 */
static uint64_t words_addr(const struct glock *l, int go_minor)
{
	return l->kind == CENSUS_WAIT_WAITGROUP && !gofacts_has(go_minor, GO_WAITGROUP_FIXED) &&
			       l->addr % 8
		       ? l->addr + 4
		       : l->addr;
}

static size_t words_bytes(const struct glock *l)
{
	switch ((enum census_wait_kind)l->kind) {
	case CENSUS_WAIT_RWMUTEX:
		return 24; /* {w Mutex; writerSem, readerSem u32; readerCount, readerWait i32} */
	case CENSUS_WAIT_COND: return 24; /* {L Locker; notify {wait, notify u32; ...}} */
	case CENSUS_WAIT_SEMAPHORE: return 4;
	default: return 8;
	}
}

static void mutex_words(struct glock *l, const uint32_t *w)
{
	l->locked = w[0] & 1;
	l->woken = w[0] & 2;
	l->starving = w[0] & 4;
	l->waiters = w[0] >> MUTEX_FLAGS;
}

static void glock__take(struct glock *l, const uint32_t *w, int go_minor)
{
	switch ((enum census_wait_kind)l->kind) {
	case CENSUS_WAIT_RWMUTEX:
		mutex_words(l, w);
		l->writer = (int32_t)w[4] < 0;
		l->readers = l->writer ? (int32_t)(w[4] + RW_WRITER) : (int32_t)w[4];
		l->departing = (int32_t)w[5];
		break;
	case CENSUS_WAIT_MUTEX: mutex_words(l, w); break;
	case CENSUS_WAIT_WAITGROUP:
		l->waiters = gofacts_has(go_minor, GO_WAITGROUP_BUBBLE) ? w[0] & INT32_MAX : w[0];
		l->counter = (int32_t)w[1];
		break;
	case CENSUS_WAIT_COND:
		l->locker = (uint64_t)w[3] << 32 | w[2];
		l->waiters = w[4] - w[5]; /* tickets drawn less tickets called */
		break;
	default: l->value = w[0];
	}
	l->settled = true;
}

/*
 * One reading of the locks that are not settled yet. words: BYTES_MAX bytes each, of the last
 * reading; seen: there was one.
 */
static int glocks__round(struct glocks *ls, int go_minor, struct readv_batch *g, size_t from,
			 size_t to, uint32_t *words, bool *seen)
{
	int err;

	readv_batch__clear(g);
	for (size_t i = from; i < to; i++) {
		err = readv_batch__want(g, words_addr(&ls->v[i], go_minor), words_bytes(&ls->v[i]));
		if (err < 0)
			return err;
	}
	err = readv_batch__read(g);
	for (size_t i = from; i < to && !err; i++) {
		const uint8_t *now = readv_batch__piece(g, i - from);
		uint32_t *last = words + (i - from) * (BYTES_MAX / sizeof(*words));
		struct glock *l = &ls->v[i];

		if (!now || l->settled)
			continue;
		if (seen[i - from] && !memcmp(last, now, words_bytes(l)))
			glock__take(l, last, go_minor);
		memcpy(last, now, words_bytes(l));
		seen[i - from] = true;
	}
	return err;
}

static int glocks__settle(struct glocks *ls, int go_minor, struct readv_batch *g, size_t from,
			  size_t to)
{
	scoped_mem uint32_t *words = calloc(to - from, BYTES_MAX);
	scoped_mem bool *seen = calloc(to - from, sizeof(*seen));
	int err = words && seen ? 0 : -ENOMEM;

	for (int round = 0; round < ROUNDS && !err; round++) {
		size_t settled = 0;

		err = glocks__round(ls, go_minor, g, from, to, words, seen);
		for (size_t i = from; i < to; i++)
			settled += ls->v[i].settled;
		if (settled == to - from)
			break;
	}
	for (size_t i = from; i < to; i++)
		ls->unsettled += !ls->v[i].settled;
	return err;
}

int glocks__read(const struct addrspace *as, int go_minor, const struct census *c,
		 struct glocks **ret)
{
	scoped(glocks) ls = calloc(1, sizeof(*ls));
	scoped(readv_batch) g = NULL;
	int err;

	if (!ls)
		return -ENOMEM;
	err = glocks__collect(ls, c);
	if (!err)
		err = readv_batch__new(as, &g);
	for (size_t from = 0; from < ls->nr && !err; from += READV_PIECES_MAX) {
		size_t to = ls->nr - from < READV_PIECES_MAX ? ls->nr : from + READV_PIECES_MAX;

		err = glocks__settle(ls, go_minor, g, from, to);
	}
	if (err)
		return err;
	*ret = steal(ls);
	return 0;
}
