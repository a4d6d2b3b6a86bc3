/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * renderer: from what is counted by stack (a snap) to the bytes of one format (format/format).
 * Holds no state, writes only to `out`.
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
	/*
	 * 0, or negative errno of writing (-ENOSPC ...), -ENOMEM, -EOPNOTSUPP; with a cause. Does
	 * not flush or close out.
	 */
	int (*render)(const struct report *r, FILE *out, struct cause *why);
};

extern const struct renderer renderer_folded, renderer_pprof, renderer_html, renderer_text,
	renderer_json;
extern const struct renderer renderer_otlp;
extern const struct renderer renderer_pprof_plain; /* without gzip: for who translates it */

#endif
