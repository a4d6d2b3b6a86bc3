/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/ingest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/heart.h"
#include "engine/contended.h"
#include "engine/cpustack.h"
#include "engine/labelids.h"
#include "engine/labelspace.h"
#include "engine/met.h"
#include "engine/opengs.h"
#include "engine/reqlooks.h"
#include "engine/stayers.h"
#include "engine/systems.h"
#include "engine/waiting.h"
#include "engine/wanted.h"
#include "golang/golabels.h"
#include "golang/gostate.h"
#include "golang/gosystem.h"
#include "model/timeline.h"
#include "model/wall.h"

struct ingest {
	const struct proc *proc; /* borrowed, as the next three */
	struct goproc *gp;
	struct profile *profile;
	struct ingest_opts o;
	struct labelids *labels;
	struct contended *contended; /* of Go's own profiles; else NULL */
	struct systems systems;
	struct stayers stayers[GOPROC_RUNTIMES_MAX]; /* of the stretch that is recorded */
	struct ingest_stats stats;
	struct labelspace space;
	uint64_t found_ns; /* by then the labels were found that are asked for */
};

int ingest__new(const struct proc *p, struct goproc *gp, struct profile *profile,
		const struct ingest_opts *o, struct ingest **ret)
{
	const enum profile_event event = profile__opts(profile)->event;
	scoped(ingest) in = calloc(1, sizeof(*in));
	int err = in ? 0 : -ENOMEM;

	if (!err && profile_event_is_contention(event))
		err = contended__new(gp, event, &in->contended);
	if (!err)
		err = labelids__new(gp, profile, &in->labels);
	if (err)
		return err;
	in->proc = p;
	in->gp = gp;
	in->profile = profile;
	in->o = *o;
	in->systems.gp = gp;
	labelspace__init(&in->space, p, gp);
	*ret = steal(in);
	return 0;
}

void ingest__free(struct ingest *in)
{
	if (!in)
		return;
	systems__done(&in->systems);
	labelids__free(in->labels);
	contended__free(in->contended);
	labelspace__done(&in->space);
	for (size_t i = 0; i < ARRAY_SIZE(in->stayers); i++)
		stayers__drop(&in->stayers[i]);
	free(in);
}

uint32_t ingest__label(struct ingest *in, uint16_t rt, uint64_t goid, uint64_t ptr)
{
	return in->o.labels ? labelids__id(in->labels, &in->space, in->found_ns, rt, goid, ptr)
			    : PROFILE_LABEL_NONE;
}

bool ingest__is_system(struct ingest *in, uint16_t rt, uint64_t startpc)
{
	return !in->o.system && startpc && systems__start(&in->systems, rt, startpc);
}

/*
 * Names are looked up while the target is there to be asked; gosym keeps the answers. True: the
 * runtime's own goroutine.
 */
static bool ingest__name(struct ingest *in, uint16_t rt, const uint64_t *pcs, size_t nr)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	bool system = false, all_runtimes = true;

	for (size_t i = 0; i < nr; i++) {
		int n = gosym__frames(goproc__runtime(in->gp, rt)->sym, pcs[i], i > 0, frames,
				      ARRAY_SIZE(frames));

		/*
		 * The outermost function is the one that was started, but for the goexit below it.
		 */
		if (n > 0 && strcmp(frames[n - 1].func, "runtime.goexit"))
			system = gosystem_start(frames[n - 1].func);
		all_runtimes = all_runtimes && n > 0 && gosystem_func(frames[n - 1].func);
		/* Of no goroutine: a timer may have called the program there. */
		if (n > 0 && gosystem_bottom(frames[n - 1].func))
			system = all_runtimes;
	}
	return system && !in->o.system;
}

/* --- what filters say --- */

/* What is known of one goroutine, and of what it did. */
struct subject {
	uint64_t goid, gopc, stack_id, labels;
	bool made_told;   /* BPF has seen its go statement, and wants it */
	bool labels_told; /* and its labels */
	bool on_p;        /* and its P; else nobody knows it */
};

