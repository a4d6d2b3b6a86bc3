// SPDX-License-Identifier: BSD-2-Clause
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 4096

int vec__reserve(void *array, size_t *room, size_t need, size_t size)
{
	size_t more = *room ? *room : 1 + FIRST_BYTES / size;
	void *p;

	if (need <= *room)
		return 0;
	while (more < need)
		if (__builtin_mul_overflow(more, (size_t)2, &more))
			return -ENOMEM;
	memcpy(&p, array, sizeof(p)); /* whatever it points to */
	p = reallocarray(p, more, size);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof(p));
	*room = more;
	return 0;
}
