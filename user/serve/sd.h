/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sd: what is watched, as Prometheus' discovery by HTTP wants it (http_sd): one entry for each target,
 * with the parameter that names it. Alloy and others read the same.
 */
#ifndef PARKWATCH_SERVE_SD_H
#define PARKWATCH_SERVE_SD_H

#include "base/textbuf.h"
#include "serve/watched.h"

/* host: how the client calls us, "node1:7070"; "": it does not say, and gets nothing. */
void sd__write(struct watched *const *targets, size_t nr, const char *host, bool is_tls,
	       struct textbuf *to);

#endif
