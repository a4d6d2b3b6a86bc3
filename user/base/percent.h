/* SPDX-License-Identifier: BSD-2-Clause */
/* percent: a share as text, with two digits that count: "0.31", "2.4", "18", "103". */
#ifndef PARKWATCH_BASE_PERCENT_H
#define PARKWATCH_BASE_PERCENT_H

#include <stddef.h>
#include <stdio.h>

#define PERCENT_BYTES 32

/* Into buf, and back. */
static inline const char *percent_text(double percent, char buf[PERCENT_BYTES])
{
	snprintf(buf, PERCENT_BYTES, percent >= 10 ? "%.0f" : "%.2g", percent);
	return buf;
}

#endif
