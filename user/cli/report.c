// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "cli/begin.h"
#include "cli/busy.h"
#include "cli/commands.h"
#include "cli/counted.h"
#include "cli/filters.h"
#include "cli/format.h"
#include "cli/kept_requests.h"
#include "cli/of_requests.h"
#include "cli/option_table.h"
#include "cli/show.h"
#include "cli/stored.h"
#include "cli/timeline.h"
#include "view/replay.h"

#define ARGS_MAX (2 * OPT_SHOWN_MAX + 8)

static const char *peer_of(void *ctx, int fd)
{
	return book__peer(ctx, fd);
}

struct args {
	char *v[ARGS_MAX];
	int nr;
};

static int args__add(struct args *a, const char *name, const char *value)
{
	const struct opt_def *d = opt_of_report(name);

	if (a->nr >= ARGS_MAX - 2)
		return -E2BIG;
	if (!d)
		return -EINVAL;
	if (asprintf(&a->v[a->nr], d->arg ? "--%s=%s" : "--%s", name, value) < 0)
		return -ENOMEM;
	a->nr++;
	return 0;
}

static bool is_taken_over(const struct opts *o, const struct book *b, const char *option)
{
	/* How many of something else. */
	if (!strcmp(option, "top") && o->shows && strcmp(o->shows, b->view) != 0)
		return false;
	/* They are in the recording, so they are shown. */
	if (!strcmp(option, "requests"))
		return false;
	return opt_of_report(option);
}

/*
 * The options as if the recording's came first. args: their texts, which must live as long as *ret.
 * 0, or an error with a cause; -EINVAL after a line of the parser's.
 */
static int with_recorded(const struct opts *o, const struct book *b, struct args *a,
			 struct opts *ret, struct cause *why)
{
	int err = 0;

	a->v[a->nr++] = strdup("parkwatch");
	a->v[a->nr++] = strdup("report");
	/*
	 * A file never says where anything is written. What says no more than how it was recorded,
	 * or is of a newer parkwatch, is passed over.
	 */
	for (size_t i = 0; i < b->nr_options && !err; i++)
		if (is_taken_over(o, b, b->options[i]))
			err = args__add(a, b->options[i], b->values[i]);
	for (size_t i = 0; i < o->nr_shown && !err; i++)
		err = args__add(a, o->shown[i], o->shown_values[i]);
	if (err)
		return cause__set(why, err, "the recording was made with too many options");
	a->v[a->nr++] = strdup(o->operands[0]);
	if (!a->v[0] || !a->v[1] || !a->v[a->nr - 1])
		return cause__no_memory(why);
	if (opts__parse(ret, a->nr, a->v))
		return -EINVAL;
	ret->format = o->format;
	ret->output = o->output;
	ret->mode = o->mode;
	ret->diff = o->diff;
	ret->pid = (int)b->pid;
	return 0;
}

/* --- the views --- */

static int report_dump(const struct opts *o, const struct format *f, const struct filter *filter,
		       const struct replay *r, uint64_t until_ns, FILE *out, struct cause *why)
{
	const struct show_of of = { .meta = &r->meta, .peer = peer_of, .peer_ctx = r->book };
	struct replay_look look;
	scoped(dump) d = NULL;
	int err;

	if (!(until_ns ? replay__look_until(r, until_ns, &look) : replay__look(r, &look)))
		return cause__set(why, -ENOENT,
				  "'%s' has no look at all goroutines: it was written by '%s'; try "
				  "--view %s",
				  o->operands[0], r->book->view, r->book->view);
	err = kept_requests_are_there(o, r, &look, why);
	if (!err)
		err = show_filtered(o, filter, &look.in, &d, why);
	return err ? err : show_dump(o, f, filter, d, &of, out, why);
}

