// SPDX-License-Identifier: BSD-2-Clause
#include "heap/gborn.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "census/allgs.h"
#include "census/readv_batch.h"
#include "heap/galloc.h"
#include "golang/goglobals.h"
#include "golang/gostate.h"

#define BATCH 1024

int gborn__find(const struct addrspace *as, const struct goruntime *rt, struct gborn *ret)
{
	static const char *const name[] = { "runtime.newproc1" };
	uint8_t code[GOGLOBALS_CODE_MAX];
	struct gborn b = { 0 };
	struct galloc heap;
	struct gofunc fn;
	uint64_t made;
	size_t len;
	int err = galloc__find(as, rt, &heap);

	if (!err)
		err = gosym__find(rt->sym, 0, name, 1, &fn);
	if (!err)
		err = goglobals_code(as, &fn, code, &len);
	if (!err)
		err = goglobals_goids(rt->arch, code, len, fn.entry, &b.gen, &b.next);
	if (err)
		return err;
	b.allp = heap.allp;
	err = gborn__made(as, &b, &made);
	if (!err)
		*ret = b;
	return err;
}

int gborn__made(const struct addrspace *as, const struct gborn *b, uint64_t *ret)
{
	uint64_t ps[GALLOC_PS_MAX], gen, left = 0;
	size_t nr;
	int err = galloc__ps(as, b->allp, ps, GALLOC_PS_MAX, &nr);

	for (size_t i = 0; i < nr && !err; i++) {
		uint64_t ids[2];

		err = addrspace__read(as, ps[i] + (uint64_t)b->next, ids, sizeof(ids));
		if (!err && ids[1] - ids[0] > GOGLOBALS_GOIDS)
			err = -EBADMSG;
		left += err ? 0 : ids[1] - ids[0];
	}
	if (!err) /* last: what was made meanwhile is in it */
		err = addrspace__read(as, b->gen, &gen, sizeof(gen));
	if (err)
		return err;
	if (gen < left)
		return -EBADMSG;
	*ret = gen - left;
	return 0;
}

static bool is_alive(uint32_t status)
{
	status &= ~(uint32_t)GOSTATUS_SCAN;
	return status != GOSTATUS_IDLE && status != GOSTATUS_DEAD && status != GOSTATUS_DEADEXTRA;
}

/* Of these gs, read together: they lie side by side. */
static int count_alive(struct readv_batch *b, const struct goruntime *rt, const uint64_t *gs,
		       size_t nr, uint64_t *alive)
{
	int err = 0;

	readv_batch__clear(b);
	for (size_t i = 0; i < nr && err >= 0; i++)
		err = readv_batch__want(b, gs[i] + (uint64_t)rt->layout.g_atomicstatus,
					sizeof(uint32_t));
	err = err < 0 ? err : readv_batch__read(b);
	for (size_t i = 0; i < nr && !err; i++) {
		const uint8_t *piece = readv_batch__piece(b, i);
		uint32_t status;

		if (!piece)
			continue;
		memcpy(&status, piece, sizeof(status));
		*alive += is_alive(status);
	}
	return err;
}

int gborn__alive(const struct addrspace *as, const struct goruntime *rt, uint64_t *ret)
{
	scoped(readv_batch) b = NULL;
	uint64_t alive = 0;
	struct allgs all;
	int err = allgs__read(as, rt, &all);

	if (err)
		return err;
	err = readv_batch__new(as, &b);
	for (size_t at = 0; at < all.nr && !err; at += BATCH)
		err = count_alive(b, rt, all.addrs + at, all.nr - at < BATCH ? all.nr - at : BATCH,
				  &alive);
	allgs__done(&all);
	if (!err)
		*ret = alive;
	return err;
}