static bool ingest__wants_labels(struct ingest *in, uint16_t rt, uint64_t ptr)
{
	struct golabel labels[GOLABELS_MAX];
	const struct addrspace *as;
	size_t nr = 0;

	if (ptr) {
		as = labelspace__at(&in->space, in->found_ns);
		if (!as || golabels_read(as, goproc__runtime(in->gp, rt)->minor, ptr, labels,
					 GOLABELS_MAX, &nr))
			nr = 0;
	}
	return wanted__labels(in->o.wanted, labels, nr);
}

/* Whatever its stack is. The cheapest first. */
static bool ingest__wants_who(struct ingest *in, uint16_t rt, const struct subject *s)
{
	struct wanted *w = in->o.wanted;

	if (!w)
		return true;
	if (wanted__asks(w, FILTER_P) && !s->on_p)
		return false;
	if (!s->made_told && !wanted__made(w, rt, s->gopc))
		return false;
	return !wanted__asks(w, FILTER_LABEL) || s->labels_told ||
	       ingest__wants_labels(in, rt, s->labels);
}

static bool ingest__wants_all(struct ingest *in, uint16_t rt, const struct subject *s)
{
	struct wanted *w = in->o.wanted;

	return !w || (wanted__stack(w, rt, s->stack_id, s->gopc) && ingest__wants_who(in, rt, s));
}

/* An event, or one of those that go with it. */
static bool ingest__wants_record(struct ingest *in, const struct pw_hdr *h)
{
	struct wanted *w = in->o.wanted;
	struct subject s = { .goid = h->goid, .on_p = true };

	/* to filters a wait is one, whoever ended it */
	if (!w || !wanted__is_of(w, h->kind == PW_WAKE || h->kind == PW_BLOCK ? PW_WAIT : h->kind))
		return true;
	s.labels_told = wanted__labels_are_told(w) && !(h->flags & PW_LABELS_OPEN);
	if (h->kind == PW_BIRTH) {
		const struct pw_birth *r = (const struct pw_birth *)h;

		s.gopc = r->gopc;
		s.stack_id = r->stack_id;
		s.labels = r->labels;
	} else if (h->kind == PW_EXIT) {
		const struct pw_exit *r = (const struct pw_exit *)h;

		s.gopc = r->gopc;
		s.stack_id = profile__creation(in->profile, h->rt, h->goid);
		s.labels = r->labels;
	} else if (h->kind == PW_WAKE) {
		const struct pw_wake *r = (const struct pw_wake *)h;

		s.gopc = r->key.gopc;
		s.stack_id = r->key.stack_id;
		s.labels = r->labels;
	} else {
		const struct pw_wait *r = (const struct pw_wait *)h;

		s.gopc = r->gopc;
		s.stack_id = r->stack_id;
		s.labels = r->labels;
	}
	if (ingest__wants_all(in, h->rt, &s))
		return true;
	in->stats.unwanted++;
	return false;
}

bool ingest__wants_stack(const struct ingest *in, uint16_t rt, uint64_t stack_id)
{
	return !in->o.wanted || wanted__stack(in->o.wanted, rt, stack_id, 0);
}

/* What has this stack is of Go's own profile, or no such profile is asked for; else it is counted so many times. */
static bool ingest__is_contended(struct ingest *in, uint16_t rt, uint64_t stack_id, uint64_t count)
{
	if (!in->contended || contended__has(in->contended, rt, stack_id))
		return true;
	in->stats.unwanted += count;
	return false;
}

