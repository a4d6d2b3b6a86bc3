// SPDX-License-Identifier: BSD-2-Clause
#include "engine/met.h"

#include <stdlib.h>

#include "base/order.h"
#include "base/radix.h"
#include "base/vec.h"

void met__begin(struct met *m, uint64_t since_ns)
{
	m->since_ns = since_ns;
	m->nr = 0;
	m->err = 0;
}

void met__done(struct met *m)
{
	free(m->gs);
	*m = (struct met){ 0 };
}

void met__see(struct met *m, uint64_t g, const struct pw_gstate *s)
{
	int err;

	if (s->start_ns < m->since_ns && s->ready_ns < m->since_ns && s->ran_ns < m->since_ns)
		return;
	err = vec__reserve(&m->gs, &m->room, m->nr + 1, sizeof(*m->gs));
	if (err)
		m->err = err;
	else
		m->gs[m->nr++] = g;
}

void met__order(struct met *m)
{
	int err = radix_sort(m->gs, m->nr, 1);

	if (!err)
		return;
	m->err = err;
	m->nr = 0;
}

bool met__has(const struct met *m, uint64_t g)
{
	return m->nr && bsearch(&g, m->gs, m->nr, sizeof(*m->gs), order_u64);
}
