/* SPDX-License-Identifier: BSD-2-Clause */
/* profile_answer: what was counted by stack as the answer to a request, in a format that its query names. */
#ifndef PARKWATCH_SERVE_PROFILE_ANSWER_H
#define PARKWATCH_SERVE_PROFILE_ANSWER_H

#include "base/cause.h"
#include "serve/http.h"
#include "view/replay.h"

struct profile_format {
	const char *name, *type; /* media type */
};
#define PROFILE_FORMATS "folded, pprof, html or json"

/* name NULL: folded. NULL: there is none of that name. */
const struct profile_format *profile_format(const char *name);
/* 0, or negative errno with a cause; -ENOENT: nothing was counted. */
int profile_answer(const struct replay *r, const struct profile_format *f, struct http_answer *a,
		   struct cause *why);

#endif
