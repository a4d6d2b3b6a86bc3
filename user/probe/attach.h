/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach: the loaded BPF object of one Go runtime and its links: the life of the probes.
 *
 *	attach__new(plan, opts)	 opens and loads the object with its knobs, nothing probed yet
 *	attach__on()		 makes links while recording is still off
 *	attach__start() stop()	 flips recording at one moment for all probes
 *	attach__off()		 takes the links down; also free() and the end of the process do
 * The probe holder makes the links (probe/probe_set), so that they go if this process is killed.
 * Not thread-safe. Logs nothing; failures have a cause of the shape
 * "cannot attach runtime.gopark in 'api' (pid 812): Permission denied; needs CAP_BPF and
 *CAP_PERFMON, or run with sudo".
 */
#ifndef PARKWATCH_PROBE_ATTACH_H
#define PARKWATCH_PROBE_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>
#include <parkwatch/stats.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "host/kfeat.h"
#include "probe/plan.h"
#include "host/ulink.h"

/* probes that come and go while recording is on */
enum attach_part {
	ATTACH_SINGLES, /* single allocations: they count only while these are on */
	ATTACH_REFILLS,
	ATTACH_PARTS
};

struct attach_want {
	uint32_t want; /* enum pw_want */
	/* waits and latencies are wanted as sums (attach__waits_each()), but in windows */
	bool sums;
	uint64_t min_wait_ns;
	uint32_t
		wakers; /* PW_WANT_WAKE: how many, one after the other; 0 is 1. Set once, by opts */
};

struct attach_filter;
struct attach_cpu {
	uint32_t hz;               /* 1 .. CPU_CLOCK_HZ_MAX */
	struct pw_cpu_knobs knobs; /* probe/cpu_knobs */
};

struct attach_opts {
	uint32_t points; /* bit (1 << enum pw_point) for each point that must be probed */
	/* those of them that are probed only while their part is on */
	uint32_t parts[ATTACH_PARTS];
	/* what is recorded, or may be: the maps have room for it */
	struct attach_want want;
	enum pw_transport transport;
	enum attach_method method;
	uint32_t rt;           /* number of this runtime in the process */
	unsigned int depth;    /* 1 .. PW_STACK_MAX */
	const uint64_t *goids; /* filter; NULL: all */
	size_t nr_goids;
	const struct attach_filter *filter; /* borrowed for the call; NULL: none besides goids */
	uint32_t ring_bytes;                /* power of two, at least a page */
	enum pw_alloc_root alloc_root;
	/* what runs is sampled, cpu.hz times a second; then there are no points */
	const struct attach_cpu *cpu;
	size_t allglen; /* goroutines there are now: sizes the map of goroutines */
	int ring_fd; /* share the ring or perf map of an earlier attach of the same session; -EBADF:
			make one */
	/*
	 * several jobs have probes from it: births, exits, parks, readies, and runs come and go
	 * apart from each other. Then it has no parts.
	 */
	bool apart;
	bool quiet_libbpf; /* keep libbpf's own talk for -v */
	bool trial;        /* of a child of ours that has one goroutine: small maps */
};

struct attach;
int attach__new(const struct plan *plan, const struct kfeat *kf, const struct proc *p,
		const struct attach_opts *o, struct attach **ret, struct cause *why);
void attach__free(struct attach *a);
DEFINE_SCOPED(attach)

#define ATTACH_ALL UINT32_MAX
/* Links of these points (1 << enum pw_point); without opts.apart they are ATTACH_ALL. */
int attach__on(struct attach *a, uint32_t points, struct cause *why);
void attach__start(struct attach *a); /* recording begins */
void attach__stop(struct attach *a);  /* recording ends: later hits count as OFF */
void attach__off(struct attach *a, uint32_t points);
/* Hits of these points count as OFF too, from now on; none at first. */
void attach__mute(struct attach *a, uint32_t points);
/* From now on this is recorded, and nothing else; at first it is opts.want. */
void attach__want(struct attach *a, const struct attach_want *w);
/* From now on all stacks are sent again, once each: somebody listens who has none of them. */
void attach__turn(struct attach *a);
/* false: somebody killed or stopped the probe holder, and with it the links */
bool attach__held(const struct attach *a);
/*
 * CLOCK_MONOTONIC at which parkwatch was last found stopped or, with probes in, without a sign of
 * life, and they were taken out; 0: it never was.
 */
