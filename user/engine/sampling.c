// SPDX-License-Identifier: BSD-2-Clause
#include "engine/sampling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/deadread.h"
#include "base/random.h"
#include "base/vec.h"
#include "engine/oscalls.h"
#include "engine/reqlooks.h"
#include "golang/gofacts.h"
#include "golang/gostate.h"
#include "heap/gborn.h"
#include "model/places.h"
#include "model/seen.h"
#include "model/wall.h"

#define PIECE 4096u /* gs that are read together */

struct sampling {
	struct sampling_opts o;
	struct seen *seen[GOPROC_RUNTIMES_MAX]; /* by rt; of lives: wait says that it was dead */
	struct places *places;
	struct oscalls *oscalls;                     /* event wall; else NULL */
	struct reader *readers[GOPROC_RUNTIMES_MAX]; /* of waits */
	uint64_t random;                             /* state of base/random */
	struct sampling_life {                       /* of a runtime */
		bool begun;
		uint64_t first_goid; /* the highest, at the first look */
		uint64_t born;       /* since then, as far as told */
		size_t alive;        /* at the look before */
	} lives[GOPROC_RUNTIMES_MAX];
	uint64_t window_ns; /* of the look that is taken */
	bool counts;        /* so for the look that is taken */
	uint64_t met;       /* in it: goroutines, whoever is wanted */
	uint64_t cpu_ns;    /* of ours, by looking */
	struct sampling_stats stats;
};

int sampling__new(const struct sampling_opts *o, struct sampling **ret)
{
	scoped(sampling) s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->o = *o;
	err = places__new(&s->places);
	if (!err && profile__opts(o->profile)->event == PROFILE_WALL)
		err = oscalls__new(o->proc, &s->oscalls);
	if (err)
		return err;
	for (size_t i = 0; i < goproc__nr_runtimes(o->gp); i++) {
		err = seen__new(&s->seen[i]);
		if (!err)
			err = reader__new(proc__mem(o->proc), goproc__runtime(o->gp, i), o->depth,
					  &s->readers[i]);
		if (err)
			return err;
		reader__limit(s->readers[i], o->until);
	}
	s->random = random_seed();
	*ret = steal(s);
	return 0;
}

void sampling__free(struct sampling *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(s->seen); i++) {
		reader__free(s->readers[i]);
		seen__free(s->seen[i]);
	}
	places__free(s->places);
	oscalls__free(s->oscalls);
	free(s);
}

static bool is_wall(const struct sampling *s)
{
	return s->oscalls;
}

uint64_t sampling__look_ns(const struct sampling *s)
{
	return s->stats.looks ? s->stats.spent_ns / s->stats.looks : 0;
}

void sampling__plan(struct sampling *s, uint64_t period_ns, uint64_t late_ns, uint64_t left_ns,
		    uint64_t *ret_window_ns, uint64_t *ret_after_ns)
{
	/* where nothing else is recorded, it is time that looks take, not time in which others run */
	const uint64_t look_ns =
		is_wall(s) && s->stats.looks ? s->cpu_ns / s->stats.looks : sampling__look_ns(s);
	const uint64_t least = (uint64_t)((double)look_ns / SAMPLING_OWN_MAX);

	period_ns = late_ns + (period_ns < least ? least : period_ns);
	*ret_window_ns = left_ns < period_ns + period_ns / 2 ? left_ns : period_ns;
	*ret_after_ns = (uint64_t)(random_next(&s->random) * (double)*ret_window_ns);
}

/* --- waits --- */

static bool is_counted(const struct sampling *s, uint16_t rt, const struct census *c,
		       const struct census_g *g, uint64_t pc)
{
	if (is_wall(s)) /* each is in some state */
		return true;
	if (profile__opts(s->o.profile)->event == PROFILE_SCHED)
		return g->status == GOSTATUS_RUNNABLE && g->sp;
	return ingest__is_counted(s->o.intake, rt, c, g, pc);
}

static struct place place_of(const struct sampling *s, uint16_t rt, const struct census_g *g,
			     uint64_t pc)
{
	const uint32_t reason = is_wall(s) ? wall_reason(g->status, g->reason) : g->reason;

	return (struct place){ g->who.startpc, pc, g->stack_hi - g->sp, g->who.goid, reason, rt };
}

/*
 * Where one stands that moves, for it, and for others like it. Not where those stand that do not:
 * many may be started with the same function and do different things.
 */
static void sampling__learn(struct sampling *s, struct place at, uint64_t stack_id)
{
	places__learn(s->places, &at, stack_id);
	at.goid = 0;
	places__learn(s->places, &at, stack_id);
}

