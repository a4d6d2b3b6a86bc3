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
	const struct factlog_of of = {
		.view = cmd_table[o->command].name,
		.options = o->shown,
		.values = o->shown_values,
		.nr_options = o->nr_shown,
	};
	const int err = target__log(t, &of, meta, to, f);

	return err ? cause__set(why, err, "out of memory") : 0;
}

int save_end(struct factlog *f, const struct report_meta *meta, int err, struct cause *why)
{
	if (err)
		return cause__set(why, err, "cannot write the recording: %s", strerror(-err));
	replay__write_end(f, meta);
	return factlog__end(f, why);
}