/* What the record points to in the target; false: none of ours to count. */
static bool ingest__look_up(struct ingest *in, const struct pw_hdr *h, uint32_t *ret_label)
{
	uint64_t startpc = 0, labels = 0, start_ns = h->ts_ns;
	const struct pw_stack *st;

	switch (h->kind) {
	case PW_STACK:
		st = (const struct pw_stack *)h;
		if (ingest__name(in, h->rt, (const uint64_t *)st->pcs, st->nr) && !st->truncated)
			systems__know(&in->systems, st->stack_id, h->rt | SYSTEMS_STACK);
		if (in->contended)
			contended__learn(in->contended, h->rt, st->stack_id,
					 (const uint64_t *)st->pcs, st->nr);
		if (in->o.wanted)
			wanted__learn(in->o.wanted, h->rt, st->stack_id, (const uint64_t *)st->pcs,
				      st->nr);
		return true;
	case PW_BIRTH:
		startpc = ((const struct pw_birth *)h)->startpc;
		labels = ((const struct pw_birth *)h)->labels;
		break;
	case PW_EXIT:
		startpc = ((const struct pw_exit *)h)->startpc;
		labels = ((const struct pw_exit *)h)->labels;
		break;
	case PW_WAIT:
	case PW_SCHED:
	case PW_BLOCK:
	case PW_MUTEX:
	case PW_CALL:
		if (!ingest__is_contended(in, h->rt, ((const struct pw_wait *)h)->stack_id, 1))
			return false;
		startpc = ((const struct pw_wait *)h)->startpc;
		labels = ((const struct pw_wait *)h)->labels;
		start_ns = ((const struct pw_wait *)h)->start_ns;
		break;
	case PW_WAKE:
		startpc = ((const struct pw_wake *)h)->key.startpc;
		labels = ((const struct pw_wake *)h)->labels;
		start_ns = ((const struct pw_wake *)h)->start_ns;
		break;
	}
	if (ingest__is_system(in, h->rt, startpc)) {
		in->stats.system++;
		return false;
	}
	if (!ingest__wants_record(in, h))
		return false;
	*ret_label = in->o.requests
			     ? reqlooks__wait(in->o.requests, h->rt, h->goid, start_ns, h->ts_ns)
			     : ingest__label(in, h->rt, h->goid, labels);
	return true;
}

void ingest__found(struct ingest *in)
{
	in->found_ns = clock_now_ns();
}

static struct subject subject_of(const struct ingest *in, const struct pw_cpu *r, uint64_t stack_id)
{
	return (struct subject){
		.goid = r->hdr.goid,
		.gopc = r->gopc,
		.stack_id = stack_id,
		.labels = r->labels,
		.labels_told = in->o.wanted && wanted__labels_are_told(in->o.wanted) &&
			       !(r->hdr.flags & PW_LABELS_OPEN),
		.on_p = true,
	};
}

static bool ingest__wants_cpu(struct ingest *in, const struct pw_cpu *r, uint64_t stack_id)
{
	const struct subject s = subject_of(in, r, stack_id);
	const bool wants = ingest__wants_all(in, r->hdr.rt, &s);

	in->stats.unwanted += !wants;
	return wants;
}

/* Of event wall: where a goroutine ran; what threads do for nobody, or in the kernel, is none of it. */
static void ingest__ran(struct ingest *in, const struct pw_cpu *r, uint64_t id)
{
	const struct subject s = subject_of(in, r, id);
	const uint8_t status = (uint8_t)(r->status & ~(uint32_t)GOSTATUS_SCAN);
	const bool runs = wall_state_of(wall_reason(status, 0)) == WALL_RUNNING;
	bool is_wanted;

	if (!r->hdr.goid || ingest__is_system(in, r->hdr.rt, r->startpc)) {
		in->stats.system++;
		return;
	}
	if (!runs || !ingest__wants_who(in, r->hdr.rt, &s) ||
	    (in->o.wanted && !wanted__status(in->o.wanted, status))) {
		in->stats.unwanted++;
		return;
	}
	is_wanted = !in->o.wanted || wanted__stack(in->o.wanted, r->hdr.rt, id, r->gopc);
	if (in->o.requests)
		reqlooks__cpu(in->o.requests, r, id, is_wanted);
	else
		(void)profile__ran(in->profile, r, id,
				   ingest__label(in, r->hdr.rt, r->hdr.goid, r->labels), is_wanted);
}

/* A sample: its stack goes with it. The runtime's own work is CPU time, too. */
static void ingest__cpu(struct ingest *in, const struct pw_cpu *r)
{
	struct cpustack_pcs st;
	uint64_t id;

	if (!in->o.cpu || !cpustack__make(in->o.cpu, r, &st))
		return;
	(void)ingest__name(in, r->hdr.rt, st.pcs, st.nr);
	id = profile__stack(in->profile, st.pcs, st.nr, st.truncated);
	if (profile__opts(in->profile)->event == PROFILE_WALL) {
		ingest__ran(in, r, id);
		return;
	}
	if (!ingest__wants_cpu(in, r, id))
		return;
	if (in->o.requests)
		reqlooks__cpu(in->o.requests, r, id, true);
	else
		(void)profile__cpu(in->profile, r, id,
				   ingest__label(in, r->hdr.rt, r->hdr.goid, r->labels));
}

