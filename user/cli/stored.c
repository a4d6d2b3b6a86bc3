// SPDX-License-Identifier: BSD-2-Clause
#include "cli/stored.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve/state_dir.h"
#include "serve/store_read.h"
#include "serve/stored_look.h"
#include "serve/stored_sums.h"
#include "view/replay.h"

static const struct stored_view {
	const char *name, *command;
	bool newest, recorded;
} views[] = {
	{ "goroutines", STORED_SUMS_VIEW, false, false },
	{ "dump", STORED_WHOLE_VIEW, true, false },
	{ "requests", STORED_WHOLE_VIEW, true, false },
	{ "leaks", STORED_LEAKS_VIEW, true, false },
	{ "blocked", "blocked", false, true },
	{ "births", "births", false, true },
	{ "exits", "exits", false, true },
	{ "alloc", "alloc", false, true },
	{ "cpu", "cpu", false, true },
};

static const struct stored_view *find_view(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (!strcmp(name, views[i].name))
			return &views[i];
	return NULL;
}

/* A length of time is one before now. */
static uint64_t unix_of(const struct moment *m, uint64_t now, uint64_t otherwise)
{
	if (m->clock)
		return m->ns;
	return !m->ns ? otherwise : m->ns < now ? now - m->ns : 0;
}

int stored_open(const struct opts *o, char only[STORED_ONLY_MAX], struct replay **ret,
		struct cause *why)
{
	const struct stored_view *v = find_view(o->shows ? o->shows : "goroutines");
	const uint64_t now = clock_ns(CLOCK_REALTIME);
	struct store_asked a = { .dir = o->state_dir ? o->state_dir : STATE_DIR,
				 .target = o->target,
				 .from_unix_ns = unix_of(&o->from, now, 0),
				 .to_unix_ns = unix_of(&o->to, now, UINT64_MAX) };
	struct store_found f = { .len = 0 };
	struct cause no = { "" };
	scoped(replay) r = NULL;
	int err;

	if (!v)
		return cause__set(
			why, -EINVAL,
			"'%s' is not stored of a target: --view goroutines, dump, requests, "
			"leaks; "
			"blocked, births, exits, alloc, cpu",
			o->shows);
	if (a.to_unix_ns <= a.from_unix_ns)
		return cause__set(why, -EINVAL, "--to must be after --from");
	a.view = v->command;
	a.newest = v->newest;
	err = store_read(&a, &f, &no);
	if (err)
		return cause__set(why, err, "%s%s", no.text,
				  err == -ENOENT && v->recorded
					  ? "; events are recorded at level profile or full"
					  : "");
	if (f.damaged)
		log_warn("%llu files of '%s' are not whole: this is what is whole",
			 (unsigned long long)f.damaged, a.target);
	err = v->newest     ? replay__of_bytes(f.pw, f.len, a.target, &r, why)
	      : v->recorded ? stored_sums__recorded(&f, a.target, only, &r, why)
			    : stored_sums__of(&f, a.target, only, &r, why);
	store_found__done(&f);
	if (!err)
		*ret = steal(r);
	return err;
}
