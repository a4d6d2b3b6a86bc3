/* SPDX-License-Identifier: BSD-2-Clause */
/* help: --help, from the tables of option_table. */
#ifndef PARKWATCH_CLI_HELP_H
#define PARKWATCH_CLI_HELP_H

#include <stdio.h>

#include "cli/options.h"

void help_command(FILE *f, enum command c); /* CMD_HELP: the whole program */

#endif
