// SPDX-License-Identifier: BSD-2-Clause
#include "cli/format.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"

int format_check(const struct opts *o, const struct renderer *r)
{
	const char *missing = r && r->missing ? r->missing() : NULL;

	if (missing) {
		log_error("cannot write format %s: %s", r->name, missing);
		return 1;
	}
	if (r && r->binary && isatty(STDOUT_FILENO) && (!o->output || !strcmp(o->output, "-"))) {
		log_error("format %s is not for a terminal; give -o FILE", r->name);
		return 2;
	}
	return 0;
}
