// SPDX-License-Identifier: BSD-2-Clause
#include "report/renderer.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"

static const struct renderer *const renderers[] = {
	&renderer_folded,
	&renderer_pprof,
	&renderer_html,
	&renderer_text,
	&renderer_json,
};

const struct renderer *renderer_at(size_t i)
{
	return i < ARRAY_SIZE(renderers) ? renderers[i] : NULL;
}

const struct renderer *renderer_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(renderers); i++)
		if (!strcmp(renderers[i]->name, name))
			return renderers[i];
	return NULL;
}

const struct renderer *renderer_by_path(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(renderers); i++) {
		for (const char *const *s = renderers[i]->suffixes; *s; s++) {
			size_t n = strlen(*s);

			if (len > n && !strcmp(path + len - n, *s))
				return renderers[i];
		}
	}
	return NULL;
}

const char *report_event_name(enum profile_event e)
{
	static const char *const names[] = {
		[PROFILE_BLOCKED] = "blocked",
		[PROFILE_BIRTHS] = "births",
		[PROFILE_EXITS] = "exits",
		[PROFILE_SCHED] = "sched",
		[PROFILE_GOROUTINES] = "goroutines",
		[PROFILE_ALLOC] = "alloc",
	};

	return names[e];
}

const char *report_value_unit(enum profile_event e)
{
	if (e == PROFILE_ALLOC)
		return "bytes";
	return e == PROFILE_BLOCKED || e == PROFILE_SCHED ? "nanoseconds" : "goroutines";
}

const char *report_measure_name(enum alloc_measure m)
{
	static const char *const names[] = {
		[ALLOC_EXACT] = "exact",	   [ALLOC_UP_TO] = "up to",	[ALLOC_ESTIMATED] = "estimated",
		[ALLOC_BY_REFILLS] = "by refills", [ALLOC_SAMPLED] = "sampled",
	};

	return names[m];
}

bool report_is_estimated(const struct snap *s)
{
	bool is = s->windows;

	for (size_t i = 0; i < s->nr && !is; i++)
		is = s->rows[i].measure >= ALLOC_ESTIMATED;
	return is;
}

int report_write_error(struct cause *why)
{
	int err = errno ? errno : EIO;

	return cause__set(why, -err, "cannot write the report: %s", strerror(err));
}
