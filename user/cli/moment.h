/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * moment: a point in time as a person says it: "10m", "03:10", "2026-11-30 03:10:05".
 *
 * A time of day is the last one that was not in the future; by the clock of this machine's time zone.
 */
#ifndef PARKWATCH_CLI_MOMENT_H
#define PARKWATCH_CLI_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

struct moment {
	uint64_t ns; /* clock: since 1970; else a length of time */
	bool clock;
};

/* 0 or -EINVAL. */
int moment_read(const char *text, uint64_t now_unix_ns, struct moment *ret);

#endif