/* To all but the timeline it is a wait and who ended it, if there was one. */
static void ingest__round(struct ingest *in, const struct pw_round *r)
{
	struct pw_wake w = {
		.hdr = r->hdr,
		.start_ns = r->start_ns,
		.labels = r->labels,
		.key = { .stack_id = r->stack_id,
			 .gopc = r->gopc,
			 .startpc = r->startpc,
			 .wakers = { r->waker },
			 .reason = r->reason },
	};
	uint32_t label = PROFILE_LABEL_NONE;

	w.hdr.kind = PW_WAKE;
	if (!in->o.timeline || !ingest__look_up(in, &w.hdr, &label))
		return;
	timeline__add(in->o.timeline, r);
	if (w.start_ns)
		(void)profile__apply(in->profile, &w.hdr, label);
}

void ingest__record(void *ctx, const void *data, size_t len)
{
	struct ingest *in = ctx;
	const struct pw_hdr *h;
	uint32_t label = PROFILE_LABEL_NONE;

	if (pipe_stats__decode(&in->stats.pipe, data, len, &h))
		return;
	if (h->rt >= goproc__nr_runtimes(in->gp)) {
		in->stats.pipe.out--;
		in->stats.pipe.malformed++;
		return;
	}
	in->found_ns = h->ts_ns;
	if (h->kind == PW_CPU)
		ingest__cpu(in, (const struct pw_cpu *)h);
	else if (h->kind == PW_ROUND)
		ingest__round(in, (const struct pw_round *)h);
	else if (h->kind == PW_ALLOC && in->o.requests)
		reqlooks__alloc(in->o.requests, (const struct pw_alloc *)h);
	else if (ingest__look_up(in, h, &label))
		(void)profile__apply(in->profile, h, label); /* what it refuses it counts */
}

bool ingest__is_counted(const struct ingest *in, uint16_t rt_nr, const struct census *c,
			const struct census_g *g, uint64_t pc)
{
	const struct goruntime *rt = goproc__runtime(in->gp, rt_nr);

	return in->contended ? waiting_parked(rt, g) && contended__waits(in->contended, rt_nr, c, g)
			     : waiting_parked_or_woken(rt, g, pc);
}

