/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/components.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct walk {
	const uint32_t *first, *to;
	uint32_t *ret, nr_ret;
	/* of each node the edge that is to be followed next; owned, as all that follows */
	uint32_t *next;
	uint32_t *at, *low, *path, *stack;
	uint32_t count;
};

/*
 * All edges of node led on: it is the first of a component, or belongs to one further down the
 * path.
 */
static void walk__leave(struct walk *w, uint32_t node, size_t *nr_stack)
{
	uint32_t member;

	if (w->low[node] != w->at[node])
		return;
	do {
		member = w->stack[--*nr_stack];
		w->ret[member] = w->nr_ret;
	} while (member != node);
	w->nr_ret++;
}

static void walk__from(struct walk *w, uint32_t start)
{
	size_t nr_path = 0, nr_stack = 0;

	w->path[nr_path++] = start;
	while (nr_path) {
		const uint32_t node = w->path[nr_path - 1];

		if (w->at[node] == NONE) {
			w->at[node] = w->low[node] = w->count++;
			w->stack[nr_stack++] = node;
		}
		if (w->next[node] < w->first[node + 1]) {
			const uint32_t to = w->to[w->next[node]++];

			if (w->at[to] == NONE)
				w->path[nr_path++] = to;
			else if (w->ret[to] == NONE && w->at[to] < w->low[node])
				w->low[node] = w->at[to];
			continue;
		}
		nr_path--;
		if (nr_path && w->low[node] < w->low[w->path[nr_path - 1]])
			w->low[w->path[nr_path - 1]] = w->low[node];
		walk__leave(w, node, &nr_stack);
	}
}

int components_of(const uint32_t *first, const uint32_t *to, size_t nr, uint32_t *ret,
		  uint32_t *ret_nr)
{
	struct walk w = { .first = first, .to = to, .ret = ret };
	const size_t bytes = (nr + 1) * sizeof(uint32_t);
	int err = -ENOMEM;

	w.next = malloc(bytes);
	w.at = malloc(bytes);
	w.low = malloc(bytes);
	w.path = malloc(bytes);
	w.stack = malloc(bytes);
	if (w.next && w.at && w.low && w.path && w.stack) {
		memcpy(w.next, first, bytes);
		memset(w.at, 0xff, bytes);
		memset(ret, 0xff, nr * sizeof(*ret));
		for (size_t i = 0; i < nr; i++)
			if (w.at[i] == NONE)
				walk__from(&w, (uint32_t)i);
		*ret_nr = w.nr_ret;
		err = 0;
	}
	free(w.next);
	free(w.at);
	free(w.low);
	free(w.path);
	free(w.stack);
	return err;
}
