/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/gstill.h"

#include <errno.h>
#include <stdlib.h>

#include "census/gview.h"

struct gstill {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *c;
	const uint32_t *gs;
	size_t nr;
	struct gview *views; /* goid 0: it was not where the census saw it; owned */
};

/* 0 and the view; -EAGAIN: it is not where the census saw it, or cannot be read. */
static int view_of(const struct gstill *s, uint32_t g, struct gview *ret)
{
	const struct census_g *cg = &s->c->gs[g];
	uint8_t bytes[GVIEW_BYTES_MAX];
	size_t len = gview_bytes(s->rt);
	uint64_t pc, sp;
	int err = len ? addrspace__read(s->as, cg->addr, bytes, len) : -EAGAIN;

	if (err)
		return err == -ESRCH ? err : -EAGAIN;
	gview__take(ret, s->rt, cg->addr, bytes);
	if (ret->goid != cg->goid || ret->status != cg->status || !gview__context(ret, &pc, &sp) ||
	    sp != cg->sp)
		return -EAGAIN;
	ret->scanning = false; /* a garbage collection in between changes nothing */
	return 0;
}

int gstill__new(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		const uint32_t *gs, size_t nr, struct gstill **ret)
{
	scoped(gstill) s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct gstill){ .as = as, .rt = rt, .c = c, .gs = gs, .nr = nr };
	s->views = calloc(nr + 1, sizeof(*s->views));
	if (!s->views)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		int err = view_of(s, gs[i], &s->views[i]);

		if (err == -ESRCH)
			return err;
		if (err)
			s->views[i].goid = 0;
	}
	*ret = steal(s);
	return 0;
}

void gstill__free(struct gstill *s)
{
	if (!s)
		return;
	free(s->views);
	free(s);
}

int gstill__compare(const struct gstill *s, bool *moved)
{
	for (size_t i = 0; i < s->nr; i++) {
		struct gview now;
		int err = s->views[i].goid ? view_of(s, s->gs[i], &now) : -EAGAIN;

		if (err == -ESRCH)
			return err;
		if (err || !gview__is_same(&s->views[i], &now))
			moved[s->gs[i]] = true;
	}
	return 0;
}
