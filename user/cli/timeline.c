// SPDX-License-Identifier: BSD-2-Clause
#include "cli/timeline.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/timeline_facts.h"

bool timeline_is(const struct format *f)
{
	return f->kind == FORMAT_TRACE || f->kind == FORMAT_PERFETTO;
}

bool timeline_is_wanted(const struct opts *o, const struct format *f)
{
	const struct format *asked = o->format ? format_by_name(o->format) : NULL;

	return timeline_is(f) || (f->kind == FORMAT_PW && (o->window_ns || o->window_bytes ||
							   (asked && timeline_is(asked))));
}

bool timeline_refuses(const struct opts *o, const struct format *f)
{
	const char *why = NULL;

	if (!timeline_is_wanted(o, f) && (o->window_ns || o->window_bytes))
		why = "--window and --window-bytes are of a timeline: give -f trace";
	else if (!timeline_is_wanted(o, f))
		return false;
	else if ((o->save || f->kind == FORMAT_PW) && o->window_bytes > TIMELINE_FACTS_BYTES)
		why = "a recording (.pw) keeps 1 GB of a timeline at most: give --window-bytes 1G "
		      "or less";
	else if (o->event != PROFILE_BLOCKED && o->event != PROFILE_WAKEUPS)
		why = "a timeline has all that goroutines do: -f trace has no -e";
	else if (o->no_probes)
		why = "looks at goroutines do not see what they do moment by moment: -f trace "
		      "needs "
		      "probes";
	else if (o->async || o->root || o->requests)
		why = "a timeline has a track for each goroutine: -f trace has no --async, "
		      "--root and --requests";
	if (why)
		log_error("%s; see 'parkwatch record --help'", why);
	return why;
}

int timeline_begin(const struct opts *o, const struct format *f, struct timeline **ret,
		   struct cause *why)
{
	int err;

	if (!timeline_is_wanted(o, f))
		return 0;
	err = timeline__new(&(struct timeline_opts){ o->window_ns, o->window_bytes }, ret);
	return err ? cause__set(why, err, "cannot begin a timeline: %s", strerror(-err)) : 0;
}

void timeline_say(const struct timeline *t, const struct format *f)
{
	struct timeline_span s;

	timeline__span(t, &s);
	if (s.full)
		log_warn("the timeline is of the last %.3g s only: --window-bytes were used up",
			 (double)(s.end_ns - s.begin_ns) / NS_PER_SEC);
	log_info("the timeline is of the last %.3g s: %s",
		 (double)(s.end_ns - s.begin_ns) / NS_PER_SEC,
		 timeline_is(f) ? "open it in https://ui.perfetto.dev or chrome://tracing"
				: "'parkwatch report FILE.pw -f trace' writes it");
}
