/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwsingle: what single events of a recording take: bytes in the file, time to write them, time to
 * count them again.
 *
 *	pwsingle FILE [EVENTS]	10 M waits of 100,000 goroutines in 1,000 rows, 2 M a second
 *
 * Writes a recording to FILE as `record` does, but of records that are made up here. Says `BYTES`
 * an event, `WRITE` ns of CPU time an event (into the profile and the file), and `REPLAY` seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "model/event_log.h"
#include "view/replay.h"

#define GOROUTINES 100000
#define STACKS     200
#define DEPTH      12
#define REASONS    5
#define START_NS   1000000000000ULL

static int frames(const struct namer *n, uint64_t pc, bool is_return, struct goframe *v, size_t max)
{
	(void)n, (void)pc, (void)is_return, (void)max;
	v[0] = (struct goframe){ .func = "main.f", .file = "main.go", .line = 1 };
	return 1;
}

static uint64_t unwrap_start(const struct namer *n, uint64_t pc)
{
	(void)n;
	return pc;
}

static const struct namer namer = { .frames = frames,
				    .unwrap_start = unwrap_start,
				    .go_minor = 26 };
static const char *const versions[] = { "go1.26.8" };

static void add_stacks(struct profile *p)
{
	for (uint64_t i = 0; i < STACKS; i++) {
		struct pw_stack s = { .hdr = { .kind = PW_STACK },
				      .stack_id = (i + 16) * 0x9e3779b97f4a7c15ULL,
				      .nr = DEPTH };

		for (uint64_t k = 0; k < DEPTH; k++)
			s.pcs[k] = 0x400000 + (i * 7 + k * 131) % 5000 * 16;
		profile__apply(p, &s.hdr, 0);
	}
}

/* Waits of up to 50 ms, that end at random moments 500 ns apart on average. */
static uint64_t add_waits(struct profile *p, uint64_t nr)
{
	uint64_t x = 1, at = START_NS;

	for (uint64_t i = 0; i < nr; i++) {
		struct pw_wait w = { .hdr = { .kind = PW_WAIT, .size = sizeof(w) } };

		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		at += (x >> 32) % 1000;
		w.hdr.ts_ns = at;
		w.hdr.goid = 18 + (x >> 40) % GOROUTINES;
		w.start_ns = at - (x >> 20) % 50000000;
		w.stack_id = ((x >> 44) % STACKS + 16) * 0x9e3779b97f4a7c15ULL;
		w.reason = (uint32_t)(x >> 58) % REASONS;
		w.startpc = 0x400000;
		profile__apply(p, &w.hdr, 0);
	}
	return at;
}

static int write_events(FILE *out, uint64_t nr, double *ret_ns)
{
	const struct factlog_of of = { .view = "record",
				       .pid = 1,
				       .comm = "x",
				       .exe = "/x",
				       .build_id = "",
				       .namers = &namer,
				       .versions = versions,
				       .nr = 1 };
	const uint64_t began = clock_cpu_ns();
	scoped(profile) p = NULL;
	scoped(factlog) f = NULL;
	scoped(event_log) l = NULL;
	int err = profile__new(&(struct profile_opts){ .event = PROFILE_BLOCKED }, &p);

	if (!err)
		err = factlog__new(out, &of, &f);
	if (!err)
		err = event_log__new(f, p, UINT64_MAX, &l);
	if (err)
		return err;
	profile__tap(p, &(struct profile_tap){ .event = event_log__add, .ctx = l });
	profile__begin(p, START_NS);
	add_stacks(p);
	event_log__end(l, add_waits(p, nr));
	err = factlog__end(f, NULL);
	*ret_ns = (double)(clock_cpu_ns() - began) / (double)nr;
	return err;
}

/* All of them; and of a range, which must have a part. */
static int count_again(const char *path, uint64_t nr, double *ret_s)
{
	const struct event_filter all = { .to_ns = UINT64_MAX };
	const uint64_t began = clock_now_ns();
	scoped(replay) r = NULL;
	scoped(snap) s = NULL;
	struct cause why = { "" };
	int err = replay__open_events(path, &all, &r, &why);

	if (!err)
		err = event_facts__snap(r->events, &s);
	if (err)
		fprintf(stderr, "pwsingle: %s\n", why.text[0] ? why.text : strerror(-err));
	else if (s->count != nr)
		fprintf(stderr, "pwsingle: %llu events of %llu\n", (unsigned long long)s->count,
			(unsigned long long)nr);
	*ret_s = (double)(clock_now_ns() - began) / (double)NS_PER_SEC;
	return err || s->count != nr;
}

int main(int argc, char **argv)
{
	const uint64_t nr = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
	double write_ns, replay_s;
	FILE *out = argc > 1 && nr ? fopen(argv[1], "we") : NULL;
	long bytes;
	int err;

	if (!out) {
		fprintf(stderr, "usage: pwsingle FILE [EVENTS]\n");
		return 2;
	}
	err = write_events(out, nr, &write_ns);
	bytes = ftell(out);
	if (fclose(out) || err) {
		fprintf(stderr, "pwsingle: cannot write '%s'\n", argv[1]);
		return 1;
	}
	if (count_again(argv[1], nr, &replay_s))
		return 1;
	printf("BYTES %.2f\nWRITE %.0f\nREPLAY %.2f\n", (double)bytes / (double)nr, write_ns,
	       replay_s);
	return 0;
}
