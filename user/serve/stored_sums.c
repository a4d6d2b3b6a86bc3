// SPDX-License-Identifier: BSD-2-Clause
#include "serve/stored_sums.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "golang/gostate.h"
#include "serve/api.h"
#include "serve/profile_answer.h"
#include "serve/reading.h"
#include "serve/stored_look.h"
#include "view/replay.h"

static void say_time(uint64_t unix_ns, char *text, size_t size)
{
	const time_t s = (time_t)(unix_ns / NS_PER_SEC);
	struct tm tm;

	if (!localtime_r(&s, &tm) || !strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(text, size, "?");
}

int stored_sums__of(const struct store_found *f, const char *target, char only[STORED_ONLY_MAX],
		    struct replay **ret, struct cause *why)
{
	char from[32], to[32];
	const int err = replay__of_bytes(f->pw, f->len, target, ret, why);

	if (err)
		return err;
	snap_facts__mean((*ret)->sums, f->recordings);
	say_time(f->first_unix_ns, from, sizeof(from));
	say_time(f->last_unix_ns, to, sizeof(to));
	snprintf(only, STORED_ONLY_MAX, "the mean of %llu looks, %s to %s",
		 (unsigned long long)f->recordings, from, to);
	(*ret)->meta.only = only;
	(*ret)->meta.wall_start_ns = f->first_unix_ns;
	(*ret)->meta.duration_ns = f->last_unix_ns - f->first_unix_ns;
	return 0;
}

int stored_sums__recorded(const struct store_found *f, const char *target,
			  char only[STORED_ONLY_MAX], struct replay **ret, struct cause *why)
{
	char from[32], to[32];
	const int err = replay__of_bytes(f->pw, f->len, target, ret, why);
	uint64_t ns;

	if (err)
		return err;
	snap_facts__forget_labels((*ret)->sums);
	ns = snap_facts__add_up((*ret)->sums);
	say_time(f->first_unix_ns, from, sizeof(from));
	say_time(f->last_unix_ns, to, sizeof(to));
	snprintf(only, STORED_ONLY_MAX, "what %llu recordings of %.0f s in all saw, %s to %s",
		 (unsigned long long)f->recordings, (double)ns / NS_PER_SEC, from, to);
	(*ret)->meta.only = only;
	(*ret)->meta.wall_start_ns = f->first_unix_ns;
	(*ret)->meta.duration_ns = ns;
	return 0;
}

/* --- over HTTP --- */

/* Seconds since 1970; 0: it is no such number. */
uint64_t stored_unix_ns(const char *text)
{
	char *end;
	const uint64_t s = text ? strtoul(text, &end, 10) : 0;

	return !text || *end || text[0] < '0' || text[0] > '9' || s > UINT32_MAX ? 0
										 : s * NS_PER_SEC;
}

/* A word of dump for what waits. */
static bool is_wait(const char *word)
{
	for (int s = 0; s < GOSTATE_STATUS; s++)
		if (gostate_wait((enum gostate)s) != GOWAIT_NONE &&
		    !strcmp(word, gostate_word((enum gostate)s)))
			return true;
	return false;
}

static void make_blocked(struct snap_facts *s, uint64_t ns)
{
	struct snap_row *rows = snap_facts__rows(s);
	size_t to = 0;

	for (size_t i = 0; i < snap_facts__nr(s); i++)
		if (is_wait(rows[i].word)) {
			rows[to] = rows[i];
			rows[to++].value *= ns;
		}
	snap_facts__keep(s, to);
}

bool stored_asked(const struct http_request *q, const char *target, const char *from,
		  const char *to, struct store_asked *ret)
{
	*ret = (struct store_asked){ .dir = "the store",
				     .target = target,
				     .view = STORED_SUMS_VIEW,
				     .from_unix_ns = stored_unix_ns(http_query(q, from)),
				     .to_unix_ns = stored_unix_ns(http_query(q, to)) };
	if (ret->from_unix_ns >= ret->to_unix_ns)
		return false;
	ret->step_ns = (ret->to_unix_ns - ret->from_unix_ns) / PROFILE_LOOKS;
	return true;
}

int stored_sums__read(int store, const struct store_asked *asked, bool is_blocked,
		      char only[STORED_ONLY_MAX], struct replay **ret, struct cause *why)
{
	struct store_found found = { .len = 0 };
	int err = store_read_at(store, asked, &found, why);

	if (!err)
		err = stored_sums__of(&found, asked->target, only, ret, why);
	store_found__done(&found);
	if (!err && is_blocked)
		make_blocked((*ret)->sums, asked->to_unix_ns - asked->from_unix_ns);
	return err;
}

/* What a view is, and how it is made of what the store has. */
struct stored_view {
	const char *name, *view;
	bool recorded;
	bool waits; /* of goroutines: those that wait, times the time */
};

static const struct stored_view views[] = {
	{ "goroutines", STORED_SUMS_VIEW, false, false },
	{ "blocked", "blocked", true, false },
	{ "births", "births", true, false },
	{ "exits", "exits", true, false },
	{ "alloc", "alloc", true, false },
	{ "cpu", "cpu", true, false },
};
static const struct stored_view waits_of_looks = { "blocked", STORED_SUMS_VIEW, false, true };

int stored_sums__read_recorded(int store, const struct store_asked *of, const char *event,
			       char only[STORED_ONLY_MAX], struct replay **ret, struct cause *why)
{
	struct store_found found = { .len = 0 };
	struct store_asked asked = *of;
	int err;

	asked.view = event;
	asked.step_ns = 0;
	err = store_read_at(store, &asked, &found, why);
	if (!err)
		err = stored_sums__recorded(&found, asked.target, only, ret, why);
	store_found__done(&found);
	return err;
}

static int profile_text(int store, const struct stored_view *v, const struct store_asked *asked,
			const struct profile_format *f, struct http_answer *a, struct cause *why)
{
	scoped(replay) r = NULL;
	char only[STORED_ONLY_MAX];
	int err = v->recorded ? stored_sums__read_recorded(store, asked, v->view, only, &r, why)
			      : stored_sums__read(store, asked, v->waits, only, &r, why);

	if (err)
		return err;
	return profile_answer(r, f, a, why);
}

/* NULL: there is none. */
static const struct stored_view *find_view(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (!strcmp(name, views[i].name))
			return &views[i];
	return NULL;
}

void profile_read(const struct reading *of, struct http_answer *a)
{
	const struct http_request *q = of->q;
	const char *name = http_query(q, "view");
	const struct stored_view *v = find_view(name ? name : "goroutines");
	const struct profile_format *f = profile_format(http_query(q, "format")),
				    *usual = profile_format(NULL);
	struct store_asked asked;
	struct cause why = { "" };
	int err;

	if (of->store < 0 || !v) {
		api_error(a, 404,
			  of->store >= 0 ? "only goroutines, blocked, births, exits, alloc and cpu "
					   "are stored"
					 : "no history is on disk");
		return;
	}
	if (!f || !stored_asked(q, of->target, "from", "to", &asked)) {
		api_error(a, 400,
			  "give from=UNIX and to=UNIX, later, or seconds=N; "
			  "format: " PROFILE_FORMATS);
		return;
	}
	err = profile_text(of->store, v, &asked, f, a, &why);
	if (err == -ENOENT && !strcmp(v->name, "blocked") && f != usual) {
		api_error(a, 400, "of waits that looks saw, and no recording: folded only");
		return;
	}
	if (err == -ENOENT && !strcmp(v->name, "blocked"))
		err = profile_text(of->store, &waits_of_looks, &asked, usual, a, &why);
	if (err)
		api_error(a, err == -ENOENT ? 404 : 500, why.text);
}