static int report_leaks(const struct opts *o, const struct format *f, const struct replay *r,
			FILE *out, struct cause *why)
{
	struct replay_look look;
	struct leaks_show s;
	scoped(leaks) l = NULL;
	int err;

	if (leaks_facts__has(r->leaks) && !r->has_meta)
		return cause__set(why, -ENOENT,
				  "'%s' was cut off within what leaks; try --view dump",
				  o->operands[0]);
	if (!replay__look(r, &look) || !leaks_facts__has(r->leaks))
		return cause__set(why, -ENOENT,
				  "'%s' does not tell what leaks: it was written by '%s'; try "
				  "--view %s",
				  o->operands[0], r->book->view, r->book->view);
	err = leaks_facts__leaks(r->leaks, &look.in, &l, &s, why);
	if (err)
		return err;
	s.meta = &r->meta;
	s.suspects = o->suspects;
	s.all = o->all;
	return format__write(f, VIEW_LEAKS, &(struct shown){ .leaks = { .leaks = l, .show = &s } },
			     out, why);
}

static bool was_given(const struct book *b, const char *option)
{
	for (size_t i = 0; i < b->nr_options; i++)
		if (!strcmp(b->options[i], option))
			return true;
	return false;
}

static int report_chans(const struct opts *o, const struct format *f, const struct filter *filter,
			const struct replay *r, FILE *out, struct cause *why)
{
	static const struct gchans no_chans;
	static const struct glocks no_locks;
	static const struct gholds no_holds;
	static const struct waitgraph no_graph;
	struct chans_source sources[BOOK_RUNTIMES_MAX];
	struct replay_look look;
	bool any = false;

	for (uint16_t i = 0; i < BOOK_RUNTIMES_MAX && r->book->nr_looks; i++) {
		if (book_look__waits(book__last_look(r->book), i, &sources[i]))
			any = true;
		else
			sources[i] =
				(struct chans_source){ &no_chans, &no_locks, &no_holds, &no_graph };
	}
	if (!any || !replay__look(r, &look))
		return cause__set(why, -ENOENT,
				  "'%s' has no channels and locks: it was written by '%s'; try "
				  "--view %s",
				  o->operands[0], r->book->view, r->book->view);
	if (o->elements && !was_given(r->book, "elements"))
		return cause__set(why, -EINVAL,
				  "'%s' was recorded without --elements: what channels hold is not "
				  "in it",
				  o->operands[0]);
	return show_chans(o, f, filter, &look.in, sources, r->book->watch, &r->meta, out, why);
}

/* What was asked for is answered: filters say nothing any more. */
static int report_refs(const struct opts *o, const struct format *f, const struct replay *r,
		       FILE *out, struct cause *why)
{
	struct replay_look look;
	struct refs_show s;
	scoped(dump) d = NULL;
	scoped(refs) rs = NULL;
	int err;

	if (!replay__look(r, &look))
		return cause__set(why, -ENOENT, "'%s' has no look at all goroutines",
				  o->operands[0]);
	err = dump__new(&look.in, &(struct dump_opts){ .system = true }, &d);
	if (err)
		return cause__set(why, err, "out of memory");
	err = refs_facts__refs(r->refs, d, &rs, &s, why);
	if (err == -ENOENT)
		return cause__set(why, err,
				  "'%s' does not tell what keeps goroutines: it was written by "
				  "'%s'; try --view %s",
				  o->operands[0], r->book->view, r->book->view);
	if (err)
		return err;
	s.meta = &r->meta;
	s.top = o->top ? o->top : REFS_TOP;
	return format__write(f, VIEW_REFS, &(struct shown){ .refs = { .refs = rs, .show = &s } },
			     out, why);
}

/* What was asked of single events; false: nothing. */
static bool is_wanted(const struct event_filter *p)
{
	return p->from_ns || p->to_ns || p->nr_goids;
}

