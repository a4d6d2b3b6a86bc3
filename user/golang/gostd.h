/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gostd: whether a function is of a package that comes with Go (Go src/, 1.15 to 1.27), by its name
 * as tracebacks print it. Pure.
 */
#ifndef PARKWATCH_GOLANG_GOSTD_H
#define PARKWATCH_GOLANG_GOSTD_H

#include <stdbool.h>

bool gostd_has(const char *func);

#endif
