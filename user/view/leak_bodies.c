// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_bodies.h"

#include <string.h>

#include "view/leak_names.h"

/* Go 1.15 to 1.27 net/http/transport.go. */
#define READ_LOOP "net/http.(*persistConn).readLoop"
#define BODY_READ "net/http.(*bodyEOFSignal).Read"

bool leak_bodies__waits(const struct leaks *l, const struct leak_group *g)
{
	return g->class == LEAK_SELECT &&
	       !strcmp(leak_names__place_at(l->names, g->key.place)->func, READ_LOOP);
}

static int count_readers(struct leaks *l, uint32_t *ret)
{
	const struct frame *v;

	*ret = 0;
	for (size_t i = 0; i < l->d->nr; i++) {
		const size_t stack = dump__stack(l->d, &l->d->rows[i]);
		size_t nr = 0, k = 0;
		int err = stack == DUMP_NO_STACK ? 0
						 : dump__frames(l->d, stack, DUMP_FRAMES, &v, &nr);

		if (err)
			return err;
		while (k < nr && strcmp(v[k].name, BODY_READ))
			k++;
		*ret += k < nr;
	}
	return 0;
}

int leak_bodies__note(struct leaks *l)
{
	const size_t nr = leakset__nr_groups(l->set), last = leakset__nr_looks(l->set) - 1;
	uint32_t readers = UINT32_MAX;
	int err = 0;

	for (size_t i = 0; i < nr && !err && l->d; i++) {
		const struct leak_group *g = leakset__group(l->set, i);

		if (!g->count[last] || !leak_bodies__waits(l, g))
			continue;
		if (readers == UINT32_MAX)
			err = count_readers(l, &readers);
		if (!err && g->count[last] > readers)
			leakset__unread(l->set, (uint32_t)i, g->count[last] - readers);
	}
	return err;
}
