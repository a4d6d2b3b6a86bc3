/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/wait_since.h"

#include <stdbool.h>
#include <string.h>

/* Different values that are told apart, one a collection; of more, some bounds are later than they
 * might be. */
#define VALUES_MAX 4096

struct values {
	uint64_t v[VALUES_MAX]; /* ascending */
	size_t nr;
};

/* Index of the first value that is larger. */
static size_t values__above(const struct values *vs, uint64_t value)
{
	size_t lo = 0, hi = vs->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (vs->v[mid] <= value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void values__add(struct values *vs, uint64_t value)
{
	size_t at = values__above(vs, value);

	if ((at && vs->v[at - 1] == value) || vs->nr == VALUES_MAX)
		return;
	memmove(&vs->v[at + 1], &vs->v[at], (vs->nr - at) * sizeof(vs->v[0]));
	vs->v[at] = value;
	vs->nr++;
}

void wait_since_date(struct census_g *gs, size_t nr, uint64_t tstart_ns, uint64_t now_ns)
{
	struct values vs = { .nr = 0 };
	uint64_t last = 0;

	for (size_t i = 0; i < nr; i++) {
		if (gs[i].waitsince_ns > now_ns)
			gs[i].waitsince_ns = 0;
		if (gs[i].waitsince_ns && gs[i].waitsince_ns != last)
			values__add(&vs, last = gs[i].waitsince_ns);
	}
	if (tstart_ns > now_ns || (vs.nr && tstart_ns < vs.v[vs.nr - 1]))
		tstart_ns = 0; /* it is not what we take it for */
	for (size_t i = 0; i < nr; i++) {
		uint64_t noted = gs[i].waitsince_ns;
		size_t above = values__above(&vs, noted);

		if (noted)
			gs[i].waitsince_ns = above < vs.nr       ? vs.v[above]
					     : tstart_ns > noted ? tstart_ns
								 : 0;
	}
}
