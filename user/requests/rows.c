/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/rows.h"

void rows__done(struct rows *r)
{
	u64map__done(&r->by_goid);
}

bool rows__find(struct rows *r, uint64_t goid, uint64_t *ret)
{
	if (!r->by_goid.max) {
		r->by_goid.max = r->c->nr + 1;
		for (size_t i = 0; i < r->c->nr && !r->err; i++)
			r->err = u64map__set(&r->by_goid, r->c->gs[i].who.goid, i);
	}
	return u64map__get(&r->by_goid, goid, ret);
}
