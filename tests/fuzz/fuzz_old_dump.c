/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as an older dump: what is kept is in order, its JSON lies in the text, and its names
 * are one line.
 */
#include <stdint.h>
#include <string.h>

#include "view/old_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(old_dump) o = NULL;
	scoped(filter) p = NULL;

	if (filter__new(&p) || filter__add(p, "func", "main", true, NULL) ||
	    filter__add(p, "label", "k", true, NULL) ||
	    old_dump__parse("fuzz", (const char *)data, size, p, true, &o, NULL))
		return 0;
	for (size_t i = 0; i < o->nr; i++) {
		const struct old_g *g = &o->gs[i];

		if (i && g->goid < o->gs[i - 1].goid)
			__builtin_trap();
		if (g->at > size || g->len > size - g->at || data[g->at] != '{' ||
		    data[g->at + g->len - 1] != '}')
			__builtin_trap();
		if (strchr(g->start, '\n') || strchr(g->made, '\n') || strchr(g->word, '\n'))
			__builtin_trap();
	}
	(void)old_dump__is_of(o, "fuzz", 1, "x", NULL);
	return 0;
}
