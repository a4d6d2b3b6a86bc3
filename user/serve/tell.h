/* SPDX-License-Identifier: BSD-2-Clause */
/* tell: how a worker tells what it has seen of its target: as a recording, in memory, and a frame on standard output. */
#ifndef PARKWATCH_SERVE_TELL_H
#define PARKWATCH_SERVE_TELL_H

#include "base/cause.h"
#include "base/textbuf.h"
#include "engine/target.h"
#include "serve/frame.h"
#include "view/recording.h"

struct tell { /* a recording; borrowed for the call */
	const struct target *target;
	struct factlog_of of;
	const struct report_meta *meta;
	int (*put)(void *ctx, struct factlog *f); /* what is in it. 0 or negative errno */
	void *ctx;
};

struct told {     /* owned */
	char *pw; /* NULL: nothing is told */
	size_t len;
	struct textbuf lines; /* serve/lines */
};

void told__init(struct told *t);
void told__done(struct told *t);
/*
 * With its end, and the notes of now, which are forgotten. ret: is init. 0, or negative errno with a cause.
 */
int tell_recording(const struct tell *t, struct told *ret, struct cause *why);
/* To the supervisor; digest: of it. 0, or negative errno with a cause. */
int tell_frame(const struct frame_figures *figures, const struct told *of,
	       struct frame_bytes digest, struct frame_bytes sums, struct cause *why);

#endif
