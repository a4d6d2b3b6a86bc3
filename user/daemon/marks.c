// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/marks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/heart.h"
#include "base/room.h"

struct mark {
	uint64_t addr, goid;
};

struct marks {
	uint64_t start_ns;
	struct mark *v; /* by addr, once they are read */
	size_t nr, room;
	int err;
};

static void marks__take(void *ctx, uint64_t addr, const struct pw_gstate *s)
{
	struct marks *m = ctx;

	if (s->stack_id != PW_STACK_ID_CENSUS || s->start_ns != m->start_ns || m->err)
		return;
	m->err = room_for(&m->v, &m->room, m->nr + 1, sizeof(*m->v));
	if (!m->err)
		m->v[m->nr++] = (struct mark){ addr, s->goid };
}

static int by_addr(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	heart__beat(); /* a million are sorted with probes in */
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int marks__read(struct attach *a, uint64_t start_ns, struct marks **ret)
{
	scoped(marks) m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->start_ns = start_ns;
	err = attach__gs_each(a, marks__take, m);
	if (!err)
		err = m->err;
	if (err)
		return err;
	if (m->nr) /* qsort() takes no NULL */
		qsort(m->v, m->nr, sizeof(*m->v), by_addr);
	*ret = steal(m);
	return 0;
}

void marks__free(struct marks *m)
{
	if (!m)
		return;
	free(m->v);
	free(m);
}

bool marks__has(const struct marks *m, uint64_t addr, uint64_t goid)
{
	const struct mark key = { .addr = addr };
	const struct mark *found = m->nr ? bsearch(&key, m->v, m->nr, sizeof(key), by_addr) : NULL;

	return found && found->goid == goid;
}
