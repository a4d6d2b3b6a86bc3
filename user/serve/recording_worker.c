// SPDX-License-Identifier: BSD-2-Clause
#include "serve/recording_worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/session.h"
#include "engine/target.h"
#include "model/snap_facts.h"
#include "serve/recording_chans.h"
#include "serve/recordings.h"
#include "serve/tell.h"
#include "serve/wire.h"
#include "serve/worker.h"

#define DEPTH      127 /* frames of a stack */
#define RING_BYTES (256u << 10)

struct one { /* event */
	enum profile_event event;
	struct session *s; /* owned */
};

struct counted {
	const struct snap *snap;
	uint32_t first_stack;
};

static int put_counted(void *ctx, struct factlog *f)
{
	const struct counted *c = ctx;

	return snap_facts__write_from(f, c->snap, c->first_stack);
}

static int recording(const struct one *o, const struct session_end *end, struct told *ret,
		     struct cause *why)
{
	struct report_meta meta;
	struct counted counted;
	const struct tell t = { .target = session__target(o->s),
				.of = { .view = report_event_name(o->event) },
				.meta = &meta,
				.put = put_counted,
				.ctx = &counted };
	scoped(snap) snap = NULL;
	int err = session__snap(o->s, &snap);

	session__meta(o->s, end, &meta);
	if (!err && snap->nr >= RECORDING_STACKS - 2)
		err = -E2BIG;
	if (err)
		return cause__set(why, err, "cannot put the recording together: %s",
				  strerror(-err));
	counted = (struct counted){ snap, recording_first_stack(meta.wall_start_ns) };
	return tell_recording(&t, ret, why);
}

static int tell_event(uint32_t event, const struct frame_figures *figures, const struct told *told,
		      struct cause *why)
{
	return tell_frame(figures, told,
			  (struct frame_bytes){ (const char *)&event, sizeof(event) },
			  (struct frame_bytes){ .v = NULL }, why);
}

static int tell(const struct one *o, struct cause *why)
{
	struct frame_figures figures;
	struct session_end end;
	struct told told;
	int err;

	session__ended(o->s, &end);
	if (end.code_left[0])
		log_error("%s", end.code_left);
	told__init(&told);
	err = recording(o, &end, &told, why);
	figures = (struct frame_figures){
		.own_cpu_ns = worker_cpu_ns(),
		.target_cpu_ns = end.cpu_ns,
		.probes_ns = end.cost_ns > 0 ? end.cost_ns : 0,
		.lost = end.lost,
	};
	if (!err)
		err = tell_event(o->event, &figures, &told, why);
	told__done(&told);
	return err;
}

static int tell_chans(struct recording_chans *c, const struct jobs_opts *alive, struct cause *why)
{
	struct frame_figures figures;
	struct told told;
	int err;

	told__init(&told);
	err = recording_chans__tell(c, alive, &told, why);
	figures = (struct frame_figures){ .own_cpu_ns = worker_cpu_ns() };
	if (!err)
		err = tell_event(RECORDING_CHANS, &figures, &told, why);
	told__done(&told);
	return err;
}

static void say(pid_t pid, enum profile_event event, int err, const struct cause *why)
{
	char what[64];

	snprintf(what, sizeof(what), "event %s cannot be recorded", report_event_name(event));
	worker_say(pid, err, what, why);
}

/* What can be recorded is; what cannot be is said. Returns how many are open. */
static size_t open_all(pid_t pid, uint32_t events, uint64_t *until_ns, struct one *ret)
{
	static const volatile sig_atomic_t never;
	const double share = RECORDING_OVERHEAD / __builtin_popcount(events);
	size_t nr = 0;

	for (int e = 0; e < PROFILE_EVENTS; e++) {
		const struct session_opts so = {
			.pid = pid,
			.stop = &never,
			.profile = { .event = (enum profile_event)e,
				     .root = e == PROFILE_CPU ? PROFILE_ROOT_LABEL
							      : PROFILE_ROOT_NONE },
			.transport = -1,
			.depth = DEPTH,
			.ring_bytes = RING_BYTES,
			.max_overhead = share,
			.cpu_hz = RECORDING_HZ,
		};
		struct cause why = { "" };
		int err;

		if (!(events >> e & 1))
			continue;
		worker_goes_on(until_ns);
		ret[nr].event = (enum profile_event)e;
		err = session__open(&so, &ret[nr].s, &why);
		nr += !err;
		say(pid, (enum profile_event)e, err, &why);
	}
	return nr;
}

/* Channels, if they are asked for: one more job. Returns how many jobs there are. */
static size_t open_chans(struct recording_chans *c, pid_t pid, uint32_t events, uint64_t seconds,
			 uint64_t *until_ns, struct job *ret)
{
	const double share = RECORDING_OVERHEAD / __builtin_popcount(events);
	struct cause why = { "" };
	int err;

	if (!(events >> RECORDING_CHANS & 1))
		return 0;
	worker_goes_on(until_ns);
	err = recording_chans__open(c, pid, seconds * NS_PER_SEC, share, &why);
	worker_say(pid, err, "channels cannot be watched", &why);
	if (!err)
		*ret = chanwatch__job(c->w);
	return !err;
}

int recording_worker_main(int argc, char **argv)
{
	uint64_t seconds = 0;
	const pid_t pid = worker_begin(argc, argv, &seconds);
	const uint32_t events = pid ? (uint32_t)strtoul(argv[WORKER_ARGS - 1], NULL, 10) : 0;
	struct one of[PROFILE_EVENTS] = { 0 };
	struct job jobs[RECORDING_EVENTS];
	struct recording_chans chans = { .t = NULL };
	uint64_t until_ns;
	const struct jobs_opts alive = { .progress = worker_goes_on, .ctx = &until_ns };
	size_t nr, nr_chans, told = 0;

	if (!pid)
		return 2;
	until_ns = clock_now_ns() + (seconds + RECORDING_WORKER_LATE_S) * NS_PER_SEC;
	nr = open_all(pid, events, &until_ns, of);
	for (size_t i = 0; i < nr; i++)
		jobs[i] = session__job(of[i].s, seconds * NS_PER_SEC);
	nr_chans = open_chans(&chans, pid, events, seconds, &until_ns, &jobs[nr]);
	(void)jobs__run(jobs, nr + nr_chans, &alive);
	for (size_t i = 0; i < nr + nr_chans; i++) {
		int err = jobs[i].err;

		worker_goes_on(&until_ns);
		if (!err)
			err = i < nr ? tell(&of[i], &jobs[i].why)
				     : tell_chans(&chans, &alive, &jobs[i].why);
		told += !err;
		if (i < nr)
			say(pid, of[i].event, err, &jobs[i].why);
		else
			worker_say(pid, err, "channels cannot be watched", &jobs[i].why);
	}
	for (size_t i = 0; i < nr; i++)
		session__free(of[i].s);
	recording_chans__done(&chans);
	return !told;
}