/* Goids that are wanted ascend. */
bool ingest__wants(const struct ingest *in, uint64_t goid)
{
	size_t lo = 0, hi = in->o.nr_goids;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (in->o.goids[mid] < goid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return !in->o.nr_goids || (lo < in->o.nr_goids && in->o.goids[lo] == goid);
}

/* Its wait is open, unless the probes meet it. */
static int ingest__may_stay(struct ingest *in, uint16_t rt, const struct census *c,
			    const struct census_g *g, uint64_t *ids)
{
	struct stayer s = {
		.addr = g->addr,
		.who = g->who,
		.reason = g->reason,
		.stops = g->stops,
		.label = ingest__label(in, rt, g->who.goid, g->labels),
	};

	if (g->stack != CENSUS_NO_STACK && ids[g->stack] == PW_STACK_ID_NONE)
		(void)ingest__name(in, rt, c->pcs + c->stacks[g->stack].pcs_at,
				   c->stacks[g->stack].nr_pcs);
	if (g->stack != CENSUS_NO_STACK)
		s.stack_id = ingest__stack_id(in, c, g, ids);
	if (!ingest__wants_all(in, rt,
			       &(struct subject){ .goid = s.who.goid,
						  .gopc = s.who.gopc,
						  .stack_id = s.stack_id,
						  .labels = g->labels }))
		return 0;
	return stayers__add(&in->stayers[rt], &s);
}

/* What is recorded of it went on when it was looked at: its wait; of event wall its system call. */
static bool ingest__goes_on(const struct ingest *in, uint16_t rt, const struct census *c,
			    const struct census_g *g)
{
	if (profile__opts(in->profile)->event == PROFILE_WALL)
		return g->status == GOSTATUS_SYSCALL && !g->moved;
	return waiting_parked_or_woken(goproc__runtime(in->gp, rt), g, census__pc(c, g));
}

/* What a census says of each goroutine. */
static int ingest__know(struct ingest *in, uint16_t rt_nr, const struct census *c, bool waits)
{
	scoped_mem uint64_t *ids = calloc(c->nr_stacks + 1, sizeof(*ids));
	int err = ids ? 0 : -ENOMEM;

	for (size_t i = 0; i < c->nr && !err; i++) {
		const struct census_g *g = &c->gs[i];

		heart__beat();
		if (ingest__is_system(in, rt_nr, g->who.startpc)) {
			systems__know(&in->systems, g->who.goid, rt_nr);
			continue;
		}
		profile__known(in->profile, rt_nr, &g->who);
		if (waits && ingest__wants(in, g->who.goid) && ingest__goes_on(in, rt_nr, c, g))
			err = ingest__may_stay(in, rt_nr, c, g, ids);
	}
	return err;
}

int ingest__census(struct ingest *in, uint16_t rt_nr, bool waits, unsigned int depth,
		   struct cause *why)
{
	scoped(census) c = NULL;
	int err = census__read_until(proc__mem(in->proc), goproc__runtime(in->gp, rt_nr), depth,
				     in->o.until, &c);

	if (err == -ESRCH)
		return cause__set(why, err, "process %d ('%s') has ended", (int)proc__pid(in->proc),
				  proc__comm(in->proc));
	if (err)
		return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s",
				  proc__comm(in->proc), (int)proc__pid(in->proc), strerror(-err));
	ingest__found(in);
	err = ingest__know(in, rt_nr, c, waits);
	return !err && c->cut ? -ETIMEDOUT : err;
}

/* Of a map of runtime rt. */
struct map_walk {
	struct ingest *in;
	uint16_t rt;
	struct opengs *open;
	struct met met;
};

/* A sum is to be kept; else it is counted where it is not. labels_told: else it would be no sum. */
static bool ingest__wants_sum(const struct map_walk *w, const struct subject *s, uint64_t startpc,
			      uint64_t count)
{
	bool system, wants;

	if (!ingest__is_contended(w->in, w->rt, s->stack_id, count))
		return false;
	system = ingest__is_system(w->in, w->rt, startpc);
	wants = !system && ingest__wants_all(w->in, w->rt, s);
	w->in->stats.system += system ? count : 0;
	w->in->stats.unwanted += system || wants ? 0 : count;
	return wants;
}

static void ingest__sum(void *ctx, const struct pw_wait_key *key, const struct pw_wait_sum *sum)
{
	const struct map_walk *w = ctx;
	const struct subject s = {
		.gopc = key->gopc, .stack_id = key->stack_id, .labels_told = true, .on_p = true
	};

	if (ingest__wants_sum(w, &s, key->startpc, sum->count))
		/* what it refuses it counts */
		(void)profile__waits(w->in->profile, w->rt, key, sum);
}

static void ingest__wake_sum(void *ctx, const struct pw_wake_key *key,
			     const struct pw_wait_sum *sum)
{
	const struct map_walk *w = ctx;

	const struct subject s = {
		.gopc = key->gopc, .stack_id = key->stack_id, .labels_told = true, .on_p = true
	};

	if (ingest__wants_sum(w, &s, key->startpc, sum->count))
		(void)profile__wakes(w->in->profile, w->rt, key, sum);
}

int ingest__sums(struct ingest *in, uint16_t rt, struct attach *a)
{
	struct map_walk w = { .in = in, .rt = rt };

	if (profile__opts(in->profile)->event == PROFILE_WAKEUPS)
		return attach__wakes_each(a, ingest__wake_sum, &w);
	return attach__waits_each(a, ingest__sum, &w);
}

uint64_t ingest__events(const struct ingest *in, const uint64_t *stats)
{
	const uint64_t all = stats[PW_STAT_EVENTS] + stats[PW_STAT_SUMMED];

	const uint64_t left_out = in->stats.system + in->stats.unwanted;

	return all > left_out ? all - left_out : 0;
}

