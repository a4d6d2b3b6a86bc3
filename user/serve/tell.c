// SPDX-License-Identifier: BSD-2-Clause
#include "serve/tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/lines.h"
#include "view/replay.h"

void told__init(struct told *t)
{
	*t = (struct told){ .pw = NULL };
	textbuf__init(&t->lines, NULL);
}

void told__done(struct told *t)
{
	free(t->pw);
	textbuf__done(&t->lines);
}

int tell_recording(const struct tell *t, struct told *ret, struct cause *why)
{
	scoped(factlog) f = NULL;
	FILE *to = open_memstream(&ret->pw, &ret->len);
	int err = to ? target__log(t->target, &t->of, t->meta, to, &f) : -ENOMEM;

	if (!err)
		err = t->put(t->ctx, f);
	if (!err) {
		replay__write_end(f, t->meta);
		err = factlog__end(f, why);
	}
	lines_take(&ret->lines);
	if (to && fclose(to) && !err)
		err = -ENOMEM;
	return err ? cause__set(why, err, "cannot put together what was seen: %s", strerror(-err))
		   : 0;
}

int tell_frame(const struct frame_figures *figures, const struct told *of,
	       struct frame_bytes digest, struct frame_bytes sums, struct cause *why)
{
	const struct frame_bytes parts[FRAME_PARTS] = {
		[FRAME_RECORDING] = { of->pw, of->len },
		[FRAME_DIGEST] = digest,
		[FRAME_LINES] = { of->lines.v, of->lines.nr },
		[FRAME_SUMS] = sums,
	};
	const int err = frame_write(STDOUT_FILENO, figures, parts);

	return err ? cause__set(why, err, "cannot tell the supervisor of what was seen: %s",
				strerror(-err))
		   : 0;
}
