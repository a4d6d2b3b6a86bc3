/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gosystem.h"

#include <stddef.h>
#include <string.h>

#include "base/own.h"

bool gosystem_start(const char *func)
{
	/* In package runtime, but running the user's code. */
	static const char *const users[] = { "runtime.main", "runtime.corostart", "runtime.handleAsyncEvent" };

	if (strncmp(func, "runtime.", 8))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		if (!strcmp(func, users[i]))
			return false;
	return true;
}