uint64_t attach__absent_ns(const struct attach *a, bool *ret_stopped);
/* CPU time that the target had used then; 0: not known. */
uint64_t attach__absent_cpu_ns(const struct attach *a);
/*
 * Before start: what follows begins at begin_ns (CLOCK_MONOTONIC): of goroutines that park before
 * it and run in it the part in it counts. 0: what began before does not count. window: waits are
 * not summed.
 */
void attach__count_from(struct attach *a, uint64_t begin_ns, bool window);
/*
 * So many hits at these points (1 << enum pw_point) may still be dealt with, some hundred more or less:
 * then recording ends by itself. Negative: no limit.
 */
void attach__limit(struct attach *a, int64_t hits, uint32_t points);
/* But these points go on then, for they are not limited; at first there are none. */
void attach__goes_on(struct attach *a, uint32_t points);
/*
 * When it ended so, or because parkwatch was absent (probe/probe_holder); 0: it did not. limit()
 * sets it back.
 */
uint64_t attach__cut_ns(const struct attach *a);
bool attach__spent(const struct attach *a); /* the hits are used up */

enum attach_method attach__method(const struct attach *a);
enum pw_transport attach__transport(const struct attach *a);
int attach__ring_fd(const struct attach
			    *a); /* fd of the ring buffer or perf event array map, borrowed */
/* Sums of the counters over processors, PW_STAT_MAX of them. */
int attach__stats(struct attach *a, uint64_t *stats);
/* readings of counters and maps that failed: what they hold is missing */
uint64_t attach__unread(const struct attach *a);

/* What a filter says of a site, or a stack, that it did not know before (probe/attach_filter). */
void attach__keep_site(struct attach *a, uint64_t gopc, bool wanted);
void attach__keep_stack(struct attach *a, uint64_t stack_id, bool wanted);
/* Samples are taken so often from now on. */
void attach__sample(struct attach *a, uint32_t hz);

/* The maps of goroutines. was_full: not all that the probes met are in it, as far as is known. */
bool attach__gs_was_full(struct attach *a);
void attach__gs_clear(struct attach *a);
/* The sums of waits. */
void attach__waits_clear(struct attach *a);
/* Single allocations count from now on, or no more; off at first. Needs recording to be on as well.
 */
void attach__exact(struct attach *a, bool on);
/*
 * Makes the links of a part, and takes them down; twice is fine, and so is a part without points.
 */
int attach__part_on(struct attach *a, enum attach_part part, struct cause *why);
void attach__part_off(struct attach *a, enum attach_part part);
/* Slots that were given back unused, by span class. */
int attach__given_back(struct attach *a, uint64_t ret[PW_SPAN_CLASSES]);
/*
 * Calls fn for each entry: of sums of waits, and of those by who ended them, after stop, of the maps of goroutines, of parks, and of
 * allocations at any time.
 */
int attach__waits_each(struct attach *a,
		       void (*fn)(void *ctx, const struct pw_wait_key *key,
				  const struct pw_wait_sum *sum),
		       void *ctx);
int attach__wakes_each(struct attach *a,
		       void (*fn)(void *ctx, const struct pw_wake_key *key,
				  const struct pw_wait_sum *sum),
		       void *ctx);
int attach__allocs_each(struct attach *a,
			void (*fn)(void *ctx, const struct pw_alloc_key *key,
				   const struct pw_alloc_sum *sum),
			void *ctx);
int attach__gs_each(struct attach *a, void (*fn)(void *ctx, uint64_t g, const struct pw_gstate *s),
		    void *ctx);
int attach__parks_each(struct attach *a, void (*fn)(void *ctx, const struct pw_parked *p),
		       void *ctx);

#endif
