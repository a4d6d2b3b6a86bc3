/* SPDX-License-Identifier: BSD-2-Clause */
/* units: amounts as people write them: "30s", "1.5h", "64K". */
#ifndef PARKWATCH_BASE_UNITS_H
#define PARKWATCH_BASE_UNITS_H

#include <stdint.h>

/* Largest first, as far as they are shown; the last is {}. */
struct unit {
	const char *name;
	uint64_t is;
};

extern const struct unit time_units[], byte_units[]; /* in nanoseconds, in bytes */

/* 0 or -EINVAL: no number, an unknown unit, too much. Without a unit: seconds, bytes. */
int units_time(const char *text, uint64_t *ret_ns);
int units_bytes(const char *text, uint64_t *ret);

#endif
