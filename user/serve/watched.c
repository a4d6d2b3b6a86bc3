// SPDX-License-Identifier: BSD-2-Clause
#include "serve/watched.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "model/trend.h"
#include "serve/digest.h"
#include "serve/lines.h"
#include "serve/pods.h"
#include "serve/stored_look.h"
#include "serve/worker.h"

#define NAME_MAX_SHOWN 40 /* of an id */

/* The program's name, its PID, and of its start what tells two with one PID apart. */
void watched_id(const struct process_row *row, uint64_t start_ticks, char ret[WATCHED_ID_MAX])
{
	const char *slash = strrchr(row->exe, '/'), *name = slash ? slash + 1 : row->exe;
	char shown[NAME_MAX_SHOWN + 1];
	size_t nr = 0;

	for (; *name && nr < NAME_MAX_SHOWN; name++)
		shown[nr++] = isalnum((unsigned char)*name) ? *name : '-';
	shown[nr] = '\0';
	snprintf(ret, WATCHED_ID_MAX, "%s-%d-%04x", nr ? shown : "go", (int)row->pid,
		 (unsigned int)(start_ticks & 0xffff));
}

int watched__new(const struct notice *n, struct watched **ret)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->row = n->row;
	w->start_ticks = n->start_ticks;
	w->from.fd = -1;
	w->level = LEVEL_USUAL;
	w->trend = NAN;
	leakwatch__init(&w->leaks, clock_now_ns());
	watched_id(&w->row, w->start_ticks, w->id);
	recordings__init(&w->recordings);
	*ret = w;
	return 0;
}

void watched__free(struct watched *w)
{
	if (!w)
		return;
	frame_reader__close(&w->from);
	leakwatch__done(&w->leaks);
	recordings__done(&w->recordings);
	free(w->look);
	history__free(w->history);
	free(w->pod);
	free(w);
}

void watched__set_level(struct watched *w, const struct rules *rules)
{
	enum level level =
		rules__level(rules, &w->row, w->pod ? &w->pod->facts.labels : NULL, &w->rule);

	if (w->pod && level_by_word(w->pod->facts.level, &level))
		w->rule = WATCHED_BY_POD;
	w->told &= (level == LEVEL_OFF) == (w->level == LEVEL_OFF);
	w->level = level;
	if (level != LEVEL_OFF)
		return;
	leakwatch__done(&w->leaks);
	leakwatch__init(&w->leaks, clock_now_ns());
	recordings__done(&w->recordings);
	recordings__init(&w->recordings);
	w->requests = (struct request_figures){ .known = 0 };
	w->resource.len = 0;
	free(steal(w->look));
}

void watched__attach(struct watched *w, const struct notice *n, int fd)
{
	w->restarts = n->restarts;
	w->worker_cpu_ns = 0;
	w->heard_ns = clock_now_ns();
	w->rest_ns = WORKER_LOOK_NS; /* it starts and opens the target */
	frame_reader__open(&w->from, fd, FRAME_BYTES_MAX);
}

/* --- a look --- */

static struct watched_counts counts_of(const struct tally_look *l)
{
	struct watched_counts c = { .goroutines = tally_look__goroutines(l) };

	memcpy(c.by_state, l->by_state, sizeof(c.by_state));
	memcpy(c.oldest_ns, l->oldest_ns, sizeof(c.oldest_ns));
	return c;
}

/* Between two looks as many wait as at both, on average. */
static void watched__add(struct watched *w, const struct watched_counts *now, uint64_t now_ns)
{
	const struct frame_figures *f = &w->from.head.figures;
	const double ns = w->look ? (double)(now_ns - w->looked_ns) : 0;

	for (size_t i = 0; i < GOSTATE_STATUS; i++)
		w->blocked_ns[i] += ns * (double)(w->counts.by_state[i] + now->by_state[i]) / 2;
	w->looked_ns = now_ns;
	if (f->own_cpu_ns > w->worker_cpu_ns)
		w->own_cpu_ns += f->own_cpu_ns - w->worker_cpu_ns;
	w->worker_cpu_ns = f->own_cpu_ns;
	w->target_cpu_ns = f->target_cpu_ns;
	/* at a look one may count as ended that is just made: a counter never falls */
	w->lives_known = f->created != FRAME_UNKNOWN;
	if (w->lives_known && f->created > w->created)
		w->created = f->created;
	if (w->lives_known && f->ended > w->ended)
		w->ended = f->ended;
	w->dead = f->dead;
	w->dead_stack_bytes = f->dead_stack_bytes;
	memcpy(w->latencies, f->latencies, sizeof(w->latencies));
	w->latencies_ns = f->latencies_ns;
	w->latencies_known = f->latencies_known == 1;
	if (!w->target_cpu_start_ns)
		w->target_cpu_start_ns = f->target_cpu_ns;
}

double watched__overhead(const struct watched *w)
{
	const uint64_t from = w->target_cpu_start_ns, to = w->target_cpu_ns;

	const double probes_ns = w->leaks.probes_ns + w->recordings.probes_ns;

	if (probes_ns <= 0)
		return w->look ? 0 : -1;
	return to > from ? probes_ns / (double)(to - from) : -1;
}

static void watched__take_look(struct watched *w, const struct digest *d)
{
	const struct watched_counts counts = counts_of(&d->look);
	const struct frame_bytes lines = frame_reader__part(&w->from, FRAME_LINES);

	(void)history__look(w->history, clock_now_ns(), clock_ns(CLOCK_REALTIME), &d->look, NULL);
	w->trend = NAN;
	(void)trend_of_history(w->history, &w->trend);
	lines_pass_on(lines.v, lines.len, w->id);
	watched__add(w, &counts, clock_now_ns());
	w->counts = counts;
	w->taken_ns = d->taken_ns;
	request_figures__follow(&w->requests, &d->requests);
	w->resource = d->resource;
	leak_plan__look(&w->leaks.plan, counts.by_state);
	w->looks++;
	w->heard_ns = clock_now_ns();
	w->rest_ns = frame_rest_ns(&w->from.head.figures);
}

static int watched__take(struct watched *w, struct store *s)
{
	const struct frame_bytes bytes = frame_reader__part(&w->from, FRAME_DIGEST),
				 sums = frame_reader__part(&w->from, FRAME_SUMS);
	const struct frame_bytes look = frame_reader__part(&w->from, FRAME_RECORDING);
	struct digest d;
	int err = 0;

	if (w->level == LEVEL_OFF)
		return 0;
	if (!w->history)
		err = history__new(&w->history);
	if (!err)
		err = digest__unpack(bytes.v, bytes.len, &d);
	if (err)
		return err;
	watched__take_look(w, &d);
	if (s)
		stored_look__keep(s, w, look, sums, d.sums_unix_ns);
	digest__done(&d);
	free(w->look);
	w->look = frame_reader__take(&w->from, &w->look_len);
	return 0;
}

int watched__read(struct watched *w, struct store *s)
{
	int got = frame_reader__read(&w->from);

	if (got <= 0)
		return got;
	got = watched__take(w, s);
	if (got)
		frame_reader__close(&w->from);
	return got;
}
