/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/mallocfns.h"

#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "golang/gofacts.h"

static const struct {
	const char *stem;
	int first, last;
} families[] = {
	{ "mallocgcTinySC", 2, 2 },
	{ "mallocgcTinySize", 1, 15 },
	{ "mallocgcSmallNoScanSC", 2, 67 },
	{ "mallocgcSmallScanNoHeaderSC", 1, 67 },
};

void mallocfns__init(struct mallocfns *m, int minor)
{
	m->nr = 0;
	if (!gofacts_has(minor, GO_MALLOC_SIZED))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (int k = families[i].first; k <= families[i].last && m->nr < MALLOCFNS_MAX;
		     k++) {
			m->names[m->nr] = m->text[m->nr];
			snprintf(m->text[m->nr++], MALLOCFNS_NAME_MAX, "runtime.%s%d",
				 families[i].stem, k);
		}
}
