/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/notes.h"
#include "cli/attach_by.h"
#include "cli/begin.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/option_table.h"
#include "probe/probe_holder.h"
#include "serve/kubelet.h"
#include "serve/leak_worker.h"
#include "serve/recording_worker.h"
#include "serve/wire.h"
#include "serve/worker.h"

static int bound_memory(uint64_t bytes)
{
	const struct rlimit most = { bytes, bytes };

	if (!setrlimit(RLIMIT_AS, &most))
		return 0;
	log_error("cannot keep to --max-memory: %s", strerror(errno));
	return -errno;
}

/* True: it is not to be found, and *ret is the exit status. */
static bool find_process(struct opts *o, int *ret)
{
	struct cause why = { "" };
	const int err = attach_by_find(o->attach_by, &o->pid, &why);

	if (err)
		log_error("%s", why.text[0] ? why.text : strerror(-err));
	*ret = err == -EINVAL ? 2 : 1;
	return err;
}

static void show_note(enum log_level level, const char *text)
{
	log_line(level, "%s", text);
}

static int run(int argc, char **argv)
{
	struct opts o;
	int err;

	if (opts__parse(&o, argc, argv))
		return 2;
	log_set_format((enum log_format)o.log_format);
	notes_show(show_note);
	log_set_level(o.quiet ? LOG_ERROR : o.verbose ? LOG_DEBUG : LOG_INFO);
	if (o.help && o.command != CMD_HELP)
		return help_command(stdout, o.command), end_of_print(0);
	if (o.version)
		return cmd_version(&o);
	if (o.attach_by && find_process(&o, &err))
		return err;
	if (o.max_memory_bytes && bound_memory(o.max_memory_bytes))
		return 1;
	return cmd_table[o.command].run(&o);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], PROBE_HOLDER_COMMAND))
		return probe_holder_main();
	begin();
	if (argc > 1 && !strcmp(argv[1], WORKER_COMMAND))
		return begin_on_stack(worker_main, argc, argv);
	if (argc > 1 && !strcmp(argv[1], LEAK_WORKER_COMMAND))
		return begin_on_stack(leak_worker_main, argc, argv);
	if (argc > 1 && !strcmp(argv[1], RECORDING_WORKER_COMMAND))
		return begin_on_stack(recording_worker_main, argc, argv);
	if (argc > 1 && !strcmp(argv[1], KUBELET_COMMAND))
		return begin_on_stack(kubelet_main, argc, argv);
	return begin_on_stack(run, argc, argv);
}
