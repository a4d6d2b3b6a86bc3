/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/request_rows.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

void request_rows__free(struct request_rows *rr)
{
	if (!rr)
		return;
	free(rr->v);
	free(rr->rows);
	free(rr);
}

uint64_t request_row__age_ns(const struct request_row *v)
{
	if (v->r->age_ns >= 0)
		return (uint64_t)v->r->age_ns;
	return v->r->over ? v->oldest_ns : v->serves_ns;
}

static bool is_old_enough(const struct request_row *v, uint64_t older_ns)
{
	const uint64_t age_ns = request_row__age_ns(v);

	return !older_ns || (age_ns != DUMP_UNKNOWN && age_ns >= older_ns);
}

static bool is_wanted(const struct grequest *r, const char *route)
{
	const char *of = r->route ? r->route : r->path;

	return !route || (of && !fnmatch(route, of, 0));
}

/* Where the requests of runtime rt begin, if they stand in one row. */
static size_t base_of(const struct dump *d, uint16_t rt)
{
	size_t base = 0;

	for (uint16_t i = 0; i < rt; i++)
		base += d->in.requests[i]->nr;
	return base;
}

/* Those that a goroutine has to do with: the one that it works for, and the one that it calls. */
#define OF_ONE 2
static size_t request_rows__of(struct request_rows *rr, const struct dump_row *r, const char *route,
			       struct request_row *ret[OF_ONE])
{
	const struct grequest_of *of = dump__request(rr->d, r);
	const uint32_t numbers[OF_ONE] = { of->request, of->calls };
	size_t nr = 0;

	for (size_t i = 0; i < OF_ONE; i++) {
		struct request_row *v;

		if (!numbers[i])
			continue;
		v = &rr->v[base_of(rr->d, r->rt) + numbers[i] - 1];
		if (is_wanted(v->r, route))
			ret[nr++] = v;
	}
	return nr;
}

/* How many goroutines each has among those that are shown. */
static void request_rows__count(struct request_rows *rr, const char *route)
{
	const struct dump *d = rr->d;

	for (uint16_t rt = 0; rt < d->in.nr; rt++)
		for (size_t i = 0; i < d->in.requests[rt]->nr; i++)
			rr->v[rr->nr++] = (struct request_row){ .r = &d->in.requests[rt]->v[i],
								.oldest_ns = DUMP_UNKNOWN,
								.serves_ns = DUMP_UNKNOWN,
								.rt = rt };
	for (size_t i = 0; i < d->nr; i++) {
		const uint64_t ns = dump__wait_ns(d, &d->rows[i]);
		struct request_row *v[OF_ONE];
		const size_t nr = request_rows__of(rr, &d->rows[i], route, v);

		rr->several += dump__request(d, &d->rows[i])->in_hand > 1;
		for (size_t k = 0; k < nr; k++) {
			v[k]->nr++;
			if (ns != DUMP_UNKNOWN &&
			    (v[k]->oldest_ns == DUMP_UNKNOWN || ns > v[k]->oldest_ns))
				v[k]->oldest_ns = ns;
		}
	}
}

/* Of all goroutines: the filters may leave out those who serve, or wait for the answer. */
static void request_rows__serving(struct request_rows *rr)
{
	const struct dump *d = rr->d;

	for (uint16_t rt = 0; rt < d->in.nr; rt++)
		for (size_t i = 0; i < d->in.requests[rt]->nr_of; i++) {
			const struct grequest_of *of = &d->in.requests[rt]->of[i];
			const struct dump_row g = { .g = (uint32_t)i, .rt = rt };

			if (of->request && of->relation == GREQUEST_SERVES)
				rr->v[base_of(d, rt) + of->request - 1].serves_ns =
					dump__wait_ns(d, &g);
			if (of->calls)
				rr->v[base_of(d, rt) + of->calls - 1].serves_ns =
					dump__wait_ns(d, &g);
		}
}

/* rows: those of each request side by side; who serves first. */
static void request_rows__fill(struct request_rows *rr, const char *route)
{
	const struct dump *d = rr->d;
	uint32_t at = 0;

	for (size_t i = 0; i < rr->nr; i++) {
		rr->v[i].first = at;
		at += rr->v[i].nr;
		rr->v[i].nr = 0;
	}
	for (int serves = 1; serves >= 0; serves--)
		for (size_t i = 0; i < d->nr; i++) {
			const struct grequest_of *of = dump__request(d, &d->rows[i]);
			struct request_row *v[OF_ONE];
			const size_t nr = (of->relation == GREQUEST_SERVES) == serves
						  ? request_rows__of(rr, &d->rows[i], route, v)
						  : 0;

			for (size_t k = 0; k < nr; k++)
				rr->rows[v[k]->first + v[k]->nr++] = (uint32_t)i;
		}
}

/* Those that are served, those that the program sent, those that are over. */
static int rank_of(const struct grequest *r)
{
	return r->over ? 2 : r->kind == GREQUEST_OUTGOING;
}

static int compare(const void *a, const void *b)
{
	const struct request_row *x = a, *y = b;
	const uint64_t ox = x->oldest_ns == DUMP_UNKNOWN ? 0 : x->oldest_ns,
		       oy = y->oldest_ns == DUMP_UNKNOWN ? 0 : y->oldest_ns;

	if (rank_of(x->r) != rank_of(y->r))
		return rank_of(x->r) - rank_of(y->r);
	if (ox != oy)
		return ox > oy ? -1 : 1;
	if (x->r->served_by != y->r->served_by)
		return x->r->served_by < y->r->served_by ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* Without those of which no goroutine is shown, and those that are younger. */
static void request_rows__order(struct request_rows *rr, uint64_t older_ns)
{
	size_t nr = 0;

	for (size_t i = 0; i < rr->nr; i++)
		if (rr->v[i].nr && is_old_enough(&rr->v[i], older_ns))
			rr->v[nr++] = rr->v[i];
	rr->nr = nr;
	if (nr)
		qsort(rr->v, nr, sizeof(*rr->v), compare);
	for (size_t i = 0; i < nr; i++) {
		rr->nr_over += rr->v[i].r->over;
		rr->nr_sent += rr->v[i].r->kind == GREQUEST_OUTGOING;
	}
}

int request_rows__new(struct dump *d, const struct request_rows_of *of, struct request_rows **ret)
{
	scoped(request_rows) rr = calloc(1, sizeof(*rr));

	if (!rr)
		return -ENOMEM;
	rr->d = d;
	rr->v = calloc(base_of(d, (uint16_t)d->in.nr) + 1, sizeof(*rr->v));
	rr->rows = calloc(OF_ONE * d->nr + 1, sizeof(*rr->rows));
	if (!rr->v || !rr->rows)
		return -ENOMEM;
	request_rows__count(rr, of->route);
	request_rows__serving(rr);
	request_rows__fill(rr, of->route);
	request_rows__order(rr, of->older_ns);
	*ret = steal(rr);
	return 0;
}
