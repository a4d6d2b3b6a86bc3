// SPDX-License-Identifier: BSD-2-Clause
#include "cli/top_looks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/cleanup.h"
#include "view/dump.h"
#include "view/dump_tally.h"
#include "view/replay.h"

void top_data__init(struct top_data *d, const struct ask_whom *daemon, uint64_t pace_ns)
{
	*d = (struct top_data){ .daemon = *daemon, .pace_ns = pace_ns };
	looker__init(&d->looker);
}

static void forget(struct top_data *d)
{
	processes__done(&d->processes);
	top_counts__free(steal(d->counts));
	history__free(steal(d->history));
	free(steal(d->look));
	free(steal(d->rows));
	digest__done(&d->digest);
	d->times = (struct top_looks){ .nr = 0 };
	d->looks = 0;
	d->ended = false;
}

void top_data__done(struct top_data *d)
{
	looker__stop(&d->looker);
	forget(d);
}

static int start(struct top_data *d)
{
	d->heard_ns = clock_now_ns();
	d->fresh = true;
	return looker__start(&d->looker, d->pid, d->pace_ns, &d->daemon);
}

int top_data__open(struct top_data *d, pid_t pid)
{
	int err;

	forget(d);
	d->pid = pid;
	err = pid ? history__new(&d->history) : top_counts__new(&d->counts);
	return err ? err : start(d);
}

int top_data__again(struct top_data *d, uint64_t pace_ns)
{
	d->pace_ns = pace_ns;
	return d->ended ? 0 : start(d);
}

/* --- a look --- */

static int take_processes(struct top_data *d)
{
	struct processes now;
	int err = looker__processes(&d->looker, d->daemon.url, &now);

	if (err)
		return err;
	processes__done(&d->processes);
	d->processes = now;
	return top_counts__look(d->counts, &now, clock_now_ns());
}

struct opened { /* a look */
	struct replay *replay;
	struct replay_look at;
	struct dump *dump;
};

static void opened__done(struct opened *o)
{
	dump__free(o->dump);
	replay__free(o->replay);
}

/* 0, -EBADMSG: it is no look; others. opened__done() in any case. */
static int opened__init(struct opened *o, const char *look, size_t len)
{
	int err;

	*o = (struct opened){ .dump = NULL };
	err = replay__of_bytes(look, len, "look", &o->replay, NULL);
	if (err)
		return err;
	if (!replay__look(o->replay, &o->at))
		return -EBADMSG;
	return dump__new(&o->at.in, &(struct dump_opts){ .system = false }, &o->dump);
}

static void find_oldest(struct top_data *d, const struct tally_look *l)
{
	memset(d->oldest_ns, 0, sizeof(d->oldest_ns));
	d->oldest_ns[HISTORY_OTHER] = l->other.oldest_ns;
	for (size_t i = 0; i < l->nr; i++)
		if (l->rows[i].oldest_ns > d->oldest_ns[d->rows[i]])
			d->oldest_ns[d->rows[i]] = l->rows[i].oldest_ns;
}

/* Into the history. Its texts are of the frame. */
static int take_digest(struct top_data *d)
{
	const struct frame_bytes told = frame_reader__part(&d->looker.from, FRAME_DIGEST);
	int err;

	digest__done(&d->digest);
	free(steal(d->rows));
	err = digest__unpack(told.v, told.len, &d->digest);
	if (err)
		return err;
	d->rows = calloc(d->digest.look.nr + 1, sizeof(*d->rows));
	if (!d->rows)
		return -ENOMEM;
	err = history__look(d->history, top_looks__history_ns(&d->times), clock_ns(CLOCK_REALTIME),
			    &d->digest.look, d->rows);
	if (!err)
		find_oldest(d, &d->digest.look);
	return err;
}

/* It takes the place of the one before. */
static void keep_look(struct top_data *d)
{
	top_looks__add(&d->times, clock_now_ns());
	free(d->look);
	d->last = d->looker.from.head.figures;
	d->look = frame_reader__take(&d->looker.from, &d->look_len);
}

/* Of the first look: a process that becomes another program ends. */
static int name_it(struct top_data *d)
{
	struct opened o;
	const int err = opened__init(&o, d->look, d->look_len);

	if (!err) {
		const struct report_meta *m = &o.replay->meta;

		clean(d->exe, sizeof(d->exe), m->exe ? m->exe : "");
		clean(d->go, sizeof(d->go), m->go_version ? m->go_version : "");
	}
	opened__done(&o);
	d->first = d->last;
	return err;
}

static int take_look(struct top_data *d)
{
	const int err = take_digest(d);

	if (err)
		return err;
	keep_look(d);
	return d->looks ? 0 : name_it(d);
}

/* Of nothing so far, it will tell nothing later either. */
static int restart(struct top_data *d, struct cause *why)
{
	if (d->fresh)
		return -ENODATA;
	return start(d) ? cause__set(why, -EAGAIN, "cannot start a process that looks") : 0;
}

