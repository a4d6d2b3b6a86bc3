// SPDX-License-Identifier: BSD-2-Clause
#include "engine/holdnames.h"

#include <errno.h>

#include "golang/govars.h"

/* NULL: no variable holds it. */
static struct leak_holder *holder_of(struct leaks *l, const struct leak_entry *e, bool suspects)
{
	struct leak_holder *h = e->group < l->nr_holders ? &l->holders[e->group] : NULL;

	return h && h->kind == REACH_GLOBAL && leak_entry__counts(e, suspects) ? h : NULL;
}

int holdnames_note(struct leaks *l, const struct snapshot *t, bool suspects)
{
	const struct goimage *images[GOVARS_IMAGES_MAX];
	scoped(govars) vars = NULL;
	struct govar var;

	for (size_t i = 0; i < l->nr; i++) {
		struct leak_holder *h = holder_of(l, &l->entries[i], suspects);

		if (!h)
			continue;
		if (!vars &&
		    govars__new(images, goproc__images(t->target.gp, images, GOVARS_IMAGES_MAX),
				&vars))
			return -ENOMEM;
		if (!govars__at(vars, h->addr, &var) && var.name[0])
			h->name = framer__text(l->framer, var.name);
	}
	return 0;
}
