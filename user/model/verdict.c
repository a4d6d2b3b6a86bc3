// SPDX-License-Identifier: BSD-2-Clause
#include "model/verdict.h"

#define SETTLED_LAG 1  /* a goroutine is settled one look after its birth */
#define FEW         20 /* one in so many is an exception */
#define NOISE       2  /* growth is so many times what it went down in between */
#define SOME        10

struct judge {
	const struct leakset *ls;
	const struct leak_group *g;
	const struct verdict_opts *o;
	struct verdict *v;
};

static uint32_t now_of(const struct judge *j)
{
	return j->g->count[leakset__nr_looks(j->ls) - 1];
}

static uint64_t watched_ns(const struct judge *j)
{
	return leakset__look_ns(j->ls, leakset__nr_looks(j->ls) - 1) - leakset__look_ns(j->ls, 0);
}

/* --- what grows --- */

static void measure(struct judge *j)
{
	const struct leak_lives *lives = leakset__lives_at(j->ls, j->g->key.made);
	const uint64_t ns = watched_ns(j);

	for (size_t i = 1; i < leakset__nr_looks(j->ls); i++) {
		j->v->births += lives->births[i];
		j->v->exits += lives->exits[i];
	}
	if (ns)
		j->v->per_min = ((double)now_of(j) - (double)j->g->count[0]) * 60e9 / (double)ns;
}

/* level: settled or still, both known from the second look on. */
static void measure_growth(struct judge *j, const uint32_t *level)
{
	const struct leak_lives *lives = leakset__lives_at(j->ls, j->g->key.made);
	const size_t looks = leakset__nr_looks(j->ls);

	if (looks > 1)
		growth_of(&level[1], &lives->births[2], looks - 1, SETTLED_LAG, &j->v->growth);
}

static bool grows_by(const struct judge *j, double per_min)
{
	const struct growth *gr = &j->v->growth;

	return gr->going && gr->net >= (int64_t)j->o->min_more &&
	       (uint64_t)gr->net >= NOISE * gr->fell && per_min >= j->o->min_per_min;
}

static bool has_grown(const struct judge *j)
{
	return grows_by(j, j->v->per_min);
}

/* How many goroutines there are may hide that those grow which were measured. */
static bool has_grown_among_others(const struct judge *j)
{
	return grows_by(j, (double)j->v->growth.net * 60e9 / (double)watched_ns(j));
}

/* There are older ones, and they are there still. */
static bool old_ones_stay(const struct leak_group *g)
{
	return g->old && (uint64_t)FEW * g->old_ended <= g->old;
}

static bool old_ones_move(const struct leak_group *g)
{
	return (uint64_t)SOME * (g->old_moved + g->old_went) > g->old;
}

static bool waits_for_time(const struct leak_group *g)
{
	return g->class == LEAK_SLEEP || g->timer || leak_group_is_due(g);
}

static bool is_connection(const struct leak_group *g)
{
	return g->class == LEAK_IO || g->role == LEAK_ROLE_CLIENT;
}

/* What piles up for a moment is young; of a leak those stay that came in the first two thirds. */
static bool old_ones_are_part_of_it(const struct judge *j)
{
	return (int64_t)SOME * j->g->old_waits >= j->v->growth.net;
}

/* More and more waits that do not end. A wait of a third of the watch is an old one. */
static bool stand_more_and_more(struct judge *j)
{
	const struct leak_group *g = j->g;

	if (!g->old_waits || (uint64_t)FEW * g->old_over > g->old_waits || waits_for_time(g) ||
	    (g->unsure && g->class == LEAK_IO))
		return false;
	j->v->why = WHY_GROWS;
	measure_growth(j, g->still);
	if (has_grown(j) && old_ones_are_part_of_it(j))
		return true;
	j->v->why = WHY_GROWS_AMONG_OTHERS;
	measure_growth(j, g->fresh);
	return has_grown_among_others(j) && old_ones_are_part_of_it(j);
}