uint64_t ingest__stack_id(struct ingest *in, const struct census *c, const struct census_g *g,
			  uint64_t *ids)
{
	const struct census_stack *st = &c->stacks[g->stack];

	if (ids[g->stack] == PW_STACK_ID_NONE)
		ids[g->stack] =
			profile__stack(in->profile, c->pcs + st->pcs_at, st->nr_pcs, st->truncated);
	return ids[g->stack];
}

/* Who waits for a lock says that time goes by until it is given up; who will do that is not known. */
static void ingest__waits_for_unlock(struct ingest *in, struct profile_sample *ps)
{
	if (in->o.wanted || in->o.nr_goids)
		return;
	ps->stack_id = PW_STACK_ID_NONE;
	ps->reason = 0;
	(void)profile__sample(in->profile, ps); /* what it refuses it counts */
}

/* What a look has met. The functions of one that runs are known from samples alone (event wall). */
static bool ingest__wants_met(struct ingest *in, const struct profile_sample *ps,
			      const struct census_g *g)
{
	const struct subject s = { .goid = g->who.goid,
				   .gopc = g->who.gopc,
				   .stack_id = ps->stack_id,
				   .labels = g->labels };

	if (in->o.wanted && profile__opts(in->profile)->event == PROFILE_WALL &&
	    !wanted__status(in->o.wanted, g->status))
		return false;
	return g->status == GOSTATUS_RUNNING && in->o.cpu ? ingest__wants_who(in, ps->rt, &s)
							  : ingest__wants_all(in, ps->rt, &s);
}

void ingest__sample(struct ingest *in, const struct census *c, const struct census_g *g,
		    uint64_t *ids, struct profile_sample *ps)
{
	if (profile__opts(in->profile)->event == PROFILE_MUTEX) {
		ingest__waits_for_unlock(in, ps);
		return;
	}
	if (!ingest__wants(in, g->who.goid) || ingest__is_system(in, ps->rt, g->who.startpc))
		return;
	if (g->stack != CENSUS_NO_STACK)
		ps->stack_id = ingest__stack_id(in, c, g, ids);
	ps->who = g->who;
	if (!ingest__wants_met(in, ps, g))
		return;
	ps->label = in->o.requests ? reqlooks__met(in->o.requests, ps->rt, c, g)
				   : ingest__label(in, ps->rt, g->who.goid, g->labels);
	(void)profile__sample(in->profile, ps); /* what it refuses it counts */
}

void ingest__life(struct ingest *in, struct profile_sample *ps, uint64_t labels)
{
	if (!ingest__wants(in, ps->who.goid) ||
	    !ingest__wants_all(in, ps->rt,
			       &(struct subject){ .goid = ps->who.goid,
						  .gopc = ps->who.gopc,
						  .stack_id = ps->stack_id,
						  .labels = labels }))
		return;
	ps->label = ingest__label(in, ps->rt, ps->who.goid, labels);
	(void)profile__sample(in->profile, ps); /* what it refuses it counts */
}

/* BPF has seen it park, or be woken; gopc 0: it is gone, and nobody else can be asked. */
static bool ingest__wants_open(struct ingest *in, uint16_t rt, const struct pw_gstate *s,
			       uint64_t gopc, uint64_t labels)
{
	const bool sched = profile__opts(in->profile)->event == PROFILE_SCHED;

	return !in->o.wanted ||
	       ingest__wants_all(in, rt,
				 &(struct subject){
					 .goid = s->goid,
					 .gopc = gopc,
					 .stack_id = sched ? s->ready_stack_id : s->stack_id,
					 .labels = labels,
					 .made_told = !gopc,
					 .labels_told = wanted__labels_are_told(in->o.wanted) &&
							!(s->flags & PW_LABELS_OPEN),
					 .on_p = !sched });
}

/* Of a wait that goes on. */
static uint32_t ingest__open_label(struct ingest *in, uint16_t rt, const struct pw_gstate *s,
				   uint64_t labels)
{
	uint64_t begin_ns, end_ns;

	if (!in->o.requests)
		return ingest__label(in, rt, s->goid, labels);
	profile__span(in->profile, &begin_ns, &end_ns);
	return reqlooks__wait(in->o.requests, rt, s->goid, s->start_ns, end_ns);
}