/* That it has one, and some of that time. */
static int check_timeline(const struct opts *o, const struct replay *r,
			  const struct event_filter *events, struct cause *why)
{
	struct timeline_span w;
	double from_s, to_s;

	if (!timeline_facts__window(r->timeline, &w))
		return 0; /* the format says so */
	from_s = (double)(w.begin_ns - w.first_ns) / NS_PER_SEC;
	to_s = (double)(w.end_ns - w.first_ns) / NS_PER_SEC;
	if (events->from_ns >= w.end_ns - w.first_ns ||
	    (events->to_ns && events->to_ns <= w.begin_ns - w.first_ns))
		return cause__set(why, -ENOENT, "'%s' has a timeline of %.4g s to %.4g s only",
				  o->operands[0], from_s, to_s);
	return 0;
}

static int report_sums(const struct opts *o, const struct format *f, const struct replay *r,
		       const struct event_filter *events, FILE *out, struct cause *why)
{
	const bool timeline = timeline_is(f);
	struct busy busy = { .snap = NULL };
	scoped(counted) c = NULL;
	int err = timeline ? check_timeline(o, r, events, why) : 0;

	if (!err)
		err = is_wanted(events) && !timeline
			      ? counted__of_events(r, o->operands[0], events, &c, why)
			      : counted__of_sums(r, o->operands[0], &c, why);

	if (err)
		return err;
	if (o->root && !of_requests_can_show(c->snap, (enum profile_root)o->root))
		return cause__set(
			why, -EINVAL,
			"'%s' was recorded without --root for that: what it counted cannot "
			"be told apart any more",
			o->operands[0]);
	if (o->root)
		c->snap->root = (enum profile_root)o->root;
	c->report.full = o->full;
	c->report.timeline = timeline_facts__timeline(r->timeline);
	c->report.stacks = timeline_facts__stacks(r->timeline);
	if (o->busy)
		err = busy__leave_out_idle(&busy, &c->report, why);
	if (!err)
		err = format__write(f, VIEW_RECORDING, &(struct shown){ .recording = c->report },
				    out, why);
	busy__done(&busy);
	return err;
}

static int write_view(const struct opts *o, enum view v, const struct replay *r,
		      const struct filter *filter, const struct event_filter *events,
		      struct cause *why)
{
	const struct format *f = NULL;
	scoped(outfile) out = NULL;
	int err = format_choose_of(o, v, &f);

	if (err)
		return -EINVAL;
	if (f->kind == FORMAT_PW)
		return cause__set(why, -EINVAL, "'%s' is a recording already", o->operands[0]);
	err = outfile__open(o->output, o->mode, &out, why);
	if (!err && v == VIEW_RECORDING)
		err = report_sums(o, f, r, events, outfile__stream(out), why);
	else if (!err && (v == VIEW_CHANS || v == VIEW_CHANS_WATCH))
		err = report_chans(o, f, filter, r, outfile__stream(out), why);
	else if (!err && v == VIEW_REFS)
		err = report_refs(o, f, r, outfile__stream(out), why);
	else if (!err && v == VIEW_REQUESTS)
		err = kept_requests_show(o, f, filter, r, outfile__stream(out), why);
	else if (!err && v == VIEW_LEAKS)
		err = report_leaks(o, f, r, outfile__stream(out), why);
	else if (!err)
		err = report_dump(o, f, filter, r, events->to_ns, outfile__stream(out), why);
	return out ? outfile__end(out, err, why) : err;
}

static const char *event_word(const struct replay *r)
{
	enum profile_event event;

	return snap_facts__event(r->sums, &event) ? report_event_name(event) : "";
}

