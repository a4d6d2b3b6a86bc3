/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * renderer: one output format: a name, the suffixes that choose it, and a function from a snap to bytes.
 *
 * A new format is one file and one line in the table in renderer.c. Renderers hold no state and write only to `out`.
 */
#ifndef PARKWATCH_FORMAT_RENDERER_H
#define PARKWATCH_FORMAT_RENDERER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "view/recording.h"

/* For renderers: writing failed just now: the errno with a cause. */
int report_write_error(struct cause *why);

struct renderer {
	const char *name;		/* for -f: "folded" */
	const char *const *suffixes;	/* ".folded", ...; ends with NULL; the first is the usual one */
	const char *what;		/* one line for --help */
	bool binary;			/* not for a terminal */
	/* NULL, or says why this build cannot: one line. */
	const char *(*missing)(void);
	/* 0, or negative errno of writing (-ENOSPC ...), -ENOMEM, -EOPNOTSUPP; with a cause. Does not flush or close out. */
	int (*render)(const struct report *r, FILE *out, struct cause *why);
};

const struct renderer *renderer_at(size_t i);		/* in order of the table; NULL after the last */
const struct renderer *renderer_by_name(const char *name); /* NULL if there is none */
const struct renderer *renderer_by_path(const char *path); /* by suffix; NULL if none fits */

extern const struct renderer renderer_folded, renderer_pprof, renderer_html, renderer_text, renderer_json;

#endif
