/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * level: how much the daemon does for a target. Each level does what those before it do, too.
 */
#ifndef PARKWATCH_SERVE_LEVEL_H
#define PARKWATCH_SERVE_LEVEL_H

#include <stdbool.h>
#include <string.h>

enum level {
	LEVEL_OFF,     /* it is listed, not watched */
	LEVEL_METRICS, /* looks: no probe */
	LEVEL_LEAKS,   /* watches for leaks, now and then, with probes for some seconds */
	LEVEL_PROFILE,
	LEVEL_FULL,
	LEVELS
};
#define LEVEL_USUAL LEVEL_LEAKS

#define LEVEL_WORDS "off, metrics, leaks, profile or full"

static inline const char *level_word(enum level l)
{
	static const char *const words[LEVELS] = { "off", "metrics", "leaks", "profile", "full" };

	return words[l];
}

/* False: no level is called so. */
static inline bool level_by_word(const char *word, enum level *ret)
{
	for (int l = 0; l < LEVELS; l++)
		if (!strcmp(level_word((enum level)l), word)) {
			*ret = (enum level)l;
			return true;
		}
	return false;
}

#endif
