// SPDX-License-Identifier: BSD-2-Clause
#include "engine/opengs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/deadread.h"

#define BATCH 256 /* fits the processor's cache */

struct opengs {
	const struct addrspace *as;
	struct deadline *until;
	opengs_fn fn;
	void *ctx;
	size_t nr;
	struct pw_gstate states[BATCH];
	struct memread reads[BATCH];
	uint8_t gs[]; /* BATCH times the bytes of one */
};

int opengs__new(const struct addrspace *as, size_t bytes, struct deadline *until, opengs_fn fn,
		void *ctx, struct opengs **ret)
{
	struct opengs *o;

	if (bytes > OPENGS_BYTES_MAX)
		return -EOPNOTSUPP;
	o = calloc(1, sizeof(*o) + BATCH * bytes);
	if (!o)
		return -ENOMEM;
	o->as = as;
	o->until = until;
	o->fn = fn;
	o->ctx = ctx;
	for (size_t i = 0; i < BATCH; i++)
		o->reads[i] = (struct memread){ .buf = o->gs + i * bytes, .len = bytes };
	*ret = o;
	return 0;
}

void opengs__free(struct opengs *o)
{
	free(o);
}

void opengs__flush(struct opengs *o)
{
	const int err = deadline_read(o->until, o->as, o->reads, o->nr);

	for (size_t i = 0; i < o->nr; i++)
		o->fn(o->ctx, &o->states[i], err || o->reads[i].err ? NULL : o->reads[i].buf);
	o->nr = 0;
}

void opengs__add(struct opengs *o, uint64_t addr, const struct pw_gstate *s)
{
	o->reads[o->nr].addr = addr;
	o->states[o->nr++] = *s;
	if (o->nr == BATCH)
		opengs__flush(o);
}
