/* SPDX-License-Identifier: BSD-2-Clause */
/* look_pprof: the goroutines of a target at its last look, counted by stack, as a pprof. */
#ifndef PARKWATCH_SERVE_LOOK_PPROF_H
#define PARKWATCH_SERVE_LOOK_PPROF_H

#include <stdbool.h>

#include "base/textbuf.h"
#include "serve/watched.h"

struct look_pprof_opts {
	bool gzip;     /* as files have it */
	bool requests; /* and by what each works for, if that was read: labels as of a recording */
};
/* t: has a look. 0, or negative errno. */
int look_pprof(const struct watched *t, const struct look_pprof_opts *o, struct textbuf *to);

#endif
