// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "base/log.h"
#include "base/outfile.h"
#include "cli/commands.h"
#include "cli/counted.h"
#include "cli/format.h"
#include "view/stack_diff.h"

static int open_one(const char *path, struct replay **ret_r, struct counted **ret_c,
		    struct cause *why)
{
	int err = replay__open(path, ret_r, why);

	if (err)
		return err;
	counted_say_read(*ret_r, path);
	return counted__of_any(*ret_r, path, ret_c, why);
}

static int diff(const struct opts *o, const struct format *f, struct cause *why)
{
	scoped(replay) before = NULL;
	scoped(replay) after = NULL;
	scoped(counted) a = NULL;
	scoped(counted) b = NULL;
	scoped(stack_diff) d = NULL;
	scoped(outfile) out = NULL;
	int err = open_one(o->operands[0], &before, &a, why);

	if (!err)
		err = open_one(o->operands[1], &after, &b, why);
	if (!err)
		err = stack_diff__new(&a->report, &b->report, &d, why);
	if (!err)
		err = outfile__open(o->output, o->mode, &out, why);
	if (err)
		return err;
	if (d->scale < 1 || d->scale > 1)
		log_info("'%s' is scaled to the length of '%s': its figures are multiplied by "
			 "%.3g",
			 o->operands[1], o->operands[0], d->scale);
	err = format__write(f, VIEW_STACK_DIFF,
			    &(struct shown){ .stack_diff = { .diff = d, .top = o->top } },
			    outfile__stream(out), why);
	return outfile__end(out, err, why);
}

int cmd_diff(const struct opts *o)
{
	const struct format *f = NULL;
	struct cause why = { "" };
	int err = format_choose(o, &f);

	if (err)
		return err;
	if (!diff(o, f, &why))
		return 0;
	log_error("%s", why.text);
	return 1;
}
