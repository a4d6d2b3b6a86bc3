// SPDX-License-Identifier: BSD-2-Clause
#include "serve/profile_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/format.h"
#include "serve/answer.h"

static const struct profile_format formats[] = { { "folded", "text/plain; charset=utf-8" },
						 { "pprof", "application/octet-stream" },
						 { "html", "text/html; charset=utf-8" },
						 { "json", "application/json" } };

const struct profile_format *profile_format(const char *name)
{
	if (!name)
		return &formats[0];
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(name, formats[i].name))
			return &formats[i];
	return NULL;
}

struct shown_as {
	const struct replay *r;
	const struct snap *snap;
	const struct format *format;
};

static int write_profile(const void *ctx, FILE *out, struct cause *why)
{
	const struct shown_as *as = ctx;
	const struct replay *r = as->r;

	return format__write(as->format, VIEW_RECORDING,
			     &(struct shown){ .recording = { .snap = as->snap,
							     .meta = &r->meta,
							     .namers = r->namers,
							     .nr_namers = r->book->nr_runtimes } },
			     out, why);
}

int profile_answer(const struct replay *r, const struct profile_format *f, struct http_answer *a,
		   struct cause *why)
{
	scoped(snap) snap = NULL;
	const int err = snap_facts__snap(r->sums, &snap);

	if (err)
		return cause__set(why, err, "nothing of that time can be read");
	if (snap_is_estimated(snap) && !snap->part)
		snprintf(a->interval, sizeof(a->interval), "%" PRIu64 " +- %" PRIu64, snap->value,
			 snap->error);
	return answer_write(a, f->type, write_profile,
			    &(struct shown_as){ r, snap, format_by_name(f->name) }, why);
}
