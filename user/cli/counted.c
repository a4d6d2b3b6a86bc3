// SPDX-License-Identifier: BSD-2-Clause
#include "cli/counted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

void counted__free(struct counted *c)
{
	if (!c)
		return;
	snap__free(c->snap);
	callsites__free(c->calls);
	dump__free(c->d);
	free(c);
}

/* Who called the libraries that made goroutines: from the look before, and births that were seen. */
static int ask_creators(const struct replay *r, struct counted *c)
{
	int err = callsites__new(r->namers, r->book->nr_runtimes, &c->calls);

	if (!err && replay__look(r, &c->look))
		err = callsites__census(c->calls, c->look.censuses);
	return err ? err : callsites__births(c->calls, c->snap);
}

static int count_goroutines(const struct replay *r, struct counted *c)
{
	int err;

	if (!replay__look(r, &c->look))
		return -ENOENT;
	err = dump__new(&c->look.in, &(struct dump_opts){ 0 }, &c->d);
	return err ? err : dump__snap(c->d, PROFILE_ROOT_NONE, &c->snap);
}

/* c->snap is there, or err says why not. */
static int counted__finish(struct counted *c, const struct replay *r, int err, const char *path,
			   struct cause *why)
{
	if (!err && c->snap->root == PROFILE_ROOT_CREATED_BY)
		err = ask_creators(r, c);
	if (err == -ENOENT)
		return cause__set(why, err,
				  "'%s' has nothing that was counted by stack: it was written by "
				  "'%s'; try --view %s",
				  path, r->book->view, r->book->view);
	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	for (size_t i = 0; i < r->book->nr_runtimes; i++) {
		c->namers[i] = r->namers[i];
		c->namers[i].calls = c->calls;
	}
	c->report = (struct report){ .snap = c->snap,
				     .meta = &r->meta,
				     .namers = c->namers,
				     .nr_namers = r->book->nr_runtimes };
	return 0;
}

static int counted__new(const struct replay *r, const char *path, bool goroutines,
			struct counted **ret, struct cause *why)
{
	scoped(counted) c = calloc(1, sizeof(*c));
	int err = c ? snap_facts__snap(r->sums, &c->snap) : -ENOMEM;

	if (err == -ENOENT && goroutines)
		err = count_goroutines(r, c);
	err = counted__finish(c, r, err, path, why);
	if (err)
		return err;
	*ret = steal(c);
	return 0;
}

int counted__of_sums(const struct replay *r, const char *path, struct counted **ret,
		     struct cause *why)
{
	return counted__new(r, path, false, ret, why);
}

int counted__of_any(const struct replay *r, const char *path, struct counted **ret,
		    struct cause *why)
{
	return counted__new(r, path, true, ret, why);
}

/* --- single events, and cuts --- */

static double seconds(uint64_t ns)
{
	return (double)ns / NS_PER_SEC;
}

/* Up to then there is something to choose from. Cuts are of no goroutine. */
static uint64_t known_until(const struct event_facts_about *a, const struct event_filter *filter)
{
	return !filter->nr_goids && a->cuts_end_ns > a->until_ns ? a->cuts_end_ns : a->until_ns;
}

/* Why there are no later ones, and what to do. NULL: the recording ends there. */
static const char *why_missing(const struct replay *r, const struct event_facts_about *a,
			       uint64_t until_ns)
{
	if (a->refused && until_ns == a->until_ns)
		return "its bound was reached; record with a higher --max-events";
	if (a->cut_rows_refused)
		return "the bound for intervals was reached";
	if (r->has_meta && r->meta.duration_ns + r->meta.gap_ns > until_ns)
		return "the rest is estimated; record with --max-overhead 0 to have all";
	return NULL;
}

/* What there is of the first part of the time. */
static const char *kind_of(const struct event_facts_about *a, uint64_t until_ns)
{
	return until_ns > a->until_ns ? "intervals" : "single events";
}

/* That it has some, and some of that time. */
static int check_events(const struct replay *r, const char *path, const struct event_filter *filter,
			struct event_facts_about *ret, struct cause *why)
{
	const char *missing;
	uint64_t until_ns;

