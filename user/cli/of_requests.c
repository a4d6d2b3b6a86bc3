/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/of_requests.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/percent.h"
#include "model/reqlabel.h"
#include "view/recording.h"

/* What looks can tell: waits that last, and what a goroutine does while it serves. */
static bool is_told(enum profile_event e)
{
	return profile_event_is_wait(e) || e == PROFILE_BLOCK || e == PROFILE_CPU ||
	       e == PROFILE_WALL || e == PROFILE_ALLOC;
}

/* A profile that programs read: it has labels. */
static bool has_labels(const struct format *f)
{
	return f->kind == FORMAT_PPROF || f->kind == FORMAT_OTLP;
}

/*
 * A profile for pprof has labels. With -e wall each look would read requests: fewer looks. With --alloc=exact each
 * allocation would be a record: some may be lost.
 */
bool of_requests_if_known(const struct opts *o, const struct format *f)
{
	return has_labels(f) && !o->requests && !o->root && is_told((enum profile_event)o->event) &&
	       o->event != PROFILE_WALL && !o->no_probes && !o->async &&
	       !(o->event == PROFILE_ALLOC && o->alloc == ALLOC_SOURCE_EXACT);
}

enum profile_root of_requests_root(const struct opts *o, const struct format *f)
{
	return (o->requests || of_requests_if_known(o, f)) && !o->root ? PROFILE_ROOT_REQUEST
								       : (enum profile_root)o->root;
}

bool of_requests_refuses(const struct opts *o, const struct format *f)
{
	const enum profile_root root = of_requests_root(o, f);

	if (o->requests && !profile_root_is_of_requests(root))
		log_error("--requests keeps rows apart by their request: --root can be route, "
			  "trace or span then; see 'parkwatch record --help'");
	else if (profile_root_is_of_requests(root) && !is_told((enum profile_event)o->event))
		log_error("looks at requests do not meet what -e %s counts: its request is not "
			  "known; see 'parkwatch record --help'",
			  report_event_name((enum profile_event)o->event));
	else
		return false;
	return true;
}

bool of_requests_apart(const struct opts *o, const struct format *f)
{
	return o->requests || o->save || f->kind == FORMAT_PW || has_labels(f);
}

/* One reason why there is no request. */
struct missing {
	const char *why;
	uint64_t value;
};

static void add_missing(struct missing *v, size_t nr, const char *why, uint64_t value)
{
	size_t i = 0;

	while (i + 1 < nr && strcmp(v[i].why, why))
		i++;
	v[i].value += value;
}

void of_requests_say(const struct snap *snap, const struct session_end *e)
{
	struct missing missing[] = { { REQLABEL_NO_LOOK, 0 }, { REQLABEL_NONE, 0 },
				     { REQLABEL_SEVERAL, 0 }, { REQLABEL_HAS, 0 },
				     { REQLABEL_CHANGED, 0 }, { REQLABEL_NOBODY, 0 },
				     { REQLABEL_REFUSED, 0 } };
	char buf[REQLABEL_TEXT_MAX + 1], text[512] = "", of[PERCENT_BYTES];
	const double all = snap->value ? (double)snap->value : 1;
	uint64_t told = 0;
	struct reqlabel l;
	size_t used = 0;

	for (size_t i = 0; i < snap->nr; i++) {
		reqlabel__get(snap->rows[i].label ? snap->rows[i].label : "", buf, &l);
		if (l.why)
			add_missing(missing, ARRAY_SIZE(missing), l.why, snap->rows[i].value);
		else
			told += snap->rows[i].value;
	}
	for (size_t i = 0; i < ARRAY_SIZE(missing) && used < sizeof(text); i++)
		if (missing[i].value)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %% %s",
						 used ? ", " : "; the rest is [no request]: ",
						 percent_text(100 * (double)missing[i].value / all,
							      of),
						 missing[i].why);
	log_info("of %s %% the request is known%s", percent_text(100 * (double)told / all, of),
		 text);
	log_info("requests were read in %u looks, which took %s %% of a processor",
		 e->request_looks ? e->request_looks : e->looks,
		 percent_text(e->duration_ns ? 100 * (double)e->requests_ns / (double)e->duration_ns
					     : 0.0,
			      of));
}

bool of_requests_can_show(const struct snap *snap, enum profile_root root)
{
	return snap->root == root ||
	       (profile_root_is_of_requests(snap->root) && profile_root_is_of_requests(root));
}
