// SPDX-License-Identifier: BSD-2-Clause
#include "cli/format.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum view format_view(const struct opts *o)
{
	switch (o->command) {
	case CMD_RECORD: return VIEW_RECORDING;
	case CMD_CHANS: return o->duration_ns ? VIEW_CHANS_WATCH : VIEW_CHANS;
	case CMD_REQUESTS: return VIEW_REQUESTS;
	case CMD_LEAKS: return VIEW_LEAKS;
	case CMD_REFS: return VIEW_REFS;
	case CMD_DIFF: return VIEW_STACK_DIFF;
	case CMD_PS: return VIEW_PROCESSES;
	default: return o->diff ? VIEW_DIFF : o->group ? VIEW_GROUPS : VIEW_DUMP;
	}
}

void format_list(enum view v, char *text, size_t size)
{
	const struct format *usual = format_usual(v), *f;
	size_t used = (size_t)snprintf(text, size, "%s (default)", usual->name);

	for (size_t i = 0; (f = format_at(i)) && used < size; i++)
		if (f != usual && format_shows(f, v))
			used += (size_t)snprintf(text + used, size - used, ", %s", f->name);
}

/* f: what is asked for, if it is a format at all. */
static int refuse(const struct opts *o, enum view v, const struct format *f)
{
	static const char *const names[VIEWS] = {
		[VIEW_RECORDING] = "record",     [VIEW_DUMP] = "dump",
		[VIEW_GROUPS] = "dump --group",  [VIEW_DIFF] = "dump --diff",
		[VIEW_CHANS] = "chans",          [VIEW_LEAKS] = "leaks",
		[VIEW_CHANS_WATCH] = "chans -d", [VIEW_REFS] = "refs",
		[VIEW_STACK_DIFF] = "diff",      [VIEW_PROCESSES] = "ps",
		[VIEW_REQUESTS] = "requests",
	};
	char list[FORMAT_LIST_MAX];

	if (v == VIEW_CHANS && f && format_shows(f, VIEW_CHANS_WATCH)) {
		log_error("%s shows channels over some time: give -d TIME", f->name);
		return 2;
	}
	format_list(v, list, sizeof(list));
	log_error("%s has no format '%s'%s: %s", names[v], f ? f->name : o->format,
		  o->format ? "" : ", which the name of the file asks for", list);
	return 2;
}

int format_choose(const struct opts *o, const struct format **ret)
{
	return format_choose_of(o, format_view(o), ret);
}

int format_choose_of(const struct opts *o, enum view v, const struct format **ret)
{
	const struct format *by_path = o->output ? format_by_path(o->output) : NULL,
			    *f = o->format ? format_by_name(o->format) : by_path;

	if (f && f->kind == FORMAT_TRACE && by_path &&
	    (by_path->kind == FORMAT_PERFETTO || by_path->kind == FORMAT_PW))
		f = by_path; /* the same timeline, in another form */
	if (!f && !o->format)
		f = format_usual(v);
	if (!f || !format_shows(f, v))
		return refuse(o, v, f);
	if (f->binary && isatty(STDOUT_FILENO) && (!o->output || !strcmp(o->output, "-"))) {
		log_error("format %s is not for a terminal; give -o FILE", f->name);
		return 2;
	}
	*ret = f;
	return 0;
}
