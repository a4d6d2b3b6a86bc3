// SPDX-License-Identifier: BSD-2-Clause
#include "cli/save.h"

#include <errno.h>
#include <string.h>

#include "cli/option_table.h"
#include "view/replay.h"

int save_open(const struct opts *o, struct outfile **ret, struct cause *why)
{
	*ret = NULL;
	return o->save ? outfile__open(o->save, o->mode, ret, why) : 0;
}

int save_begin(const struct opts *o, const struct target *t, const struct report_meta *meta,
	       FILE *to, struct factlog **f, struct cause *why)
{
	static const char *versions[GOPROC_RUNTIMES_MAX];
	struct factlog_of of = {
		.view = cmd_table[o->command].name,
		.options = o->shown,
		.values = o->shown_values,
		.nr_options = o->nr_shown,
		.pid = meta->pid,
		.comm = meta->comm,
		.exe = meta->exe,
		.build_id = meta->build_id,
		.text_start = meta->text_start,
		.text_end = meta->text_end,
		.namers = t->namers,
		.versions = versions,
		.nr = t->nr,
	};
	int err;

	for (size_t i = 0; i < t->nr; i++)
		versions[i] = goproc__runtime(t->gp, i)->version;
	err = factlog__new(to, &of, f);
	return err ? cause__set(why, err, "out of memory") : 0;
}

int save_end(struct factlog *f, const struct report_meta *meta, int err, struct cause *why)
{
	if (err)
		return cause__set(why, err, "cannot write the recording: %s", strerror(-err));
	replay__write_meta(f, meta);
	return factlog__end(f, why);
}
