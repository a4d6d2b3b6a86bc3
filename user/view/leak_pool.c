// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_pool.h"

#include <string.h>

#include "view/leak_incident.h"

/*
 * Go 1.15 to 1.27 database/sql/sql.go: each DB has one goroutine in connectionOpener, as long as it
 * is open.
 */
#define WAITS  "database/sql.(*DB).conn"
#define OPENER "database/sql.(*DB).connectionOpener"

#define HOLDERS_MAX 8 /* entries that have connections */

static bool is_leak_at(const struct leak_entry *e, const char *func)
{
	return verdict_is_leak(e->verdict.kind) && !strcmp(e->place.func, func);
}

static bool has_a_connection(const struct leak_entry *e)
{
	return is_leak_at(e, "database/sql.(*Tx).awaitDone") ||
	       is_leak_at(e, "database/sql.(*Rows).awaitDone");
}

static const struct leak_g *member(const struct leaks *l, const struct leak_group *g, uint32_t i)
{
	return leakset__member(l->set, g->first + i);
}

static const struct leak_g *oldest(const struct leaks *l, const struct leak_group *g)
{
	const struct leak_g *first = member(l, g, 0);

	for (uint32_t i = 1; i < g->nr; i++)
		if (member(l, g, i)->since_ns < first->since_ns)
			first = member(l, g, i);
	return first;
}

/* Any of them would do: it is the one told that has had its connection for longest. */
static int note(struct leaks *l, const struct leak_entry *waits, const struct leak_entry *has)
{
	const struct leak_group *from = leaks__group(l, waits);
	const struct leak_g *holder = oldest(l, leaks__group(l, has));
	int err = 0;

	for (uint32_t i = 0; i < from->nr && !err; i++) {
		const struct leak_g *g = member(l, from, i);

		if (g->rt == holder->rt)
			err = leak_incident__behind(l, g->rt, g->goid, holder->goid);
	}
	return err;
}

int leak_pool__note(struct leaks *l)
{
	size_t holders[HOLDERS_MAX], nr = 0;
	uint64_t databases = 0;
	int err = 0;

	for (size_t i = 0; i < l->nr; i++) {
		if (!strcmp(l->entries[i].place.func, OPENER))
			databases += leaks__group(l, &l->entries[i])->nr;
		if (nr < HOLDERS_MAX && has_a_connection(&l->entries[i]))
			holders[nr++] = i;
	}
	for (size_t i = 0; i < l->nr && databases == 1 && !err; i++)
		for (size_t k = 0; k < nr && !err && is_leak_at(&l->entries[i], WAITS); k++)
			err = note(l, &l->entries[i], &l->entries[holders[k]]);
	return err;
}
