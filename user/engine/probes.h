/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probes: the probes in all Go runtimes of one process, from loading to what they cost: what every
 * watch with BPF has in common.
 *
 *	probes__new()		kernel tried, points planned, programs loaded, a hit's cost measured; nothing is probed yet
 *	probes__on() start()	links; recording begins for all at one moment
 *	probes__stop()		recording ends; what is still in the ring is handed over
 *	probes__off()		links down; also free()
 *
 * Several jobs of a worker share what they can (probes_opts.shared): births, exits, parks, readies
 * and runs are probed once for all of them, by the set of the one that came first. One of them records
 * waits at a time, another that wants to has probes of its own. Each is then as if it had probes of
 * its own, but for
 *	cost	each hit is paid by one of them: it is no cost of the others
 *	limit	hits are limited (probes__limit()) for one of them at a time
 * Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_PROBES_H
#define PARKWATCH_ENGINE_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/stats.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "pipe/ring.h"
#include "probe/attach.h"
#include "target/goproc.h"

#define SHARED_SETS_MAX 16 /* one more shares with nobody */

struct probes_points { /* in one runtime, as 1 << enum pw_point */
	uint32_t all;  /* those that must be probed */
	/* those of them that are probed only while their part is on */
	uint32_t parts[ATTACH_PARTS];
};
/*
 * Which, where that depends on the runtime; its plan is made. An error, with a cause: it cannot be
 * watched.
 */
typedef int (*probes_choose_fn)(void *ctx, uint16_t rt, const struct plan *plan,
				struct probes_points *ret, struct cause *why);

struct probes_set;
/*
 * Of one worker and one target; all zeros but proc and gp, at first. It outlives all who have probes
 * in it.
 */
struct shared_probes {
	struct proc *proc; /* borrowed, as the next: what programs are loaded by */
	struct goproc *gp;
	struct probes_set *sets[SHARED_SETS_MAX];
	size_t nr;
};

struct probes_opts {
	struct shared_probes *shared; /* borrowed; NULL: it shares with nobody */
	uint32_t points;              /* 1 << enum pw_point: those that must be probed */
	probes_choose_fn choose;      /* instead of points; NULL: there is no choice */
	void *choose_ctx;             /* borrowed */
	struct attach_want want;
	int transport; /* -1 auto, or enum pw_transport */
	enum attach_method attach;
	const uint64_t *goids; /* ascending, borrowed; NULL: all */
	size_t nr_goids;
	/* what else is filtered, by runtime; borrowed; NULL: nothing. Then nobody shares with it */
	const struct attach_filter *filters;
	enum pw_alloc_root alloc_root;
	uint32_t cpu_hz; /* what runs is sampled so often, and nothing is probed; 0: it is not */
	unsigned int depth;
	bool deeper; /* stacks may have more frames than that */
	uint32_t ring_bytes;
	bool no_cost; /* no calibration: cost is unknown */
	/* points that others of this process will probe: their cost is measured in the same go */
	uint32_t others;
};

#define PROBES_HIT_NS  1500.0
#define PROBES_TRAP_NS 800.0
/*
 * What a sample costs beside its program: the clock's interrupt (measured: 2 to 4 us in a virtual machine).
 */
#define PROBES_TICK_NS 3000.0

struct losses { /* ways in which events were lost, with numbers */
	uint64_t nr;
	char text[256]; /* "" if none */
};
void losses__add(struct losses *l, uint64_t nr, const char *what);

struct probes;
/* p, gp, ctx are borrowed; fn is called for each record, see pipe/ring. */
int probes__new(const struct probes_opts *o, struct proc *p, struct goproc *gp, ring_fn fn,
		void *ctx, struct probes **ret, struct cause *why);
void probes__free(struct probes *p);
DEFINE_SCOPED(probes)

int probes__on(struct probes *p, struct cause *why);
void probes__start(struct probes *p);
/*
 * CLOCK_MONOTONIC of the moment when recording ended: now, or earlier by itself, for there were too
 * many hits.
 */
uint64_t probes__stop(struct probes *p);
/*
 * As attach__limit(), for each runtime, of its points; those who share them go on then. And when the
 * first of them ended so, or for we were absent, 0: none.
 */
void probes__limit(struct probes *p, int64_t hits);
uint64_t probes__cut_ns(const struct probes *p);
enum probes_cut {
	PROBES_CUT_NONE,
	PROBES_CUT_ABSENT, /* we were */
	PROBES_CUT_SPENT,  /* the hits that there may be are used up */
};
enum probes_cut probes__cut(const struct probes *p); /* why it ended so */
/* as attach__count_from(), for each runtime */
void probes__count_from(struct probes *p, uint64_t begin_ns, bool window);
/* it has runs: sums and the map of goroutines tell of its recording */
bool probes__have_waits(const struct probes *p);
/* what the probes know of goroutines; they are out */
void probes__forget(struct probes *p);
void probes__finish(struct probes *p); /* after stop: all that is still in the ring */
void probes__off(struct probes *p);
/* false: somebody killed or stopped the probe holder */
bool probes__held(const struct probes *p);
uint64_t probes__absent_ns(const struct probes *p, bool *ret_stopped); /* as attach__absent_ns() */
/* that the target had used when that began; 0: not known */
uint64_t probes__absent_cpu_ns(const struct probes *p);

struct attach *probes__attach(const struct probes *p, size_t rt); /* borrowed */
struct ring *probes__ring(const struct probes *p);                /* borrowed */

/* PW_STAT_MAX of them, of all runtimes; hits: those that it pays for */
void probes__stats(const struct probes *p, uint64_t *stats);
/* hits at these points (1 << enum pw_point), whoever pays for them */
uint64_t probes__seen(const struct probes *p, uint32_t points);
uint64_t probes__hits(const uint64_t *stats);
uint64_t probes__hits_of(const uint64_t *stats, uint32_t points); /* 1 << enum pw_point */
/*
 * What a hit at this point costs, and its trap alone; PROBES_HIT_NS and PROBES_TRAP_NS where that
 * was not measured.
 */
double probes__hit_ns(const struct probes *p, enum pw_point point);
double probes__trap_ns(const struct probes *p, enum pw_point point);
/*
 * Hits x what one was measured to cost (where it was not: PROBES_HIT_NS), those while recording was
 * off too; off: these alone. Samples cost what their program took, and the interrupt.
 */
double probes__cost_ns(const struct probes *p, const uint64_t *stats);
double probes__off_ns(const struct probes *p, const uint64_t *stats);
/* Samples of what runs that were taken, whatever became of them. */
uint64_t probes__samples(const uint64_t *stats);
void probes__sample(struct probes *p, uint32_t hz); /* so often from now on */
bool probes__calibrated(const struct probes *p);
/* of the kernel and the ring */
void probes__losses(const struct probes *p, const uint64_t *stats, struct losses *to);

#endif
