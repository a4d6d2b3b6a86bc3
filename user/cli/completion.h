/* SPDX-License-Identifier: BSD-2-Clause */
/* completion: of commands, options and their words in a shell, from the tables of option_table. */
#ifndef PARKWATCH_CLI_COMPLETION_H
#define PARKWATCH_CLI_COMPLETION_H

#include <stdio.h>

enum completion { COMPLETION_NONE, COMPLETION_BASH, COMPLETION_ZSH, COMPLETION_FISH };

void completion_put(FILE *f, enum completion shell);

#endif
