/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/wait_since.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

/* Different values that are told apart, one a collection; of more, some bounds are later than they
 * might be. */
#define VALUES_MAX 4096

/* Index of the first value that is larger. */
static size_t wait_bounds__above(const struct wait_bounds *b, uint64_t value)
{
	size_t lo = 0, hi = b->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->v[mid].noted_ns <= value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int wait_bounds__add(struct wait_bounds *b, uint64_t value)
{
	const size_t at = wait_bounds__above(b, value);
	int err;

	if ((at && b->v[at - 1].noted_ns == value) || b->nr == VALUES_MAX)
		return 0;
	err = vec__reserve(&b->v, &b->room, b->nr + 1, sizeof(*b->v));
	if (err)
		return err;
	memmove(&b->v[at + 1], &b->v[at], (b->nr - at) * sizeof(*b->v));
	b->v[at] = (struct wait_bound){ .noted_ns = value };
	b->nr++;
	return 0;
}

static int wait_bounds__of(struct wait_bounds *b, struct census_g *gs, size_t nr, uint64_t now_ns)
{
	uint64_t last = 0;
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++) {
		if (gs[i].waitsince_ns > now_ns)
			gs[i].waitsince_ns = 0;
		if (gs[i].waitsince_ns && gs[i].waitsince_ns != last)
			err = wait_bounds__add(b, last = gs[i].waitsince_ns);
	}
	return err;
}

/* What was known of the same collection, unless more is known now. */
static void wait_bound__keep(struct wait_bound *n, const struct wait_bounds *known)
{
	const size_t above = wait_bounds__above(known, n->noted_ns);
	const struct wait_bound *old = above ? &known->v[above - 1] : NULL;

	if (old && old->noted_ns == n->noted_ns && old->since_ns &&
	    (!n->since_ns || old->since_ns < n->since_ns))
		n->since_ns = old->since_ns;
}

static uint64_t wait_bounds__since(const struct wait_bounds *b, uint64_t noted, uint64_t tstart_ns)
{
	const size_t above = wait_bounds__above(b, noted);

	if (above && b->v[above - 1].noted_ns == noted)
		return b->v[above - 1].since_ns;
	if (above < b->nr)
		return b->v[above].noted_ns;
	return tstart_ns > noted ? tstart_ns : 0;
}

int wait_since_date(struct census_g *gs, size_t nr, uint64_t tstart_ns, uint64_t now_ns,
		    struct wait_bounds *known)
{
	struct wait_bounds b = { .nr = 0 };
	const int err = wait_bounds__of(&b, gs, nr, now_ns);

	if (err) {
		wait_bounds__done(&b);
		return err;
	}
	if (tstart_ns > now_ns || (b.nr && tstart_ns <= b.v[b.nr - 1].noted_ns))
		tstart_ns = 0; /* it is not what we take it for, or that collection still runs */
	for (size_t i = 0; i < b.nr; i++) {
		b.v[i].since_ns = i + 1 < b.nr ? b.v[i + 1].noted_ns : tstart_ns;
		wait_bound__keep(&b.v[i], known);
	}
	for (size_t i = 0; i < nr; i++)
		if (gs[i].waitsince_ns)
			gs[i].waitsince_ns = wait_bounds__since(&b, gs[i].waitsince_ns, tstart_ns);
	wait_bounds__done(known);
	*known = b;
	return 0;
}

void wait_bounds__done(struct wait_bounds *b)
{
	free(b->v);
	*b = (struct wait_bounds){ .nr = 0 };
}
