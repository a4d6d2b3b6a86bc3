/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manual: everything that option_table knows, for people, in two markups: the man page and
 * docs/reference.md. Both have the same words in the same order.
 */
#ifndef PARKWATCH_CLI_MANUAL_H
#define PARKWATCH_CLI_MANUAL_H

#include <stdio.h>

void manual_man(FILE *f);       /* roff, section 8 */
void manual_reference(FILE *f); /* Markdown */

#endif
