// SPDX-License-Identifier: BSD-2-Clause
#include "engine/stayers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/deadread.h"
#include "base/cleanup.h"
#include "base/radix.h"
#include "base/vec.h"
#include "census/gview.h"
#include "engine/met.h"

#define BATCH 256 /* gs that are read together */

int stayers__add(struct stayers *s, const struct stayer *one)
{
	int err = vec__reserve(&s->v, &s->room, s->nr + 1, sizeof(*s->v));

	if (!err)
		s->v[s->nr++] = *one;
	return err;
}

size_t stayers__nr(const struct stayers *s)
{
	return s->nr;
}

int stayers__each(const struct stayers *s, const struct met *m,
		  void (*fn)(void *ctx, const struct stayer *one), void *ctx)
{
	/* address and number */
	scoped_mem uint64_t *items = reallocarray(NULL, s->nr + 1, 2 * sizeof(*items));
	int err = items ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->nr && !err; i++) {
		items[2 * i] = s->v[i].addr;
		items[2 * i + 1] = i;
	}
	if (!err)
		err = radix_sort(items, s->nr, 2);
	for (size_t i = 0; i < s->nr && !err; i++)
		if ((!i || items[2 * i] != items[2 * i - 2]) && !met__has(m, items[2 * i]))
			fn(ctx, &s->v[items[2 * i + 1]]);
	return err;
}

static bool stayer__is_same(const struct stayer *one, const struct gview *g)
{
	uint64_t pc, sp;

	return g->who.goid == one->who.goid && g->stops == one->stops &&
	       gview__context(g, &pc, &sp);
}

void stayers__check(struct stayers *s, const struct addrspace *as, const struct goruntime *rt,
		    struct deadline *until)
{
	const size_t bytes = gview_bytes(rt), all = s->nr;
	scoped_mem uint8_t *gs = bytes ? calloc(BATCH, bytes) : NULL;
	struct memread reads[BATCH];

	s->nr = 0;
	for (size_t at = 0; at < all && gs; at += BATCH) {
		const size_t nr = all - at < BATCH ? all - at : BATCH;

		for (size_t i = 0; i < nr; i++)
			reads[i] = (struct memread){ s->v[at + i].addr, gs + i * bytes, bytes, 0 };
		if (deadline_read(until, as, reads, nr))
			return;
		for (size_t i = 0; i < nr; i++) {
			struct gview g;

			if (reads[i].err)
				continue;
			gview__take(&g, rt, reads[i].addr, reads[i].buf);
			if (stayer__is_same(&s->v[at + i], &g))
				s->v[s->nr++] = s->v[at + i];
		}
	}
}

void stayers__drop(struct stayers *s)
{
	free(s->v);
	*s = (struct stayers){ 0 };
}
