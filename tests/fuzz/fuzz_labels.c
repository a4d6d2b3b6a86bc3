/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as memory that g.labels points into; the first byte is the version. */
#include <stdint.h>
#include <string.h>

#include "golang/golabels.h"

#define BASE 0x10000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct golabel labels[GOLABELS_MAX];
	struct bufspace b;
	size_t nr;

	if (!size)
		return 0;
	bufspace__init(&b, data + 1, size - 1, BASE);
	if (golabels_read(&b.as, 15 + data[0] % 13, BASE, labels, GOLABELS_MAX, &nr))
		return 0;
	if (nr > GOLABELS_MAX)
		__builtin_trap();
	for (size_t i = 1; i < nr; i++)
		if (strcmp(labels[i - 1].key, labels[i].key) > 0)
			__builtin_trap();
	return 0;
}
