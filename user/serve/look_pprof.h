/* SPDX-License-Identifier: BSD-2-Clause */
/* look_pprof: the goroutines of a target at its last look, counted by stack, as a pprof. */
#ifndef PARKWATCH_SERVE_LOOK_PPROF_H
#define PARKWATCH_SERVE_LOOK_PPROF_H

#include <stdbool.h>

#include "base/textbuf.h"
#include "serve/watched.h"

/* t: has a look. gzip: as files have it. 0, or negative errno. */
int look_pprof(const struct watched *t, bool gzip, struct textbuf *to);

#endif