static uint64_t sampling__find(struct sampling *s, struct place at)
{
	const double chance = random_next(&s->random);
	const uint64_t id = places__find(s->places, &at, chance);

	at.goid = 0;
	return id != PW_STACK_ID_NONE ? id : places__find(s->places, &at, chance);
}

static void sampling__count(struct sampling *s, uint16_t rt, const struct census *c,
			    const struct census_g *g, uint64_t *ids, struct profile_sample *ps)
{
	ps->value = s->window_ns;
	ps->reason = profile__opts(s->o.profile)->event == PROFILE_SCHED ? 0
		     : is_wall(s) ? wall_reason(g->status, g->reason)
				  : g->reason;
	ps->rt = rt;
	ps->counts &= s->counts;
	ingest__sample(s->o.intake, c, g, ids, ps);
}

/*
 * The system call that it is in. Its thread is asked after it was looked at: it counts if the goroutine
 * has not left the call meanwhile.
 */
static uint32_t sampling__call(struct sampling *s, uint16_t rt, const struct census_g *g)
{
	const struct goruntime *go = goproc__runtime(s->o.gp, rt);
	const char *text = oscalls__text(s->oscalls, g->tid);
	uint64_t status = 0, goid = 0, sp = 0;
	struct memread now[] = {
		{ g->addr + (uint64_t)go->layout.g_atomicstatus, &status, sizeof(uint32_t), 0 },
		{ g->addr + (uint64_t)go->layout.g_goid, &goid, sizeof(goid), 0 },
		{ g->addr + (uint64_t)go->layout.g_syscallsp, &sp, sizeof(sp), 0 },
	};

	if (!text[0])
		return PROFILE_LABEL_NONE;
	addrspace__read_batch(proc__mem(s->o.proc), now, ARRAY_SIZE(now));
	if ((status & ~(uint64_t)GOSTATUS_SCAN) != GOSTATUS_SYSCALL || goid != g->who.goid ||
	    sp != g->sp)
		return PROFILE_LABEL_NONE;
	return profile__label(s->o.profile, text);
}

/* Those that held still: as they stand. */
static void sampling__standing(struct sampling *s, uint16_t rt, const struct census *c,
			       uint64_t *ids)
{
	const bool numbers = gofacts_has(goproc__runtime(s->o.gp, rt)->minor, GO_RUNS_COUNTED);

	for (size_t i = 0; i < c->nr; i++) {
		const struct census_g *g = &c->gs[i];
		const uint64_t pc = census__pc(c, g);

		if (!is_counted(s, rt, c, g, pc))
			continue;
		if (g->moved && g->stack != CENSUS_NO_STACK) {
			sampling__learn(s, place_of(s, rt, g, pc),
					ingest__stack_id(s->o.intake, c, g, ids));
		} else if (is_wall(s) && !g->moved) {
			struct profile_sample ps = { .counts = true };

			if (g->status == GOSTATUS_SYSCALL &&
			    ingest__wants(s->o.intake, g->who.goid))
				ps.call = sampling__call(s, rt, g);
			sampling__count(s, rt, c, g, ids, &ps);
		} else if (!g->moved) {
			const struct seen_g seen = { .who.goid = g->who.goid,
						     .wait = census__wait_number(c, g, numbers) };
			struct profile_sample ps = { .counts = seen__g(s->seen[rt], &seen) !=
							       SEEN_AGAIN };

			sampling__count(s, rt, c, g, ids, &ps);
		}
	}
}

/*
 * Those that did not: as they were when they were met, for what they do when they hold still they
 * do for longer.
 */
static void sampling__moved(struct sampling *s, uint16_t rt, const struct census *c, uint64_t *ids)
{
	for (size_t i = 0; i < c->nr_moved; i++) {
		const struct census_moved *m = &c->moved[i];
		struct profile_sample ps = { .counts = true };

		if (!is_counted(s, rt, c, &m->g, m->pc) ||
		    !ingest__wants(s->o.intake, m->g.who.goid) ||
		    ingest__is_system(s->o.intake, rt, m->g.who.startpc))
			continue;
		if (m->pc)
			ps.stack_id = sampling__find(s, place_of(s, rt, &m->g, m->pc));
		if (ps.stack_id == PW_STACK_ID_NONE && !is_wall(s))
			s->stats.unsettled++;
		else
			sampling__count(s, rt, c, &m->g, ids, &ps);
	}
}

