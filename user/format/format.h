/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format: the one table of formats: how each is called, which file names choose it, which views can
 * be had in it.
 *
 * A new format is one row in format.c; if it shows what is counted by stack, it has a renderer too.
 */
#ifndef PARKWATCH_FORMAT_FORMAT_H
#define PARKWATCH_FORMAT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "format/renderer.h"

enum view {
	VIEW_RECORDING,
	VIEW_DUMP,
	VIEW_GROUPS,
	VIEW_DIFF,
	VIEW_CHANS,
	VIEW_LEAKS,
	VIEW_REFS,
	VIEWS
};
#define VIEW_BIT(v) (1u << (v))

enum format_kind {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_JSONL,
	FORMAT_FOLDED,
	FORMAT_PPROF,
	FORMAT_HTML,
	FORMAT_PW, /* all that is known, not a view of it: facts/pw_file */
};

struct format {
	enum format_kind kind;
	const char *name;        /* for -f: "folded" */
	const char *suffixes[3]; /* of file names, ".folded"; the rest is NULL */
	unsigned int views;      /* VIEW_BIT()s of those that can be had in it */
	bool binary;             /* not for a terminal */
	/*
	 * Of what is counted by stack: a recording, and dump and leaks for what they have no writer
	 * of their own for. NULL: none.
	 */
	const struct renderer *rows;
	const char *what; /* it is, in sentences for the manual */
};

/* in order of the table; NULL after the last */
const struct format *format_at(size_t i);
const struct format *format_by_name(const char *name); /* NULL if there is none */
const struct format *format_by_path(const char *path); /* by suffix; NULL if none fits */
const struct format *format_usual(enum view v);        /* where nobody asks for one; never NULL */

static inline bool format_shows(const struct format *f, enum view v)
{
	return f->views & VIEW_BIT(v);
}

#endif
