/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_naming: what each group of the report is called, and its cure: the table of leak_pattern,
 * and what only this program tells.
 *
 * That is which C function does not return, where the lock of a double lock was taken first, which
 * method would end a loop, and whether a cure is a change in code that is not the program's own.
 */
#ifndef PARKWATCH_VIEW_LEAK_NAMING_H
#define PARKWATCH_VIEW_LEAK_NAMING_H

#include "view/leaks.h"

int leak_naming(struct leaks *l); /* sets leak_entry.pattern of all. 0 or -ENOMEM */

#endif
