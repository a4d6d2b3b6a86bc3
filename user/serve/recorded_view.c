// SPDX-License-Identifier: BSD-2-Clause
#include "serve/recorded_view.h"

#include <string.h>

#include "base/cleanup.h"
#include "serve/api.h"
#include "serve/profile_answer.h"
#include "serve/reading.h"
#include "serve/recorder.h"

static const enum profile_event events[] = { PROFILE_BLOCKED, PROFILE_WAKEUPS, PROFILE_CPU,
					     PROFILE_SCHED,   PROFILE_BIRTHS,  PROFILE_EXITS,
					     PROFILE_ALLOC,   PROFILE_WALL,    PROFILE_BLOCK,
					     PROFILE_MUTEX };

/* False: there is no such view. */
static bool find_event(const char *view, enum profile_event *ret)
{
	for (size_t i = 0; view && i < ARRAY_SIZE(events); i++)
		if (!strcmp(view, report_event_name(events[i]))) {
			*ret = events[i];
			return true;
		}
	return false;
}

static void ask(const struct api_in *in, const struct watched *t, const struct recorder_asked *of,
		struct http_answer *a)
{
	const char *why;
	const unsigned int status =
		recorder__ask(in->recorder, t, in->allow_jobs, of, a->later, &why);

	if (status)
		api_error(a, status, why);
}

void recorded_view_get(const struct api_in *in, const struct watched *t,
		       const struct http_request *q, struct http_answer *a)
{
	const struct profile_format *f = profile_format(http_query(q, "format"));
	struct recorder_asked of = { .kind = READING_RECORDING, .format = f ? f->name : NULL };

	if (!find_event(http_query(q, "view"), &of.pprof.event))
		api_error(a, 404,
			  "recorded are blocked, wakeups, cpu, sched, births, exits, alloc, wall, "
			  "block and mutex");
	else if (!f || !http_number(q, "seconds", RECORDER_SECONDS, &of.seconds) || !of.seconds)
		api_error(a, 400, "give seconds from 1 to 60; format: " PROFILE_FORMATS);
	else
		ask(in, t, &of, a);
}

void recorded_chans_get(const struct api_in *in, const struct watched *t,
			const struct http_request *q, struct http_answer *a)
{
	struct recorder_asked of = { .kind = READING_CHANS, .pprof.event = RECORDING_CHANS };

	if (http_query(q, "at"))
		api_error(a, 400, "give seconds=N, or at=UNIX");
	else if (!http_number(q, "seconds", RECORDER_SECONDS, &of.seconds) || !of.seconds)
		api_error(a, 400, "give seconds from 1 to 60");
	else
		ask(in, t, &of, a);
}

/* Of what runs labels are told: labels of samples in pprof, elsewhere they would be frames. */
void recorded_view_read(const struct reading *r, struct http_answer *a)
{
	const struct profile_format *f = profile_format(r->format);
	struct cause why = { "" };
	scoped(replay) of = NULL;
	int err = replay__of_bytes(r->pw, r->len, r->target, &of, &why);

	if (!err && strcmp(f->name, "pprof"))
		snap_facts__forget_labels(of->sums);
	if (!err)
		err = profile_answer(of, f, a, &why);
	if (err)
		api_error(a, 500, why.text);
}