int top_data__read(struct top_data *d, struct cause *why)
{
	const uint64_t now_ns = clock_now_ns();
	int got, err, looks = 0;

	if (d->ended || !d->looker.child)
		return 0;
	while ((got = frame_reader__read(&d->looker.from)) > 0) {
		err = d->pid ? take_look(d) : take_processes(d);
		if (err)
			return cause__set(why, err, "what was seen cannot be read: %s",
					  strerror(-err));
		d->looks++;
		d->heard_ns = now_ns;
		d->fresh = false;
		looks = 1;
	}
	if (got == -EPIPE) {
		d->ended = looker__ended(&d->looker, why) && d->pid;
		return d->ended ? looks : restart(d, why);
	}
	if (got < 0)
		return cause__set(why, got, "what was seen cannot be read: %s", strerror(-got));
	if (now_ns > d->heard_ns + d->pace_ns + LOOKER_SILENT_NS) {
		(void)cause__set(why, 0, "reading its memory comes to no end: trying again");
		return start(d);
	}
	return looks;
}

/* --- what is shown --- */

int top_data__table(const struct top_data *d, struct top_table *ret)
{
	return d->pid ? top_sites__new(d->history, &d->times, d->oldest_ns, ret)
		      : top_processes__new(&d->processes, d->counts, ret);
}

/* A goroutine of that row, of the last look. false: it has none. */
static bool find_one(const struct top_data *d, const struct dump *of, uint32_t row, uint32_t *ret)
{
	const struct tally_look *l = &d->digest.look;

	for (size_t i = 0; i < l->nr; i++)
		if (d->rows[i] == row && dump_tally__first(of, &l->rows[i], ret))
			return true;
	return row == HISTORY_OTHER && dump_tally__first(of, &l->other, ret);
}

int top_data__stack(const struct top_data *d, uint32_t row, struct top_table *ret)
{
	struct opened o;
	int err = opened__init(&o, d->look, d->look_len);
	uint32_t at;

	*ret = (struct top_table){ .nr = 0 };
	if (!err)
		err = top_stack__new(o.dump,
				     find_one(d, o.dump, row, &at) ? &o.dump->rows[at] : NULL, ret);
	opened__done(&o);
	return err;
}

/* Go's own counters: exact. One that is just made may be counted as ended (engine/lifetotals). */
static uint64_t more(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

static void put_lives(const struct top_data *d, char *to, size_t room)
{
	const struct frame_figures *first = &d->first, *last = &d->last;

	if (d->looks > 1 && first->created != FRAME_UNKNOWN && last->created != FRAME_UNKNOWN)
		snprintf(to, room, "; %" PRIu64 " made and %" PRIu64 " ended since the first look",
			 more(first->created, last->created), more(first->ended, last->ended));
}

static void put_one(const struct top_data *d, struct top_page *ret)
{
	const struct history_cell *c = history__cell(d->history, HISTORY_10S, 0);
	const size_t room = TOP_LINE_MAX;
	char lives[96] = "";
	size_t used;

	snprintf(ret->title[0], room, "pid %d %s%s", (int)d->pid, d->looks ? d->go : "no look yet",
		 d->ended ? ": it has ended" : "");
	if (d->looks)
		snprintf(ret->title[0] + strlen(ret->title[0]), room - strlen(ret->title[0]),
			 "  %s", d->exe);
	put_lives(d, lives, sizeof(lives));
	used = (size_t)snprintf(ret->title[1], room, "%" PRIu32 " goroutines",
				c ? c->total.sum / c->looks : 0);
	for (int s = 0; c && s < HISTORY_STATES && used < room; s++)
		if (c->states[s])
			used += (size_t)snprintf(ret->title[1] + used, room - used,
						 ", %" PRIu64 " %s", c->states[s] / c->looks,
						 history_state_word((enum history_state)s));
	if (used < room)
		snprintf(ret->title[1] + used, room - used, "%s; %" PRIu64 " looks", lives,
			 d->looks);
	ret->nr_titles = 2;
}

static void put_all(const struct top_data *d, struct top_page *ret)
{
	const struct processes *p = &d->processes;
	uint64_t sum = 0;

	for (size_t i = 0; i < p->nr; i++)
		sum += p->rows[i].why.text[0] ? 0 : p->rows[i].goroutines;
	snprintf(ret->title[0], TOP_LINE_MAX,
		 "%zu Go processes, %" PRIu64 " goroutines; %" PRIu64 " looks%s%s", p->nr, sum,
		 d->looks, p->daemon ? "; leaks are those that the daemon tells at " : "",
		 p->daemon ? p->daemon : "");
	ret->nr_titles = 1;
	if (p->not_told.text[0])
		snprintf(ret->title[ret->nr_titles++], TOP_LINE_MAX, "leaks are not known: %s",
			 p->not_told.text);
	if (p->no_right)
		snprintf(ret->title[ret->nr_titles++], TOP_LINE_MAX,
			 "%zu other processes could not be looked at: no right to read them%s",
			 p->no_right, geteuid() ? "; run with sudo" : "");
}

void top_data__titles(const struct top_data *d, struct top_page *ret)
{
	if (d->pid)
		put_one(d, ret);
	else
		put_all(d, ret);
}