static int sampling__waits(struct sampling *s, uint16_t rt, struct cause *why)
{
	scoped_mem uint64_t *ids = NULL;
	scoped(census) c = NULL;
	int err = reader__take(s->readers[rt], &c);

	if (!err && c->cut)
		err = -ETIMEDOUT;
	if (err)
		return err;
	/* by stack; PW_STACK_ID_NONE: not interned yet */
	ids = calloc(c->nr_stacks + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	if (s->o.requests)
		err = reqlooks__take(s->o.requests, rt, c, why);
	if (err == -ESRCH || err == -ENOMEM)
		return err; /* else they have no request, and that is said */
	s->stats.unsettled += c->refused;
	ingest__found(s->o.intake);
	if (is_wall(s))
		oscalls__look(s->oscalls);
	s->met += c->nr_moved;
	for (size_t i = 0; i < c->nr; i++)
		s->met += !c->gs[i].moved;
	seen__look(s->seen[rt]);
	sampling__standing(s, rt, c, ids);
	sampling__moved(s, rt, c, ids);
	seen__gone(s->seen[rt], NULL, NULL);
	return 0;
}

/* --- births and exits --- */

/* One g, living or dead: a dead one still says who it was last. */
struct life {
	struct goroutine who;
	uint64_t labels;
	bool dead;
	bool told;  /* it was born, or ended, since the look before */
	bool brief; /* both */
};

struct lives {
	struct sampling *s;
	uint16_t rt;
	bool exits; /* are asked for, not births */
	struct life *v;
	size_t nr, room;
	size_t alive, born, told, brief;
	uint64_t top; /* goid */
};

static uint64_t field_at(const uint8_t *g, int32_t offset)
{
	uint64_t v = 0;

	if (offset != PW_NO_FIELD)
		memcpy(&v, g + offset, sizeof(v));
	return v;
}

static void lives__take(struct lives *l, const uint8_t *g)
{
	const struct pw_layout *lay = &goproc__runtime(l->s->o.gp, l->rt)->layout;
	uint32_t status;
	struct life v = {
		.who = { .goid = field_at(g, lay->g_goid),
			 .parent_goid = field_at(g, lay->g_parent_goid),
			 .gopc = field_at(g, lay->g_gopc),
			 .startpc = field_at(g, lay->g_startpc) },
		.labels = field_at(g, lay->g_labels),
	};

	memcpy(&status, g + lay->g_atomicstatus, sizeof(status));
	v.dead = status == GOSTATUS_DEAD || status == GOSTATUS_IDLE;
	l->top = v.who.goid > l->top ? v.who.goid : l->top;
	if (!v.who.goid || ingest__is_system(l->s->o.intake, l->rt, v.who.startpc))
		return;
	l->alive += !v.dead;
	l->v[l->nr++] = v;
}

/* A piece of them: their gs are read together, and not kept. */
static int lives__read_piece(struct lives *l, const uint64_t *addrs, struct memread *reads,
			     size_t nr)
{
	int err;

	for (size_t i = 0; i < nr; i++)
		reads[i].addr = addrs[i];
	err = deadline_read(l->s->o.until, proc__mem(l->s->o.proc), reads, nr);
	for (size_t i = 0; i < nr && !err; i++)
		if (!reads[i].err)
			lives__take(l, reads[i].buf);
	return err;
}

static int lives__read(struct lives *l)
{
	const struct goruntime *rt = goproc__runtime(l->s->o.gp, l->rt);
	const size_t bytes = (size_t)rt->layout.g_size;
	scoped_mem struct memread *reads = calloc(PIECE, sizeof(*reads));
	scoped_mem uint8_t *gs = calloc(PIECE, bytes);
	scoped_mem uint64_t *addrs = NULL;
	size_t nr = 0;
	int err = census__addrs(proc__mem(l->s->o.proc), rt, &addrs, &nr);

	if (err)
		return err;
	l->v = calloc(nr + 1, sizeof(*l->v));
	if (!gs || !reads || !l->v)
		return -ENOMEM;
	for (size_t i = 0; i < PIECE; i++)
		reads[i] = (struct memread){ .buf = gs + i * bytes, .len = bytes };
	for (size_t at = 0; at < nr && !err; at += PIECE)
		err = lives__read_piece(l, addrs + at, reads, nr - at < PIECE ? nr - at : PIECE);
	return err || proc__alive(l->s->o.proc) ? err : -ESRCH;
}

/* Its g serves another now: it ended since the look before, unless it was dead then. */
static void lives__gone(void *ctx, const struct seen_g *g)
{
	struct lives *l = ctx;

	if (g->wait || !l->exits || vec__reserve(&l->v, &l->room, l->nr + 1, sizeof(*l->v)))
		return;
	l->v[l->nr++] = (struct life){ g->who, .dead = true, .told = true };
	l->told++;
}

static void lives__compare(struct lives *l)
{
	struct seen *seen = l->s->seen[l->rt];

	seen__look(seen);
	l->room = l->nr;
	for (size_t i = 0, nr = l->nr; i < nr; i++) {
		struct life *v = &l->v[i];
		const enum seen_is is = seen__g(seen, &(struct seen_g){ v->who, v->dead });

		l->born += is == SEEN_NEW;
		v->told = l->exits ? v->dead && is != SEEN_AGAIN : is == SEEN_NEW;
		v->brief = v->dead && is == SEEN_NEW;
		l->told += v->told;
		l->brief += v->brief;
	}
	seen__gone(seen, lives__gone, l);
}

/*
 * Goids are given to processors in stretches of 16 (Go runtime/proc.go newproc1, _GoidCacheBatch),
 * so the highest one runs ahead of the births by so many for each at most.
 */
static uint64_t lives__total(struct lives *l)
{
	struct sampling_life *was = &l->s->lives[l->rt];
	const uint64_t ahead = 16 * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	const uint64_t given = l->top - was->first_goid;
	uint64_t born = l->born;
	int64_t ended;

	if (given > ahead && given - ahead > was->born + born)
		born = given - ahead - was->born;
	was->born += born;
	ended = (int64_t)born - (int64_t)l->alive + (int64_t)was->alive;
	was->alive = l->alive;
	if (!l->exits)
		return born;
	return ended > (int64_t)l->told ? (uint64_t)ended : l->told;
}

static void lives__tell(struct lives *l, const struct life *v, uint64_t share)
{
	struct profile_sample ps = {
		.stack_id = PW_STACK_ID_NONE,
		.who = v->who,
		.value = share,
		.rt = l->rt,
		.counts = true,
	};

	if (share)
		ingest__life(l->s->o.intake, &ps, v->dead ? 0 : v->labels);
}

/*
 * Each that is known of counts once. Those that were born and ended since the look before are not
 * all known, for their gs serve others by now: the ones that are stand for the rest.
 */
static void lives__share(struct lives *l, uint64_t total)
{
	const uint64_t rest = total > l->told ? total - l->told : 0;
	uint64_t given = 0;
	size_t nr = 0;

	if (rest && !l->brief)
		lives__tell(l, &(struct life){ .dead = true }, rest);
	for (size_t i = 0; i < l->nr; i++) {
		uint64_t share = l->v[i].told;

		if (l->v[i].brief) {
			const uint64_t upto =
				(uint64_t)((double)rest * (double)++nr / (double)l->brief + 0.5);

			share += upto - given;
			given = upto;
		}
		lives__tell(l, &l->v[i], share);
	}
}

static int sampling__lives(struct sampling *s, uint16_t rt)
{
	struct lives l = { .s = s,
			   .rt = rt,
			   .exits = profile__opts(s->o.profile)->event == PROFILE_EXITS };
	struct sampling_life *was = &s->lives[rt];
	int err = lives__read(&l);

	if (!err) {
		ingest__found(s->o.intake);
		lives__compare(&l);
		if (was->begun)
			lives__share(&l, lives__total(&l));
		else
			*was = (struct sampling_life){ .begun = true,
						       .first_goid = l.top,
						       .alive = l.alive };
	}
	free(l.v);
	return err;
}

/* --- */

int sampling__look(struct sampling *s, uint64_t window_ns, bool counts, struct cause *why)
{
	const enum profile_event event = profile__opts(s->o.profile)->event;
	const bool lives = event == PROFILE_BIRTHS || event == PROFILE_EXITS;
	const uint64_t began = clock_now_ns(), cpu_began = clock_cpu_ns();
	int err = 0;

	s->window_ns = window_ns;
	s->counts = counts;
	s->met = 0;
	profile__window(s->o.profile);
	for (size_t i = 0; i < goproc__nr_runtimes(s->o.gp) && !err; i++)
		err = lives ? sampling__lives(s, (uint16_t)i)
			    : sampling__waits(s, (uint16_t)i, why);
	if (err)
		return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s",
				  proc__comm(s->o.proc), (int)proc__pid(s->o.proc), strerror(-err));
	if (is_wall(s))
		profile__met(s->o.profile, s->met);
	s->stats.looks++;
	s->stats.spent_ns += clock_now_ns() - began;
	s->cpu_ns += clock_cpu_ns() - cpu_began;
	return 0;
}

int sampling__number(const struct sampling *s, uint64_t *ret)
{
	uint64_t all = 0, alive = 0;
	int err = 0;

	for (size_t i = 0; i < goproc__nr_runtimes(s->o.gp) && !err; i++) {
		err = gborn__alive(proc__mem(s->o.proc), goproc__runtime(s->o.gp, i), &alive);
		all += err ? 0 : alive;
	}
	if (!err)
		*ret = all;
	return err;
}

const struct sampling_stats *sampling__stats(const struct sampling *s)
{
	return &s->stats;
}
