/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commands: one function a command; each returns the exit status (0 ok, 1 error, 2 usage) and has
 * said why.
 */
#ifndef PARKWATCH_CLI_COMMANDS_H
#define PARKWATCH_CLI_COMMANDS_H

#include "cli/options.h"

int cmd_record(const struct opts *o);
int cmd_dump(const struct opts *o);
int cmd_chans(const struct opts *o);
int cmd_requests(const struct opts *o);
int cmd_leaks(const struct opts *o); /* 3: there are leaks */
int cmd_refs(const struct opts *o);
int cmd_report(const struct opts *o);
int cmd_diff(const struct opts *o);
int cmd_info(const struct opts *o);
int cmd_ps(const struct opts *o);
int cmd_top(const struct opts *o);
int cmd_serve(const struct opts *o);
int cmd_doctor(const struct opts *o);
int cmd_help(const struct opts *o);
int cmd_version(const struct opts *o);

#endif
