// SPDX-License-Identifier: BSD-2-Clause
/* leaks_snap: the goroutines that leak, counted by stack, for the renderers of record. */
#include <errno.h>
#include <stdlib.h>

#include "view/leaks.h"

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void fill_row(const struct leaks *l, const struct leak_entry *e, uint32_t stack,
		     struct snap_row *to)
{
	*to = (struct snap_row){ .own = { .state = SNAP_STACK_NONE }, .word = e->reason };
	if (stack != UINT32_MAX) {
		const struct census_stack *s = dump__stack_at(l->d, stack, &to->rt);

		to->own.state = SNAP_STACK_SEEN;
		to->own.stack = (struct stack){ .nr = s->nr_pcs,
						.truncated = s->truncated,
						.pcs = l->d->in.censuses[to->rt]->pcs + s->pcs_at };
	}
}

/* spare: room for one a member. */
static void count_entry(const struct leaks *l, const struct leak_entry *e, struct snap_row *rows,
			size_t *nr, uint32_t *spare)
{
	const struct leak_group *g = leaks__group(l, e);

	for (uint32_t i = 0; i < g->nr; i++)
		spare[i] = leakset__member(l->set, g->first + i)->stack;
	qsort(spare, g->nr, sizeof(*spare), compare_u32);
	for (uint32_t i = 0; i < g->nr; i++) {
		if (!i || spare[i] != spare[i - 1])
			fill_row(l, e, spare[i], &rows[(*nr)++]);
		rows[*nr - 1].count++;
		rows[*nr - 1].value++;
	}
}

int leaks_show__snap(struct leaks *l, const struct leaks_show *s, struct snap **ret)
{
	scoped_mem struct snap_row *rows = NULL;
	scoped_mem uint32_t *spare = NULL;
	size_t room = 0, most = 0, nr = 0;

	for (size_t i = 0; i < l->nr; i++) {
		const struct leak_group *g = leaks__group(l, &l->entries[i]);

		room += l->entries[i].nr_stacks + 1; /* and those that have none */
		most = g->nr > most ? g->nr : most;
	}
	rows = calloc(room + 1, sizeof(*rows));
	spare = calloc(most + 1, sizeof(*spare));
	if (!rows || !spare)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr; i++)
		if (s->all || leak_entry__counts(&l->entries[i], s->suspects))
			count_entry(l, &l->entries[i], rows, &nr, spare);
	return snap__from_rows(PROFILE_GOROUTINES, PROFILE_ROOT_NONE, &rows, nr, ret);
}
