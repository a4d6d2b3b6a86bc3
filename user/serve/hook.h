/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hook: what a webhook gets, in JSON: {"time","kind","target":{...}} and, of a leak, "report": the JSON
 * of `leaks`; of a storm or a slow leak "text", for people, and "figures".
 */
#ifndef PARKWATCH_SERVE_HOOK_H
#define PARKWATCH_SERVE_HOOK_H

#include "base/textbuf.h"
#include "serve/watched.h"

/* t: has a report. Both 0, or negative errno. */
int hook__leaks(const struct watched *t, struct textbuf *to);
int hook__alarm(const struct watched *t, const struct history_alarm *a, struct textbuf *to);

#endif
