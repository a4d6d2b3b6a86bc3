/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/u64map.h"
#include "census/gview.h"
#include "census/readv_batch.h"
#include "heap/glive.h"
#include "requests/liveslots.h"

#define PIECES_MAX (3 * AHEAD_MOST)

struct piece {
	const uint8_t *bytes; /* of a batch */
	size_t len;
};

struct ahead {
	struct addrspace space;
	const struct addrspace *as;
	const struct goruntime *rt;
	size_t g_bytes, sudog_bytes;
	struct readv_batch *gs, *rest; /* what is found in the former is read with the latter */
	struct u64map at;              /* address to number in pieces + 1 */
	struct piece pieces[PIECES_MAX];
	size_t nr;
	struct wanted {
		uint64_t addr;
		size_t len;
	} wanted[2 * AHEAD_MOST]; /* of rest */
};

static int ahead__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	const struct ahead *a = (const struct ahead *)as;
	uint64_t i;

	if (!u64map__get(&a->at, addr, &i) || a->pieces[i - 1].len < len)
		return addrspace__read(a->as, addr, buf, len);
	memcpy(buf, a->pieces[i - 1].bytes, len);
	return 0;
}

int ahead__new(const struct addrspace *as, const struct goruntime *rt, struct ahead **ret)
{
	scoped(ahead) a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->space.read = ahead__read;
	a->as = as;
	a->rt = rt;
	a->g_bytes = glive_g_bytes(rt);
	a->sudog_bytes = liveslots_sudog_bytes(rt);
	a->at.max = PIECES_MAX;
	err = readv_batch__new(as, &a->gs);
	if (!err)
		err = readv_batch__new(as, &a->rest);
	if (err)
		return err;
	*ret = steal(a);
	return 0;
}

void ahead__free(struct ahead *a)
{
	if (!a)
		return;
	readv_batch__free(a->gs);
	readv_batch__free(a->rest);
	u64map__done(&a->at);
	free(a);
}

const struct addrspace *ahead__space(const struct ahead *a)
{
	return &a->space;
}

/* bytes NULL: they cannot be read. */
static int ahead__has(struct ahead *a, uint64_t addr, const uint8_t *bytes, size_t len)
{
	if (!bytes)
		return 0;
	a->pieces[a->nr++] = (struct piece){ bytes, len };
	return u64map__set(&a->at, addr, a->nr);
}

static int ahead__want(struct readv_batch *b, uint64_t addr, size_t len)
{
	const int i = addr ? readv_batch__want(b, addr, len) : -EINVAL;

	return i == -ENOMEM ? i : i >= 0;
}

/* A g says where its stack is, and what it waits with. */
static int ahead__want_rest(struct ahead *a, uint64_t addr, const uint8_t *g, size_t *nr)
{
	struct gview v;
	struct wanted want[2] = { { 0, 0 }, { 0, 0 } };
	uint64_t pc, sp;

	gview__take(&v, a->rt, addr, g);
	if (!gview__is_live(&v) || !gview__context(&v, &pc, &sp) || sp >= (v.stack_hi & ~7ull))
		return 0;
	want[0] = (struct wanted){ sp, (size_t)((v.stack_hi & ~7ull) - sp) };
	want[1] = (struct wanted){ v.waiting, a->sudog_bytes };
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const int taken = ahead__want(a->rest, want[i].addr, want[i].len);

		if (taken < 0)
			return taken;
		if (taken)
			a->wanted[(*nr)++] = want[i];
	}
	return 0;
}

static int ahead__of_gs(struct ahead *a, const uint64_t *gs, size_t nr)
{
	int err = 0;

	for (size_t i = 0; i < nr && err >= 0; i++)
		err = readv_batch__want(a->gs, gs[i], a->g_bytes);
	if (err >= 0)
		err = readv_batch__read(a->gs);
	for (size_t i = 0; i < nr && !err; i++)
		err = ahead__has(a, gs[i], readv_batch__piece(a->gs, i), a->g_bytes);
	return err;
}

static int ahead__of_rest(struct ahead *a, const uint64_t *gs, size_t nr)
{
	size_t nr_wanted = 0;
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++) {
		const uint8_t *g = readv_batch__piece(a->gs, i);

		if (g)
			err = ahead__want_rest(a, gs[i], g, &nr_wanted);
	}
	if (!err && nr_wanted)
		err = readv_batch__read(a->rest);
	for (size_t i = 0; i < nr_wanted && !err; i++)
		err = ahead__has(a, a->wanted[i].addr, readv_batch__piece(a->rest, i),
				 a->wanted[i].len);
	return err;
}

int ahead__of(struct ahead *a, const uint64_t *gs, size_t nr)
{
	int err;

	readv_batch__clear(a->gs);
	readv_batch__clear(a->rest);
	u64map__clear(&a->at);
	a->nr = 0;
	if (!nr || !a->g_bytes)
		return 0;
	err = ahead__of_gs(a, gs, nr);
	if (!err)
		err = ahead__of_rest(a, gs, nr);
	return err == -ESRCH || err == -ENOMEM ? err : 0;
}