/* A view by its command, or by the event that was recorded. */
static int find_view(const struct opts *o, const struct replay *r, enum view *ret,
		     struct cause *why)
{
	static const struct {
		const char *name;
		enum view v;
	} views[] = { { "record", VIEW_RECORDING },  { "dump", VIEW_DUMP },
		      { "requests", VIEW_REQUESTS }, { "leaks", VIEW_LEAKS },
		      { "chans", VIEW_CHANS },       { "refs", VIEW_REFS } };
	const char *name = o->shows ? o->shows : r->book->view, *has = event_word(r);
	bool is_event = false;

	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (!strcmp(name, views[i].name)) {
			*ret = views[i].v;
			return 0;
		}
	for (int e = 0; e < PROFILE_EVENTS; e++)
		is_event |= e != PROFILE_GOROUTINES &&
			    !strcmp(name, report_event_name((enum profile_event)e));
	*ret = VIEW_RECORDING;
	if (is_event && !strcmp(name, has))
		return 0;
	if (is_event)
		return cause__set(why, -ENOENT,
				  "'%s' has no %s: it was written by '%s%s%s'; try "
				  "--view %s",
				  o->operands[0], name, r->book->view, has[0] ? " -e " : "", has,
				  has[0] ? has : r->book->view);
	return cause__set(
		why, -EINVAL,
		"there is no view '%s': record, dump, requests, leaks, chans, refs; blocked, "
		"births, exits, sched, alloc, wakeups, cpu, block, mutex, wall",
		name);
}

static int report(const struct opts *o, const struct replay *r, const struct event_filter *events,
		  struct cause *why)
{
	struct args a = { .nr = 0 };
	scoped(filter) filter = NULL;
	struct opts both;
	enum view v;
	int err = find_view(o, r, &v, why);

	if (!err)
		err = kept_requests_check(o, v, why);
	if (err)
		return err;
	for (size_t i = 0; i < o->nr_shown && v == VIEW_REFS; i++)
		if (strcmp(o->shown[i], "top"))
			return cause__set(why, -EINVAL,
					  "a recording of refs answers what was asked: --%s cannot "
					  "change it",
					  o->shown[i]);
	if (v != VIEW_RECORDING && (events->from_ns || events->to_ns) &&
	    (v != VIEW_DUMP || events->from_ns || r->book->nr_looks < 2))
		return cause__set(why, -EINVAL, "--from and --to choose from events: %s",
				  event_word(r)[0] ? "try --view record"
						   : "'parkwatch record -e "
						     "blocked|births|exits|sched -o FILE.pw' keeps "
						     "them");
	err = with_recorded(o, r->book, &a, &both, why);
	if (!err && v == VIEW_CHANS && r->book->watch)
		v = VIEW_CHANS_WATCH;
	if (!err && v == VIEW_DUMP)
		v = both.group ? VIEW_GROUPS : VIEW_DUMP;
	if (!err)
		err = filters_make(&both, &filter, why);
	if (!err)
		err = write_view(&both, v, r, filter, events, why);
	for (int i = 0; i < a.nr; i++)
		free(a.v[i]);
	return err;
}

/* goids: room for PW_GOIDS_MAX. */
static int filter_events(const struct opts *o, uint64_t *goids, struct event_filter *ret,
			 struct cause *why)
{
	*ret = (struct event_filter){ .from_ns = o->from.ns, .to_ns = o->to.ns, .goids = goids };
	if (o->from.clock || o->to.clock)
		return cause__set(why, -EINVAL,
				  "a time of day chooses from what is stored of a target: give "
				  "--target ID, or a time since the recording began, as 10s");
	if (o->to.ns && o->to.ns <= o->from.ns)
		return cause__set(why, -EINVAL, "--to must be after --from");
	for (size_t i = 0; i < o->nr_filters; i++)
		if (!strcmp(o->filters[i].name, "goid") &&
		    opt_goids(o->filters[i].value, goids, &ret->nr_goids))
			return cause__set(why, -EINVAL,
					  "bad --goid '%s': it takes N[,N...], %d at most",
					  o->filters[i].value, PW_GOIDS_MAX);
	return 0;
}

static int exit_status(int err, const struct cause *why)
{
	if (!err)
		return 0;
	if (why->text[0])
		log_error("%s", why->text);
	return err == -EINVAL ? 2 : 1;
}

