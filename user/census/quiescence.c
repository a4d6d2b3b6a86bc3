/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/quiescence.h"

#include <errno.h>
#include <stdlib.h>

#include "census/readv_batch.h"
#include "census/gview.h"

struct quiescence {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *c;
	const uint32_t *gs;
	size_t nr;
	struct gview *views; /* goid 0: it was not where the census saw it; owned */
};

/* false: it is not where the census saw it. */
static bool view_of(const struct quiescence *s, uint32_t g, const uint8_t *bytes, struct gview *ret)
{
	const struct census_g *cg = &s->c->gs[g];
	uint64_t pc, sp;

	if (!bytes)
		return false;
	gview__take(ret, s->rt, cg->addr, bytes);
	if (ret->who.goid != cg->who.goid || ret->status != cg->status ||
	    !gview__context(ret, &pc, &sp) || sp != cg->sp)
		return false;
	ret->scanning = false; /* a garbage collection in between changes nothing */
	return true;
}

/* Of those from `from` on that can be read together. Returns how many. */
static int quiescence__look(const struct quiescence *s, struct readv_batch *ga, size_t from,
			    struct gview *ret)
{
	size_t len = gview_bytes(s->rt), nr = 0;
	int err = 0;

	readv_batch__clear(ga);
	while (len && from + nr < s->nr && nr < READV_PIECES_MAX && err >= 0) {
		err = readv_batch__want(ga, s->c->gs[s->gs[from + nr]].addr, len);
		nr += err >= 0;
	}
	if (err >= 0)
		err = readv_batch__read(ga);
	if (err < 0)
		return err;
	for (size_t i = 0; i < nr; i++)
		if (!view_of(s, s->gs[from + i], readv_batch__piece(ga, i), &ret[i]))
			ret[i].who.goid = 0;
	return (int)nr;
}

/* Of all; goid 0: it is not where the census saw it. Owned by the caller. */
static int quiescence__look_at_all(const struct quiescence *s, struct gview **ret)
{
	scoped_mem struct gview *views = calloc(s->nr + 1, sizeof(*views));
	scoped(readv_batch) ga = NULL;
	int err = views ? readv_batch__new(s->as, &ga) : -ENOMEM;

	for (size_t i = 0; i < s->nr && !err;) {
		int nr = quiescence__look(s, ga, i, views + i);

		err = nr < 0 ? nr : 0;
		i += nr > 0 ? (size_t)nr : s->nr; /* 0: this Go's cannot be read */
	}
	if (err)
		return err;
	*ret = steal(views);
	return 0;
}

int quiescence__new(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		    const uint32_t *gs, size_t nr, struct quiescence **ret)
{
	scoped(quiescence) s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct quiescence){ .as = as, .rt = rt, .c = c, .gs = gs, .nr = nr };
	err = quiescence__look_at_all(s, &s->views);
	if (err)
		return err;
	*ret = steal(s);
	return 0;
}

void quiescence__free(struct quiescence *s)
{
	if (!s)
		return;
	free(s->views);
	free(s);
}

int quiescence__compare(const struct quiescence *s, bool *moved)
{
	scoped_mem struct gview *now = NULL;
	int err = quiescence__look_at_all(s, &now);

	for (size_t i = 0; i < s->nr && !err; i++)
		if (!s->views[i].who.goid || !now[i].who.goid ||
		    !gview__is_same(&s->views[i], &now[i]))
			moved[s->gs[i]] = true;
	return err;
}
