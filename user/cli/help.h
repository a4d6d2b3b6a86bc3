/* SPDX-License-Identifier: BSD-2-Clause */
/* help: --help, the manual page and the bash completion, all from the tables of options.h. */
#ifndef PARKWATCH_CLI_HELP_H
#define PARKWATCH_CLI_HELP_H

#include <stdio.h>

#include "cli/options.h"

void help_command(FILE *f, enum command c); /* CMD_HELP: the whole program */
void help_man(FILE *f);                     /* roff, section 8 */
void help_completion(FILE *f);              /* bash */

#endif
