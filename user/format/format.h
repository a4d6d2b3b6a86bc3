/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format: the one table of formats: how each is called, which file names choose it, and how it
 * writes each view. Commands, and whatever else has something to show, write by format__write().
 *
 * A new format is one row in format.c; if it shows what is counted by stack, it has a renderer too.
 */
#ifndef PARKWATCH_FORMAT_FORMAT_H
#define PARKWATCH_FORMAT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "format/dump_group.h"
#include "format/renderer.h"
#include "model/profile.h"
#include "view/request_rows.h"

enum view {
	VIEW_RECORDING,
	VIEW_DUMP,
	VIEW_GROUPS,
	VIEW_DIFF,
	VIEW_CHANS,
	VIEW_CHANS_WATCH, /* that were watched */
	VIEW_LEAKS,
	VIEW_REFS,
	VIEW_STACK_DIFF, /* of two recordings */
	VIEW_PROCESSES,
	VIEW_REQUESTS,
	VIEWS
};

/* What a view has to show; only the members of that view are asked. All borrowed for the call. */
struct shown {
	struct report recording;
	struct { /* of VIEW_DUMP, VIEW_GROUPS and VIEW_DIFF */
		struct dump *dump;
		const struct dump_show *show;
		enum profile_root root; /* for what is counted by stack */
		struct dump_groups_of groups;
		size_t top;           /* diff: how many; 0: all */
		struct old_dump *old; /* diff */
	} dump;
	struct {
		struct chans *chans;
		const struct chans_show *show;
	} chans;
	struct {
		struct leaks *leaks;
		const struct leaks_show *show;
	} leaks;
	struct {
		const struct stack_diff *diff;
		size_t top; /* text: how many stacks; 0: all */
	} stack_diff;
	const struct processes *processes;
	struct {
		struct request_rows *rows;
		const struct report_meta *meta;
	} requests;
	struct {
		const struct refs *refs;
		const struct refs_show *show;
	} refs;
};

enum format_kind {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_JSONL,
	FORMAT_FOLDED,
	FORMAT_PPROF,
	FORMAT_OTLP,
	FORMAT_HTML,
	FORMAT_TRACE, /* of a timeline, as the next one */
	FORMAT_PERFETTO,
	FORMAT_PW, /* all that is known, not a view of it: facts/pw_file */
};

struct format {
	enum format_kind kind;
	const char *name;        /* for -f: "folded" */
	const char *suffixes[3]; /* of file names, ".folded"; the rest is NULL */
	bool binary;             /* not for a terminal */
	const char *what;        /* it is, in sentences for the manual */
	/*
	 * Of what is counted by stack: a recording, and dump and leaks if the format has no writer
	 * of their own for them. NULL: none.
	 */
	const struct renderer *rows;
	/* Its own writer for a view. 0 or negative errno with a cause. NULL: none. */
	int (*write[VIEWS])(const struct shown *s, FILE *out, struct cause *why);
};

/* in order of the table; NULL after the last */
const struct format *format_at(size_t i);
const struct format *format_by_name(const char *name); /* NULL if there is none */
const struct format *format_by_path(const char *path); /* by suffix; NULL if none fits */
const struct format *format_usual(enum view v);        /* where nobody asks for one; never NULL */

bool format_shows(const struct format *f, enum view v);
/*
 * 0, or negative errno of writing, -ENOMEM ...; with a cause. Nothing is flushed. The format must
 * show the view, and be one of views (not FORMAT_PW).
 */
int format__write(const struct format *f, enum view v, const struct shown *s, FILE *out,
		  struct cause *why);

#endif