/* What is stored of a target, as if it were a file. */
static int report_target(const struct opts *o)
{
	const struct event_filter all = { 0 };
	char *name = (char *)(uintptr_t)o->target, only[STORED_ONLY_MAX];
	struct opts of = *o;
	scoped(replay) r = NULL;
	struct cause why = { "" };
	int err = stored_open(o, only, &r, &why);

	of.operands = &name;
	of.nr_operands = 1;
	if (!o->shows || strcmp(o->shows, "requests") != 0)
		of.shows = NULL; /* as what is stored of it was written */
	if (!err)
		err = report(&of, r, &all, &why);
	return exit_status(err, &why);
}

/* As the run itself told them. */
static void say_warnings(const struct book *b)
{
	for (size_t i = 0; i < b->nr_lines; i++)
		if (b->lines[i].level == LOG_WARN)
			log_warn("%s", b->lines[i].text);
}

static int report_file(const struct opts *o)
{
	uint64_t goids[PW_GOIDS_MAX];
	scoped(replay) r = NULL;
	struct event_filter events;
	struct cause why = { "" };
	int err = filter_events(o, goids, &events, &why);

	if (!err)
		err = replay__open_events(o->operands[0], is_wanted(&events) ? &events : NULL, &r,
					  &why);
	if (!err) {
		counted_say_read(r, o->operands[0]);
		say_warnings(r->book);
		err = report(o, r, &events, &why);
	}
	return exit_status(err, &why);
}

int cmd_report(const struct opts *o)
{
	if (o->target)
		return report_target(o);
	return report_file(o);
}

/* --- what is in it --- */

static void print_looks(const struct replay *r)
{
	for (size_t i = 0; i < r->book->nr_looks; i++) {
		const struct book_look *look = &r->book->looks[i];
		size_t nr = 0, stacks = 0;

		for (size_t rt = 0; rt < BOOK_RUNTIMES_MAX; rt++) {
			nr += look->censuses[rt] ? look->censuses[rt]->nr : 0;
			stacks += look->censuses[rt] ? look->censuses[rt]->nr_stacks : 0;
		}
		printf("look %zu        %zu goroutines in %zu stacks\n", i, nr, stacks);
	}
}

static void print_waits(const struct replay *r)
{
	size_t chans = 0, locks = 0, holders = 0, deadlocks = 0;
	bool any = false;

	for (uint16_t rt = 0; rt < BOOK_RUNTIMES_MAX && r->book->nr_looks; rt++) {
		struct chans_source s;

		if (!book_look__waits(book__last_look(r->book), rt, &s))
			continue;
		any = true;
		chans += s.chans->nr;
		locks += s.locks->nr;
		holders += s.holds->nr;
		deadlocks += s.graph->nr_cycles;
	}
	if (any)
		printf("waited for    %zu channels, %zu locks with %zu holders, %zu deadlocks\n",
		       chans, locks, holders, deadlocks);
	if (r->book->watch)
		printf("watched       %zu channels for %.3g s, %u looks\n", r->book->watch->nr,
		       (double)r->book->watch->duration_ns / NS_PER_SEC, r->book->watch->looks);
}

static void print_timeline(const struct replay *r)
{
	const struct timeline *t = timeline_facts__timeline(r->timeline);
	struct timeline_span w;

	if (timeline_facts__window(r->timeline, &w))
		printf("timeline      from %.6g s to %.6g s, %zu goroutines, which ran %zu times\n",
		       (double)(w.begin_ns - w.first_ns) / NS_PER_SEC,
		       (double)(w.end_ns - w.first_ns) / NS_PER_SEC, timeline__nr(t),
		       timeline__nr_rounds(t));
}

static void print_refs(const struct replay *r)
{
	const struct refs *rs = refs_facts__read(r->refs);

	if (rs)
		printf("paths         %zu, of %zu groups of goroutines\n", rs->nr_paths, rs->nr);
}

#define TIME_MAX 48