/* A loop that waits for more than a timer, and nobody else refers to that. */
static bool nobody_can_end(const struct judge *j)
{
	return j->g->class == LEAK_SELECT && j->g->loops && j->g->unended >= j->o->min_count;
}

/* More and more goroutines that wake, or will wake, and do not end. */
static bool wake_more_and_more(struct judge *j)
{
	const struct leak_group *g = j->g;

	measure_growth(j, g->settled);
	/* Those that a loop brings back are found there, as a rule; others are on their way. */
	if (!has_grown(j) || g->old < j->o->min_more || !old_ones_stay(g) || is_connection(g) ||
	    2 * (uint64_t)g->old_went > g->old)
		return false;
	return waits_for_time(g) ? old_ones_move(g) || g->ticks || g->endless || nobody_can_end(j)
				 : !j->v->exits;
}

/* More and more that run whenever one looks. What computes a result is done before it is old. */
static bool run_more_and_more(struct judge *j)
{
	const struct leak_group *g = j->g;

	measure_growth(j, g->settled);
	return has_grown_among_others(j) && g->old >= j->o->min_more &&
	       2 * (int64_t)g->old >= j->v->growth.net && old_ones_stay(g) &&
	       (uint64_t)FEW * g->old_went <= g->old;
}

static bool is_growing(struct judge *j)
{
	const struct leak_group *g = j->g;

	if (g->role == LEAK_ROLE_KEEPALIVE || g->served || g->set_up)
		return false;
	j->v->why = WHY_GROWS_AND_RUNS;
	if (g->class == LEAK_RUNS)
		return run_more_and_more(j);
	if (stand_more_and_more(j))
		return true;
	j->v->why = WHY_GROWS_AND_WAKES;
	return wake_more_and_more(j);
}

/* --- what stands --- */

/* Hardly two share an object. */
static bool is_apart(const struct leak_group *g)
{
	return (uint64_t)SOME * (g->nr - (g->objects < g->nr ? g->objects : g->nr)) <= g->nr;
}

static bool many_are_old(const struct judge *j)
{
	return j->g->aged >= j->o->min_count && is_apart(j->g);
}

static bool is_reached(const struct leak_group *g)
{
	return g->reached[LEAK_REACHED_GLOBAL] || g->reached[LEAK_REACHED_STACK] ||
	       g->reached[LEAK_REACHED_OTHER];
}

/* Somebody who still has the channel may take what they send, as was done with those who went on.
 */
static bool nobody_receives(const struct judge *j)
{
	const struct leak_group *g = j->g;

	return g->class == LEAK_SEND && many_are_old(j) && !is_reached(g) && !g->old_moved &&
	       !g->old_went && !g->old_ended;
}

/*
 * A lock that is passed on would have been passed to the oldest first: Go's mutexes starve nobody
 * for longer than a millisecond.
 */
static bool is_stuck(const struct judge *j)
{
	const struct leak_group *g = j->g;

	j->v->why = g->class == LEAK_LOCK ? WHY_NOBODY_GOT_IT
		    : g->keepers          ? WHY_KEEPS_LOCK
					  : WHY_NOBODY_RECEIVES;
	return g->stands || g->keepers || nobody_receives(j);
}

/* --- the rules --- */

static bool is_leaked(const struct judge *j)
{
	const struct leak_group *g = j->g;

	j->v->why = g->leaked                  ? WHY_RUNTIME_SAYS
		    : g->class == LEAK_FOREVER ? WHY_FOREVER
					       : WHY_UNREACHED;
	return g->leaked || g->unreached || (g->class == LEAK_FOREVER && g->nr);
}

static bool is_deadlock(const struct judge *j)
{
	j->v->why = j->g->cycles ? WHY_RING : WHY_BEHIND_RING;
	return j->g->cycles || j->g->behinds;
}

