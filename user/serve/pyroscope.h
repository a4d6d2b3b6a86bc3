/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pyroscope: the goroutines of a target at its last look, as a push to Pyroscope (push.v1, Connect
 * protocol in JSON; Alloy takes the same): a pprof, gzipped, in base64.
 */
#ifndef PARKWATCH_SERVE_PYROSCOPE_H
#define PARKWATCH_SERVE_PYROSCOPE_H

#include "base/textbuf.h"
#include "serve/watched.h"

#define PYROSCOPE_NS (15 * NS_PER_SEC) /* of a target, from one to the next */

/* t: has a look. 0, or negative errno. */
int pyroscope__push(const struct watched *t, struct textbuf *to);

#endif