/* "" where it is not known. */
static const char *time_text(uint64_t unix_ns, char *text, size_t size)
{
	const time_t s = (time_t)(unix_ns / NS_PER_SEC);
	size_t len = 0;
	struct tm tm;

	text[0] = '\0';
	if (unix_ns && gmtime_r(&s, &tm))
		len = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
	if (len)
		snprintf(text + len, size - len, ".%06lluZ",
			 (unsigned long long)(unix_ns % NS_PER_SEC / 1000));
	return text;
}

static void print_lines(const struct book *b)
{
	char at[TIME_MAX];

	for (size_t i = 0; i < b->nr_lines; i++)
		printf("said          %s %s%s\n", time_text(b->lines[i].unix_ns, at, TIME_MAX),
		       log_word(b->lines[i].level), b->lines[i].text);
	if (b->lines_lost)
		printf("said          %llu more lines, over the bound for a recording\n",
		       (unsigned long long)b->lines_lost);
}

static void print_events(const struct replay *r)
{
	struct event_facts_about a;

	if (!event_facts__about(r->events, &a))
		return;
	if (a.until_ns || a.count) {
		printf("single events %llu, of the first %.6g s", (unsigned long long)a.count,
		       (double)a.until_ns / NS_PER_SEC);
		if (a.refused)
			printf("; %llu over the bound are missing", (unsigned long long)a.refused);
		printf("\n");
	}
	if (a.cuts)
		printf("intervals     %llu, from %.6g s to %.6g s\n", (unsigned long long)a.cuts,
		       (double)a.cuts_begin_ns / NS_PER_SEC, (double)a.cuts_end_ns / NS_PER_SEC);
}

static void print_info(const char *path, const struct replay *r)
{
	const struct book *b = r->book;
	const char *event = event_word(r);
	char began[TIME_MAX];

	printf("recording     %s, format %u.%u, by parkwatch %s %s\n", path, r->read.major,
	       r->read.minor, b->parkwatch, b->view);
	printf("process       pid %u '%s', %s%s%s\n", b->pid, b->comm, b->exe,
	       b->build_id[0] ? ", build id " : "", b->build_id);
	for (size_t i = 0; i < b->nr_runtimes; i++)
		printf("runtime       %s\n", b->runtimes[i].version);
	if (r->meta.wall_start_ns)
		printf("began         %s\n", time_text(r->meta.wall_start_ns, began, TIME_MAX));
	if (r->meta.duration_ns)
		printf("duration      %.3g s\n", (double)r->meta.duration_ns / 1e9);
	print_looks(r);
	kept_requests_print(r);
	print_waits(r);
	print_refs(r);
	if (event[0])
		printf("counted       %s, by stack\n", event);
	print_events(r);
	print_timeline(r);
	if (leaks_facts__has(r->leaks))
		printf("leaks         %zu groups of goroutines, with what speaks for and against "
		       "each\n",
		       leaks_facts__groups(r->leaks));
	if (r->has_meta)
		printf("events        %llu, %llu lost\n", (unsigned long long)r->meta.seen,
		       (unsigned long long)r->meta.lost);
	if (r->meta.cost[0])
		printf("overhead      %s\n", r->meta.cost);
	print_lines(b);
	printf("facts         %llu in %u segments, %llu bytes (%llu before compression)%s\n",
	       (unsigned long long)r->read.facts, r->read.segments,
	       (unsigned long long)r->read.packed_bytes, (unsigned long long)r->read.raw_bytes,
	       r->read.cut ? "; cut off" : "");
	if (r->read.unknown)
		printf("unknown       %llu facts of kinds that this parkwatch does not know\n",
		       (unsigned long long)r->read.unknown);
}

int cmd_info(const struct opts *o)
{
	scoped(replay) r = NULL;
	struct cause why = { "" };
	char path[256];

	if (replay__open(o->operands[0], &r, &why)) {
		log_error("%s", why.text);
		return 1;
	}
	counted_say_read(r, o->operands[0]);
	clean(path, sizeof(path), o->operands[0]);
	print_info(path, r);
	return end_of_print(0);
}
