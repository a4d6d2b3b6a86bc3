/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "cli/begin.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"

static int help(const struct opts *o, int argc, char **argv)
{
	enum command c = CMD_HELP;

	if (o->man) {
		help_man(stdout);
	} else if (o->completion) {
		help_completion(stdout);
	} else {
		struct opts named;

		if (o->command == CMD_HELP && argc > 2 && argv[2][0] != '-') {
			if (opts__parse(&named, 2, (char *[]){ argv[0], argv[2], NULL }) &&
			    named.command == CMD_HELP)
				return 2;
			c = named.command;
		} else {
			c = o->command;
		}
		help_command(stdout, c);
	}
	return end_of_print(0);
}

static int bound_memory(uint64_t bytes)
{
	const struct rlimit most = { bytes, bytes };

	if (!setrlimit(RLIMIT_AS, &most))
		return 0;
	log_error("cannot keep to --max-memory: %s", strerror(errno));
	return -errno;
}

static int run(int argc, char **argv)
{
	struct opts o;

	if (opts__parse(&o, argc, argv))
		return 2;
	log_set_level(o.quiet ? LOG_ERROR : o.verbose ? LOG_DEBUG : LOG_INFO);
	if (o.help || o.command == CMD_HELP)
		return help(&o, argc, argv);
	if (o.version || o.command == CMD_VERSION)
		return puts("parkwatch " PARKWATCH_VERSION), end_of_print(0);
	if (o.max_memory_bytes && bound_memory(o.max_memory_bytes))
		return 1;
	switch (o.command) {
	case CMD_RECORD: return cmd_record(&o);
	case CMD_DUMP: return cmd_dump(&o);
	case CMD_CHANS: return cmd_chans(&o);
	case CMD_LEAKS: return cmd_leaks(&o);
	case CMD_REFS: return cmd_refs(&o);
	default: return cmd_doctor(&o);
	}
}

int main(int argc, char **argv)
{
	begin();
	return begin_on_stack(run, argc, argv);
}