/*
 * It waits still, so its g says who it is; if the target has ended the profile may know from
 * elsewhere.
 */
static void ingest__open_wait(void *ctx, const struct pw_gstate *s, const uint8_t *g)
{
	struct map_walk *w = ctx;
	const struct pw_layout *lay = &goproc__runtime(w->in->gp, w->rt)->layout;
	uint64_t goid = 0, gopc = 0, startpc = 0, labels = 0;

	if (g) {
		memcpy(&goid, g + lay->g_goid, sizeof(goid));
		memcpy(&gopc, g + lay->g_gopc, sizeof(gopc));
		memcpy(&startpc, g + lay->g_startpc, sizeof(startpc));
		memcpy(&labels, g + lay->g_labels, sizeof(labels));
	}
	if (goid != s->goid)
		gopc = startpc = labels = 0;
	if (ingest__is_system(w->in, w->rt, startpc) ||
	    systems__knows(&w->in->systems, s->goid, w->rt) ||
	    (!startpc && systems__knows(&w->in->systems, s->stack_id, w->rt | SYSTEMS_STACK)))
		return;
	if (!ingest__wants_open(w->in, w->rt, s, gopc, labels))
		return;
	if (w->in->o.timeline)
		timeline__open(w->in->o.timeline, w->rt, s, gopc, startpc);
	(void)profile__open_wait(w->in->profile, w->rt, s, gopc, startpc,
				 ingest__open_label(w->in, w->rt, s, labels));
}

static void ingest__open_g(void *ctx, uint64_t addr, const struct pw_gstate *s)
{
	struct map_walk *w = ctx;

	if (s->start_ns || s->ready_ns || (w->in->o.timeline && s->tid))
		opengs__add(w->open, addr, s);
	if (stayers__nr(&w->in->stayers[w->rt]))
		met__see(&w->met, addr, s);
}

/* It was not met, so it waited all the time. */
static void ingest__stayed(void *ctx, const struct stayer *g)
{
	const struct map_walk *w = ctx;
	const struct pw_gstate s = {
		.start_ns = w->met.since_ns,
		.stack_id = g->stack_id,
		.goid = g->who.goid,
		.reason = g->reason,
	};

	heart__beat();
	if (w->in->o.timeline)
		timeline__open(w->in->o.timeline, w->rt, &s, g->who.gopc, g->who.startpc);
	(void)profile__open_wait(w->in->profile, w->rt, &s, g->who.gopc, g->who.startpc,
				 w->in->o.requests ? ingest__open_label(w->in, w->rt, &s, 0)
						   : g->label);
}

int ingest__open_waits(struct ingest *in, uint16_t rt, struct attach *a)
{
	struct map_walk w = { .in = in, .rt = rt };
	scoped(opengs) gs = NULL;
	uint64_t begin_ns, end_ns;
	int err =
		opengs__new(proc__mem(in->proc), (size_t)goproc__runtime(in->gp, rt)->layout.g_size,
			    in->o.until, ingest__open_wait, &w, &gs);

	if (err)
		return err;
	ingest__found(in);
	profile__span(in->profile, &begin_ns, &end_ns);
	met__begin(&w.met, begin_ns);
	w.open = gs;
	err = attach__gs_each(a, ingest__open_g, &w);
	opengs__flush(gs);
	met__order(&w.met);
	if (!err)
		err = w.met.err;
	if (attach__gs_was_full(a))
		stayers__check(&in->stayers[rt], proc__mem(in->proc), goproc__runtime(in->gp, rt),
			       in->o.until);
	if (!err) /* else nobody knows who was met */
		err = stayers__each(&in->stayers[rt], &w.met, ingest__stayed, &w);
	met__done(&w.met);
	stayers__drop(&in->stayers[rt]);
	return err;
}

bool ingest__is_system_stack(const struct ingest *in, uint16_t rt, uint64_t stack_id)
{
	return !in->o.system && systems__knows(&in->systems, stack_id, rt | SYSTEMS_STACK);
}

const struct ingest_stats *ingest__stats(const struct ingest *in)
{
	return &in->stats;
}
