/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/leaklabels.h"

#include <errno.h>
#include <stdlib.h>

#include "base/notes.h"

int leaklabels_note(struct leaks *l, const struct snapshot *t, struct labelbook *b)
{
	struct cause why = { "" };
	int err = 0;

	for (size_t i = 0; i < t->target.nr && !err; i++) {
		scoped_mem uint64_t *ptrs = NULL;
		size_t nr;

		err = leaks__labelled(l, (uint16_t)i, &ptrs, &nr);
		if (!err)
			err = snapshot__labels_at(t, (uint16_t)i, ptrs, nr, b, &why);
	}
	if (err && err != -ENOMEM)
		note_debug("labels are not told: %s", why.text);
	return err && err != -ENOMEM ? 0 : err ? err : leaks__label(l, b);
}
