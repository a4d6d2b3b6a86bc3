/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/refs.h"

#include <stdlib.h>

void refs__free(struct refs *rs)
{
	if (!rs)
		return;
	free(rs->verdicts);
	free(rs->groups);
	free(rs->paths);
	free(rs->steps);
	free(rs);
}

const char *ref_verdict_word(enum ref_verdict v)
{
	static const char *const words[] = {
		[REF_HELD] = "held",
		[REF_UNREACHED] = "unreached",
		[REF_ONCE] = "unreached once",
		[REF_UNKNOWN] = "unknown",
		[REF_RAN] = "ran",
		[REF_NO_OBJECT] = "no object",
		[REF_NOT_SEARCHED] = "not searched",
	};

	return words[v];
}

uint64_t refs__paths_told(const struct refs *rs, const struct ref_group *g, uint64_t top)
{
	const uint32_t waits = g->nr ? dump__g(rs->d, &rs->d->rows[g->row])->nr_waits : 1;

	return waits > 1 && top <= UINT64_MAX / waits ? top * waits : top;
}
