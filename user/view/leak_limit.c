// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_limit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/leak_incident.h"

#define CALLERS 4 /* functions that may be the one that takes a place */

/* A function that may take a place, and its line that waits. Texts of the framer. */
struct taker {
	const char *func;
	uint32_t line;
};

struct limit {
	struct leaks *l;
	uint64_t chan;
	uint64_t places;
	uint32_t *rows;  /* those that may have a place: room for `places` */
	uint8_t *stands; /* of each stack of the dump, for one taker: 1: in it, 2: not */
};

static bool sends_to(const struct leaks *l, const struct dump_row *r, uint64_t chan)
{
	const struct census_g *g = dump__g(l->d, r);
	const struct census_wait *w = &l->d->in.censuses[r->rt]->waits[g->waits_at];

	return g->nr_waits == 1 && w->kind == CENSUS_WAIT_CHAN && w->direction == CENSUS_DIR_SEND &&
	       w->addr == chan;
}

/* The function that sends, and its callers of the program's own. The number of them; or -ENOMEM. */
static int takers_of(const struct leaks *l, const struct dump_row *r, struct taker to[CALLERS])
{
	const size_t stack = dump__stack(l->d, r);
	const struct frame *v;
	struct place p;
	size_t nr = 0, i = 0;
	int found = 0, err = stack == DUMP_NO_STACK ? 0 : place_of_stack(l->d, stack, &p);

	if (!err && stack != DUMP_NO_STACK)
		err = dump__frames(l->d, stack, DUMP_FRAMES, &v, &nr);
	if (err)
		return err;
	while (i < nr && v[i].name != p.func)
		i++;
	for (; i < nr && found < CALLERS; i++) {
		if (v[i].wrapper || v[i].plumbing)
			continue;
		if (found && !v[i].own)
			break;
		to[found++] = (struct taker){ v[i].name, v[i].line };
	}
	return found;
}

/* Further down in the function: it has passed the line that waits. */
static int stands_in(struct limit *m, size_t stack, const struct taker *t, bool *ret)
{
	const struct frame *v;
	size_t nr = 0;
	int err = m->stands[stack] ? 0 : dump__frames(m->l->d, stack, DUMP_FRAMES, &v, &nr);

	if (err)
		return err;
	if (!m->stands[stack])
		m->stands[stack] = 2;
	for (size_t i = 0; i < nr; i++)
		if (v[i].name == t->func && v[i].line > t->line)
			m->stands[stack] = 1;
	*ret = m->stands[stack] == 1;
	return 0;
}

/* 1: they are as many as there are places. 0, or -ENOMEM. */
static int find_holders(struct limit *m, uint16_t rt, const struct taker *t)
{
	const struct dump *d = m->l->d;
	uint64_t nr = 0;

	memset(m->stands, 0, d->nr_stacks);
	for (size_t i = 0; i < d->nr; i++) {
		const struct dump_row *r = &d->rows[i];
		const struct site *made = dump__site(d, r->made);
		const size_t stack = dump__stack(d, r);
		bool holds = made && made->func == t->func && made->line > t->line;
		int err = 0;

		if (r->rt != rt || r->system || sends_to(m->l, r, m->chan))
			continue;
		if (!holds && stack != DUMP_NO_STACK)
			err = stands_in(m, stack, t, &holds);
		if (err)
			return err;
		if (!holds)
			continue;
		if (nr == m->places)
			return 0;
		m->rows[nr++] = (uint32_t)i;
	}
	return nr == m->places;
}

/* Each has been where it is since a look before, so no place comes free. */
static bool all_stand(const struct limit *m)
{
	const size_t last = leakset__nr_looks(m->l->set) - 1;

	for (uint64_t i = 0; i < m->places; i++) {
		const struct dump_row *r = &m->l->d->rows[m->rows[i]];
		const struct leak_g *g =
			leakset__get(m->l->set, r->rt, dump__g(m->l->d, r)->who.goid);

		if (!g || g->wait_look >= last)
			return false;
	}
	return true;
}

static int note_senders(const struct limit *m, uint16_t rt)
{
	const struct dump *d = m->l->d;
	int err = 0;

	for (size_t i = 0, k = 0; i < d->nr && !err; i++)
		if (d->rows[i].rt == rt && sends_to(m->l, &d->rows[i], m->chan))
			err = leak_incident__lead(m->l, rt, dump__g(d, &d->rows[i])->who.goid,
						  dump__g(d, &d->rows[m->rows[k++ % m->places]])
							  ->who.goid,
						  m->chan, LEAK_LEAD_PLACE);
	return err;
}

/* r: one that waits for a place of it. */
static int note_limit(struct limit *m, const struct dump_row *r)
{
	struct taker takers[CALLERS];
	int nr = takers_of(m->l, r, takers), found = nr < 0 ? nr : 0;

	for (int i = 0; i < nr && !found; i++)
		found = find_holders(m, r->rt, &takers[i]);
	return found > 0 && all_stand(m) ? note_senders(m, r->rt) : found < 0 ? found : 0;
}

/* A full channel whose elements say nothing. */
static const struct gchan *limit_of(const struct leaks *l, const struct dump_row *r,
				    const struct chans_source *src)
{
	const struct census_g *g = dump__g(l->d, r);
	const uint64_t addr =
		g->nr_waits == 1 ? l->d->in.censuses[r->rt]->waits[g->waits_at].addr : 0;
	const struct gchan *ch =
		addr && sends_to(l, r, addr) ? gchans__get(src->chans, addr) : NULL;

	return ch && ch->settled && !ch->elem_size && ch->cap && ch->len == ch->cap &&
			       ch->cap <= l->d->nr
		       ? ch
		       : NULL;
}

static bool is_in(const uint64_t *v, size_t nr, uint64_t chan)
{
	for (size_t i = 0; i < nr; i++)
		if (v[i] == chan)
			return true;
	return false;
}

int leak_limit__note(struct leaks *l, uint16_t rt, const struct chans_source *src)
{
	scoped_mem uint32_t *rows = calloc(l->d->nr + 1, sizeof(*rows));
	scoped_mem uint8_t *stands = calloc(l->d->nr_stacks + 1, sizeof(*stands));
	uint64_t seen[LEAK_LIMITS_MAX];
	size_t nr = 0;
	int err = rows && stands ? 0 : -ENOMEM;

	for (size_t i = 0; i < l->d->nr && nr < LEAK_LIMITS_MAX && !err; i++) {
		const struct gchan *ch =
			l->d->rows[i].rt == rt ? limit_of(l, &l->d->rows[i], src) : NULL;

		if (!ch || is_in(seen, nr, ch->addr))
			continue;
		seen[nr++] = ch->addr;
		err = note_limit(&(struct limit){ l, ch->addr, ch->cap, rows, stands },
				 &l->d->rows[i]);
	}
	return err;
}
