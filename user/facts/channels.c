// SPDX-License-Identifier: BSD-2-Clause
#include "facts/channels.h"

#include <stdlib.h>

void gchans__free(struct gchans *cs)
{
	if (!cs)
		return;
	free(cs->v);
	free(cs->words);
	arena__done(&cs->names);
	free(cs);
}

const struct gchan *gchans__get(const struct gchans *cs, uint64_t addr)
{
	size_t lo = 0, hi = cs->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cs->v[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < cs->nr && cs->v[lo].addr == addr ? &cs->v[lo] : NULL;
}

void chanfeeds__free(struct chanfeeds *f)
{
	if (!f)
		return;
	free(f->v);
	free(f);
}

static int compare_feeds(const void *a, const void *b)
{
	const struct chanfeed *x = a, *y = b;

	return x->wait < y->wait ? -1 : x->wait > y->wait;
}

const struct chanfeed *chanfeeds__get(const struct chanfeeds *f, uint32_t wait)
{
	const struct chanfeed key = { .wait = wait };

	return f->nr ? bsearch(&key, f->v, f->nr, sizeof(key), compare_feeds) : NULL;
}
