// SPDX-License-Identifier: BSD-2-Clause
#include "facts/locks.h"

#include <stdlib.h>

void glocks__free(struct glocks *ls)
{
	if (!ls)
		return;
	free(ls->v);
	free(ls);
}

const struct glock *glocks__get(const struct glocks *ls, uint64_t addr)
{
	size_t lo = 0, hi = ls->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ls->v[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < ls->nr && ls->v[lo].addr == addr ? &ls->v[lo] : NULL;
}

void gholds__free(struct gholds *hs)
{
	if (!hs)
		return;
	free(hs->v);
	free(hs);
}

const struct ghold *gholds__of(const struct gholds *hs, uint64_t lock, size_t *ret_nr)
{
	size_t lo = 0, hi = hs->nr, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (hs->v[mid].lock < lock)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < hs->nr && hs->v[end].lock == lock;)
		end++;
	*ret_nr = end - lo;
	return *ret_nr ? hs->v + lo : NULL;
}
