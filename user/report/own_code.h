/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * own_code: whether a person can change a line of code, or it is a library's. Pure.
 *
 * By the name of the package and the file: Go's own packages, modules in the module cache (path@version) and vendored ones are
 * libraries. What is not known for one is taken for the program's own.
 */
#ifndef PARKWATCH_REPORT_OWN_CODE_H
#define PARKWATCH_REPORT_OWN_CODE_H

#include <stdbool.h>

bool own_code(const char *func, const char *file);

#endif
