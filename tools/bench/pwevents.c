/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwevents: how many records a second parkwatch takes in on one processor: ring, check, goroutine's
 * facts, aggregate.
 *
 *	pwevents PID [RATE [SECONDS]]	PID: of a Go program, whose records they pretend to be; 2 M a second for 5 s
 *
 * A BPF program on another processor fills the ring at that rate. Says what was taken in, what was
 * lost, and the CPU time of this side; exits with 1 if any were lost, or if more than a processor
 * was used.
 */
#include <bpf/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/ingest.h"
#include "floor.skel.h"
#include "pipe/ring.h"

#define BATCH 1000 /* floor_events makes so many */

static struct {
	int prog;
	double rate, seconds;
	atomic_bool done;
	uint64_t made;
} producer;

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *produce(void *arg)
{
	const uint64_t start = clock_now_ns();
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	(void)arg;
	pin(1);
	for (double ns = 0; ns < producer.seconds * NS_PER_SEC;
	     ns = (double)(clock_now_ns() - start)) {
		if ((double)producer.made > ns / NS_PER_SEC * producer.rate)
			continue;
		if (bpf_prog_test_run_opts(producer.prog, &opts))
			break;
		producer.made += BATCH;
	}
	producer.done = true;
	return NULL;
}

static double thread_cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / NS_PER_SEC;
}

static int take_in(struct ring *ring, const struct ingest *in, const struct floor *skel)
{
	const uint64_t start = clock_now_ns();
	double cpu = thread_cpu_s(), wall;
	pthread_t thread;
	uint64_t seen;

	if (pthread_create(&thread, NULL, produce, NULL))
		return 1;
	while (!producer.done) {
		const struct timespec ms = { .tv_nsec = (long)NS_PER_MS };

		(void)ring__drain(ring);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
	}
	pthread_join(thread, NULL);
	(void)ring__finish(ring);
	cpu = thread_cpu_s() - cpu;
	wall = (double)(clock_now_ns() - start) / NS_PER_SEC;
	seen = ingest__stats(in)->pipe.out;
	printf("%.2f M records a second, %llu lost; %.0f %% of a processor, %.0f ns a record\n",
	       (double)producer.made / wall / 1e6, (unsigned long long)skel->bss->lost,
	       100 * cpu / wall, cpu * NS_PER_SEC / (double)(seen ? seen : 1));
	return skel->bss->lost || seen != producer.made || cpu > wall ||
	       (double)producer.made / wall < 0.9 * producer.rate;
}

int main(int argc, char **argv)
{
	scoped(proc) p = NULL;
	scoped(goproc) gp = NULL;
	scoped(profile) profile = NULL;
	scoped(ingest) in = NULL;
	scoped(ring) ring = NULL;
	struct cause why = { "" };
	struct floor *skel = floor__open_and_load();
	int err;

	if (argc < 2 || !skel) {
		fprintf(stderr, "usage: pwevents PID [RATE [SECONDS]], as root\n");
		return 2;
	}
	producer.prog = bpf_program__fd(skel->progs.floor_events);
	producer.rate = argc > 2 ? atof(argv[2]) : 2e6;
	producer.seconds = argc > 3 ? atof(argv[3]) : 5;
	err = proc__open(atoi(argv[1]), &p, &why);
	if (!err)
		err = goproc__open(p, &gp, &why);
	if (!err)
		err = profile__new(&(struct profile_opts){ .event = PROFILE_BLOCKED,
							   .root = PROFILE_ROOT_GOID },
				   &profile);
	if (!err)
		err = ingest__new(p, gp, profile, &(struct ingest_opts){ .labels = false }, &in);
	if (!err)
		err = ring__open(bpf_map__fd(skel->maps.events), PW_TRANSPORT_RING, 0,
				 ingest__record, in, &ring);
	if (err) {
		fprintf(stderr, "pwevents: %s\n", why.text[0] ? why.text : strerror(-err));
		return 2;
	}
	pin(0);
	profile__begin(profile, clock_now_ns());
	err = take_in(ring, in, skel);
	floor__destroy(skel);
	return err;
}