	if (!event_facts__about(r->events, ret) || (!ret->until_ns && !ret->cuts))
		return cause__set(why, -ENOENT,
				  "'%s' has no single events to choose from: 'parkwatch record -e "
				  "blocked|births|exits|sched -o FILE.pw' keeps them",
				  path);
	if (filter->nr_goids && !ret->until_ns)
		return cause__set(why, -ENOENT,
				  "'%s' has no single events, which --goid chooses from: it has "
				  "sums of intervals",
				  path);
	until_ns = known_until(ret, filter);
	missing = why_missing(r, ret, until_ns);
	if (filter->from_ns >= until_ns && missing)
		return cause__set(why, -ENOENT, "'%s' has %s of its first %.6g s only: %s", path,
				  kind_of(ret, until_ns), seconds(until_ns), missing);
	if (filter->from_ns >= until_ns)
		return cause__set(why, -EINVAL,
				  "'%s' ends after %.6g s: --from must be before that", path,
				  seconds(until_ns));
	return 0;
}

/* Of the time that was asked for. One that was refused may have begun long before. */
static void say_missing(const struct replay *r, const char *path, const struct event_filter *filter,
			const struct event_facts_about *a)
{
	const uint64_t until_ns = known_until(a, filter);
	const char *missing = why_missing(r, a, until_ns);

	if (a->refused)
		log_warn("'%s': %llu single events that ended after %.6g s are missing: %s", path,
			 (unsigned long long)a->refused, seconds(a->until_ns),
			 why_missing(r, a, a->until_ns));
	else if (missing && (!filter->to_ns || filter->to_ns > until_ns))
		log_warn("'%s' has %s of its first %.6g s only: %s", path, kind_of(a, until_ns),
			 seconds(until_ns), missing);
}

/* What was chosen: as asked for, but cuts count as a whole. */
struct chosen {
	uint64_t from_ns, to_ns;
};

static struct chosen chosen_of(const struct event_filter *filter, const struct event_facts_about *a)
{
	const uint64_t until_ns = known_until(a, filter);
	struct chosen c = {
		.from_ns = filter->from_ns,
		.to_ns = filter->to_ns && filter->to_ns < until_ns ? filter->to_ns : until_ns,
	};

	if (a->counted && a->counted_begin_ns < c.from_ns)
		c.from_ns = a->counted_begin_ns;
	if (a->counted && a->counted_end_ns > c.to_ns)
		c.to_ns = a->counted_end_ns;
	return c;
}

static void describe_filter(struct counted *c, const struct event_filter *filter,
			    const struct event_facts_about *a, const struct chosen *chosen)
{
	char whose[48] = "";

	if (filter->nr_goids == 1)
		snprintf(whose, sizeof(whose), ", goroutine %llu",
			 (unsigned long long)filter->goids[0]);
	else if (filter->nr_goids)
		snprintf(whose, sizeof(whose), ", %zu goroutines", filter->nr_goids);
	/* ends of cuts are whole milliseconds: all of them are told */
	snprintf(c->only, sizeof(c->only), "%.*g s to %.*g s of %.6g s%s%s%s%s", a->counted ? 9 : 6,
		 seconds(chosen->from_ns), a->counted ? 9 : 6, seconds(chosen->to_ns),
		 seconds(known_until(a, filter)), whose, a->counted ? ": whole intervals" : "",
		 c->snap->part ? ", errors not known" : "",
		 c->meta.lost || c->meta.gap_ns ? ", but what is missing is that of all" : "");
}

int counted__of_events(const struct replay *r, const char *path, const struct event_filter *filter,
		       struct counted **ret, struct cause *why)
{
	scoped(counted) c = calloc(1, sizeof(*c));
	struct event_facts_about about;
	struct chosen chosen;
	scoped(snap) sums = NULL;
	int err = check_events(r, path, filter, &about, why);

	if (err)
		return err;
	err = c ? event_facts__snap(r->events, &c->snap) : -ENOMEM;
	/* births that were seen tell who called a library: all of them do */
	if (!err && !snap_facts__snap(r->sums, &sums)) {
		c->snap->made = sums->made;
		c->snap->nr_made = sums->nr_made;
	}
	err = counted__finish(c, r, err, path, why);
	if (err)
		return err;
	say_missing(r, path, filter, &about);
	c->meta = r->meta;
	chosen = chosen_of(filter, &about);
	describe_filter(c, filter, &about, &chosen);
	c->meta.only = c->only;
	c->meta.wall_start_ns += chosen.from_ns;
	c->meta.duration_ns = chosen.to_ns - chosen.from_ns;
	c->meta.seen = c->snap->count;
	c->report.meta = &c->meta;
	*ret = steal(c);
	return 0;
}

void counted_say_read(const struct replay *r, const char *path)
{
	if (r->read.cut || !r->has_meta)
		log_warn("'%s' was cut off: this is what its %u whole segments have", path,
			 r->read.segments);
}
