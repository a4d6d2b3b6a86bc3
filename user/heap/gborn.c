// SPDX-License-Identifier: BSD-2-Clause
#include "heap/gborn.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "census/allgs.h"
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
		err = goglobals_goids(code, len, fn.entry, &b.gen, &b.next);
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

int gborn__alive(const struct addrspace *as, const struct goruntime *rt, uint64_t *ret)
{
	struct memread reads[BATCH];
	uint32_t status[BATCH];
	struct allgs all;
	uint64_t alive = 0;
	int err = allgs__read(as, rt, &all);

	if (err)
		return err;
	for (size_t at = 0; at < all.nr; at += BATCH) {
		const size_t nr = all.nr - at < BATCH ? all.nr - at : BATCH;

		for (size_t i = 0; i < nr; i++)
			reads[i] = (struct memread){ all.addrs[at + i] +
							     (uint64_t)rt->layout.g_atomicstatus,
						     &status[i], sizeof(status[i]), 0 };
		addrspace__read_batch(as, reads, nr);
		for (size_t i = 0; i < nr; i++)
			alive += !reads[i].err && is_alive(status[i]);
	}
	allgs__done(&all);
	*ret = alive;
	return 0;
}
