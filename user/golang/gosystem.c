/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gosystem.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

bool gosystem_start(const char *func)
{
	/* In package runtime, but running the user's code. */
	static const char *const users[] = { "runtime.main", "runtime.corostart",
					     "runtime.handleAsyncEvent" };

	if (strncmp(func, "runtime.", 8))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		if (!strcmp(func, users[i]))
			return false;
	return true;
}

bool gosystem_bottom(const char *func)
{
	static const char *const bottoms[] = { "runtime.mcall", "runtime.morestack",
					       "runtime.mstart", "runtime.sigtramp" };

	for (size_t i = 0; i < ARRAY_SIZE(bottoms); i++)
		if (!strcmp(func, bottoms[i]))
			return true;
	return false;
}

bool gosystem_func(const char *func)
{
	static const char *const packages[] = { "runtime.", "runtime/internal/",
						"internal/runtime/" };

	for (size_t i = 0; i < ARRAY_SIZE(packages); i++)
		if (!strncmp(func, packages[i], strlen(packages[i])))
			return true;
	return false;
}