static bool is_suspect(struct judge *j)
{
	const struct leak_group *g = j->g;

	if (g->role == LEAK_ROLE_LISTENER)
		return false;
	j->v->why = WHY_ONE_PASS;
	if (g->reached[LEAK_UNREACHED])
		return true;
	j->v->why = g->served   ? WHY_MORE_CONNECTIONS
		    : g->set_up ? WHY_SETTING_UP
				: WHY_GROWS_UNSURE;
	measure_growth(j, g->settled);
	if (has_grown(j) && old_ones_stay(g))
		return true;
	j->v->why = WHY_HELD_UP;
	if (g->held_up)
		return true;
	j->v->why = WHY_UNENDED;
	if (g->unended >= j->o->min_count && g->old >= j->o->min_count && old_ones_stay(g) &&
	    (g->ticks || old_ones_move(g)))
		return true;
	j->v->why = WHY_UNREAD;
	if (g->unread >= j->o->min_count && g->aged >= j->o->min_count && !g->old_moved)
		return true;
	j->v->why = WHY_OLD_AND_APART;
	return (!is_reached(g) || g->class == LEAK_SEND) && g->role == LEAK_ROLE_NONE &&
	       g->class != LEAK_IO && g->class != LEAK_SYSCALL && g->class != LEAK_RUNS &&
	       !waits_for_time(g) && many_are_old(j);
}

static enum verdict_kind harmless(const struct leak_group *g)
{
	if (g->role != LEAK_ROLE_NONE)
		return VERDICT_IDLE;
	if (g->class == LEAK_RUNS || g->class == LEAK_SYSCALL)
		return VERDICT_ACTIVE;
	if (g->class == LEAK_SLEEP)
		return VERDICT_SLEEPING;
	if (g->nr > 1 && g->sharing == g->nr)
		return VERDICT_POOL;
	if (is_reached(g))
		return VERDICT_HELD;
	return g->timer ? VERDICT_SLEEPING : VERDICT_IDLE;
}

void verdict_of(const struct leakset *ls, const struct leak_group *g, const struct verdict_opts *o,
		struct verdict *ret)
{
	struct judge j = { .ls = ls, .g = g, .o = o, .v = ret };
	const bool main_only = g->nr && g->mains == g->nr;

	*ret = (struct verdict){ .kind = VERDICT_ACTIVE, .why = WHY_NOTHING };
	if (!leakset__nr_looks(ls))
		return;
	measure(&j);
	if (g->role == LEAK_ROLE_RUNTIME) {
		ret->kind = VERDICT_RUNTIME;
		return;
	}
	if (!main_only && is_leaked(&j)) {
		ret->kind = VERDICT_LEAKED;
	} else if (is_deadlock(&j)) {
		ret->kind = VERDICT_DEADLOCK;
	} else if (!main_only && is_growing(&j)) {
		ret->kind = VERDICT_GROWING;
	} else if (!main_only && is_stuck(&j)) {
		ret->kind = VERDICT_STUCK;
	} else if (!main_only && is_suspect(&j)) {
		ret->kind = VERDICT_SUSPECT;
	} else {
		ret->why = WHY_NOTHING;
		ret->kind = g->nr ? harmless(g) : VERDICT_ACTIVE;
	}
}

bool verdict_is_leak(enum verdict_kind kind)
{
	return kind <= VERDICT_SUSPECT;
}

const char *verdict_name(enum verdict_kind kind)
{
	static const char *const names[VERDICT_KINDS] = {
		[VERDICT_LEAKED] = "leaked",     [VERDICT_DEADLOCK] = "deadlock",
		[VERDICT_GROWING] = "growing",   [VERDICT_STUCK] = "stuck",
		[VERDICT_SUSPECT] = "suspect",   [VERDICT_POOL] = "pool",
		[VERDICT_HELD] = "held",         [VERDICT_IDLE] = "idle",
		[VERDICT_SLEEPING] = "sleeping", [VERDICT_ACTIVE] = "active",
		[VERDICT_RUNTIME] = "runtime",
	};

	return names[kind];
}
