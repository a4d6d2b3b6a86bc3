// SPDX-License-Identifier: BSD-2-Clause
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of the first array. Sanitized builds set it to 0, so that an array ends where its elements do. */
#ifndef VEC_FIRST_BYTES
#define VEC_FIRST_BYTES 4096
#endif

int vec__reserve(void *array, size_t *room, size_t need, size_t size)
{
	size_t more = VEC_FIRST_BYTES / size;
	void *p;

	if (need <= *room)
		return 0;
	if (*room && __builtin_mul_overflow(*room, (size_t)2, &more))
		return -ENOMEM;
	if (more < need)
		more = need;
	memcpy(&p, array, sizeof(p)); /* whatever it points to */
	p = reallocarray(p, more, size);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof(p));
	*room = more;
	return 0;
}
