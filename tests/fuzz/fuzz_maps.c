/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the text of /proc/PID/maps: what is kept is in order, and found by address. */
#include <stdint.h>
#include <string.h>

#include "target/maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(maps) maps = NULL;

	if (maps__parse((const char *)data, size, &maps))
		return 0;
	for (size_t i = 0; i < maps->nr; i++) {
		const struct mapping *m = &maps->m[i];

		if (m->start >= m->end || (i && m->start < maps->m[i - 1].end))
			__builtin_trap();
		if (maps__at(maps, m->start) != m || maps__at(maps, m->end - 1) != m)
			__builtin_trap();
		if (strlen(m->path) > size)
			__builtin_trap();
	}
	return 0;
}
