/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/format.h"

#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/log.h"
#include "base/cleanup.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "cli/option_table.h"

Test(format, is_found_by_the_end_of_a_path)
{
	static const struct {
		const char *path, *want;
	} t[] = {
		{ "a.folded", "folded" },
		{ "x.pb.gz", "pprof" },
		{ "x.pprof", "pprof" },
		{ "x.otlp", "otlp" },
		{ "x.html", "html" },
		{ "x.htm", "html" },
		{ "/tmp/a.b/x.json", "json" },
		{ "x.jsonl", "jsonl" },
		{ "/tmp/a.json/x.txt", NULL },
		{ "x.svg", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ ".html", NULL },
		{ "x.html.gz", NULL },
		{ "t.perfetto-trace", "perfetto" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct format *f = format_by_path(t[i].path);

		cr_expect_eq(f, t[i].want ? format_by_name(t[i].want) : NULL, "%s: %s", t[i].path,
			     f ? f->name : "none");
	}
}

Test(format, is_found_by_its_name)
{
	for (size_t i = 0; format_at(i); i++)
		cr_expect_eq(format_by_name(format_at(i)->name), format_at(i));
	cr_expect_null(format_by_name("svg"));
	cr_expect_null(format_by_name(""));
}

/* What has no writer of its own for a view is a renderer's. */
Test(format, each_has_what_its_views_need)
{
	for (size_t i = 0; format_at(i); i++) {
		const struct format *f = format_at(i);
		const bool own =
			f->kind == FORMAT_TEXT || f->kind == FORMAT_JSON || f->kind == FORMAT_JSONL;

		/* cli/save writes it: it is no view. */
		if (f->kind != FORMAT_PW)
			cr_expect(f->rows || f->write[VIEW_RECORDING] ||
					  (own && !format_shows(f, VIEW_RECORDING)),
				  "%s", f->name);
	}
	for (int v = 0; v < VIEWS; v++)
		cr_expect(format_shows(format_usual((enum view)v), (enum view)v));
}

/* "name" or "status: first line on standard error" */
static const char *chosen(const char *format, const char *output, enum view v, char *text,
			  size_t size)
{
	static const enum command commands[VIEWS] = {
		[VIEW_RECORDING] = CMD_RECORD, [VIEW_DUMP] = CMD_DUMP,
		[VIEW_GROUPS] = CMD_DUMP,      [VIEW_DIFF] = CMD_DUMP,
		[VIEW_CHANS] = CMD_CHANS,      [VIEW_LEAKS] = CMD_LEAKS,
		[VIEW_REFS] = CMD_REFS,        [VIEW_CHANS_WATCH] = CMD_CHANS,
	};
	const struct opts o = { .command = commands[v],
				.format = format,
				.output = output,
				.diff = v == VIEW_DIFF ? "old.json" : NULL,
				.group = v == VIEW_GROUPS,
				.duration_ns = v == VIEW_CHANS_WATCH };
	const struct format *f = NULL;
	char *said = NULL;
	size_t len = 0;
	FILE *old = stderr;
	int status;

	stderr = open_memstream(&said, &len);
	status = format_choose(&o, &f);
	fclose(stderr);
	stderr = old;
	if (status)
		snprintf(text, size, "%d: %s", status, said);
	else
		snprintf(text, size, "%s%s", f->name, said);
	free(said);
	return text;
}

Test(format, is_chosen_alike_for_every_view)
{
	static const struct {
		const char *why, *format, *output;
		enum view view;
		const char *want;
	} t[] = {
		{ "nothing is asked", NULL, NULL, VIEW_RECORDING, "folded" },
		{ "nothing is asked", NULL, NULL, VIEW_LEAKS, "text" },
		{ "a name", "json", NULL, VIEW_CHANS, "json" },
		{ "a name counts more than that of the file", "json", "x.html", VIEW_DUMP, "json" },
		{ "a name counts more than that of the file", "text", "x.html", VIEW_REFS, "text" },
		{ "the file's end", NULL, "x.jsonl", VIEW_DUMP, "jsonl" },
		{ "the file's end", NULL, "x.json", VIEW_GROUPS, "json" },
		{ "an end that is no format's", NULL, "x.txt", VIEW_RECORDING, "folded" },
		{ "an end that is no format's", NULL, "x.txt", VIEW_CHANS, "text" },
		{ "standard output", NULL, "-", VIEW_DIFF, "text" },
		{ "no such format", "svg", NULL, VIEW_RECORDING,
		  "2: parkwatch: record has no format 'svg': folded (default), text, json, pprof, "
		  "otlp, "
		  "html, trace, perfetto, pw\n" },
		{ "a timeline", "trace", "t.json", VIEW_RECORDING, "trace" },
		{ "a timeline by the file's end", NULL, "t.perfetto-trace", VIEW_RECORDING,
		  "perfetto" },
		{ "of a timeline the file's end says more", "trace", "t.perfetto-trace",
		  VIEW_RECORDING, "perfetto" },
		{ "of recordings only", "trace", NULL, VIEW_LEAKS,
		  "2: parkwatch: leaks has no format 'trace': text (default), json, folded, pprof, "
		  "otlp, "
		  "html, pw\n" },
		{ "no such format", "svg", NULL, VIEW_REFS,
		  "2: parkwatch: refs has no format 'svg': text (default), json, pw\n" },
		{ "not of this view", "jsonl", NULL, VIEW_LEAKS,
		  "2: parkwatch: leaks has no format 'jsonl': text (default), json, folded, pprof, "
		  "otlp, "
		  "html, pw\n" },
		{ "not of this view", "html", NULL, VIEW_GROUPS,
		  "2: parkwatch: dump --group has no format 'html': text (default), json, pw\n" },
		{ "not of this view", "folded", "x.json", VIEW_DIFF,
		  "2: parkwatch: dump --diff has no format 'folded': text (default), json\n" },
		{ "the file's end asks for it", NULL, "x.pb.gz", VIEW_CHANS,
		  "2: parkwatch: chans has no format 'pprof', which the name of the file asks for: "
		  "text (default), json, pw\n" },
		{ "of a watch", "html", NULL, VIEW_CHANS_WATCH, "html" },
		{ "of a watch only", NULL, "x.html", VIEW_CHANS,
		  "2: parkwatch: html shows channels over some time: give -d TIME\n" },
		{ "not of a watch", "folded", NULL, VIEW_CHANS_WATCH,
		  "2: parkwatch: chans -d has no format 'folded': text (default), json, html, "
		  "pw\n" },
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_str_eq(chosen(t[i].format, t[i].output, t[i].view, text, sizeof(text)),
				 t[i].want, "%s: %s", t[i].why, text);
}

Test(format, help_and_completion_have_the_formats_of_the_table)
{
	static const struct {
		enum command c;
		const char *want;
	} t[] = {
		{ CMD_RECORD,
		  "folded (default), text, json, pprof, otlp, html, trace, perfetto, pw\n" },
		{ CMD_DUMP, "text (default), json, jsonl, folded, pprof, otlp, html, pw\n" },
		{ CMD_LEAKS, "text (default), json, folded, pprof, otlp, html, pw\n" },
		{ CMD_CHANS, "text (default), json, html, pw\n" },
		{ CMD_REFS, "text (default), json, pw\n" },
	};
	scoped_mem char *man = NULL, *completion = NULL;
	size_t len;
	FILE *f = open_memstream(&man, &len);

	manual_man(f);
	fclose(f);
	f = open_memstream(&completion, &len);
	completion_put(f, COMPLETION_BASH);
	fclose(f);
	cr_expect_not_null(strstr(completion,
				  "--format|-f) words='text json jsonl folded pprof otlp "
				  "html trace perfetto pw' ;;"),
			   "%s", completion);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped_mem char *help = NULL;

		f = open_memstream(&help, &len);
		help_command(f, t[i].c);
		fclose(f);
		cr_expect_not_null(strstr(help, t[i].want), "%s", help);
		cr_expect_not_null(strstr(man, t[i].want));
	}
}
