// SPDX-License-Identifier: BSD-2-Clause
#include "serve/restarts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"

void restarts__done(struct restarts *r)
{
	free(r->v);
	*r = (struct restarts){ .nr = 0 };
}

/* --- what it is --- */

/* FNV-1a */
static uint64_t hash(uint64_t h, const char *text)
{
	do
		h = (h ^ (unsigned char)*text) * 0x100000001b3ULL;
	while (*text++);
	return h;
}

void past_of(const struct watched *w, struct past *ret)
{
	*ret = (struct past){ .restarts = w->restarted.nr };
	snprintf(ret->id, sizeof(ret->id), "%s", w->id);
	snprintf(ret->exe, sizeof(ret->exe), "%s", w->row.exe);
	snprintf(ret->build_id, sizeof(ret->build_id), "%s", w->row.build_id);
	snprintf(ret->container, sizeof(ret->container), "%s", w->row.container);
	snprintf(ret->pod, sizeof(ret->pod), "%s", w->row.pod);
	snprintf(ret->container_name, sizeof(ret->container_name), "%s", w->row.container_name);
	snprintf(ret->restart_of, sizeof(ret->restart_of), "%s", w->restarted.of);
	ret->how = hash(hash(0xcbf29ce484222325ULL, w->row.cmdline), w->row.cgroup);
}

static bool past__is_same(const struct past *a, const struct past *b)
{
	return !strcmp(a->exe, b->exe) && !strcmp(a->build_id, b->build_id) &&
	       (!strcmp(a->container, b->container) ||
		(a->pod[0] && !strcmp(a->pod, b->pod) && a->container_name[0] &&
		 !strcmp(a->container_name, b->container_name)));
}

/* The kernel tells a start in ticks, rounded down. */
static uint64_t latest_start_ns(const struct watched *w)
{
	return (w->start_ticks + 1) * (NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

static bool past__could_be(const struct past *p, const struct past *now, const struct watched *w)
{
	return !p->lives && strcmp(p->id, now->id) && past__is_same(p, now) &&
	       p->ended_ns <= latest_start_ns(w) + RESTARTS_LATE_NS;
}

static void restarts__drop(struct restarts *r, size_t at)
{
	memmove(r->v + at, r->v + at + 1, (--r->nr - at) * sizeof(*r->v));
	r->changed = true;
}

/* --- a target --- */

/* The daemon before us knew it. */
static bool restarts__recall(struct restarts *r, struct watched *w)
{
	for (size_t i = 0; i < r->nr; i++) {
		if (!r->v[i].lives || strcmp(r->v[i].id, w->id) != 0)
			continue;
		memcpy(w->restarted.of, r->v[i].restart_of, sizeof(w->restarted.of));
		w->restarted.nr = r->v[i].restarts;
		restarts__drop(r, i);
		return true;
	}
	return false;
}

/* How many it could be; *ret: the last of them. how: only those that were started in the same way. */
static size_t restarts__count(const struct restarts *r, const struct past *now,
			      const struct watched *w, bool how, size_t *ret)
{
	size_t nr = 0;

	for (size_t i = 0; i < r->nr; i++) {
		if (!past__could_be(&r->v[i], now, w) || (how && r->v[i].how != now->how))
			continue;
		*ret = i;
		nr++;
	}
	return nr;
}

/* Nobody can tell any more which of them goes on as whom. */
static void restarts__drop_all(struct restarts *r, const struct past *now, const struct watched *w)
{
	for (size_t i = r->nr; i-- > 0;)
		if (past__could_be(&r->v[i], now, w))
			restarts__drop(r, i);
}

bool restarts__look(struct restarts *r, struct watched *w)
{
	struct past now;
	size_t at = 0, nr;

	if (w->restarted.settled || w->row.unread || (w->row.pod[0] && !w->row.container_name[0]))
		return false;
	w->restarted.settled = r->changed = true;
	if (restarts__recall(r, w))
		return false;
	past_of(w, &now);
	nr = restarts__count(r, &now, w, false, &at);
	if (nr > 1 && restarts__count(r, &now, w, true, &at) != 1) {
		restarts__drop_all(r, &now, w);
		return false;
	}
	if (!nr)
		return false;
	memcpy(w->restarted.of, r->v[at].id, sizeof(w->restarted.of));
	w->restarted.nr = r->v[at].restarts + 1;
	restarts__drop(r, at);
	return true;
}

void restarts__ended(struct restarts *r, const struct watched *w, uint64_t ended_ns)
{
	r->changed = true;
	if (r->nr == RESTARTS_PAST_MAX)
		restarts__drop(r, 0);
	if (vec__reserve(&r->v, &r->room, r->nr + 1, sizeof(*r->v)))
		return;
	past_of(w, &r->v[r->nr]);
	r->v[r->nr++].ended_ns = ended_ns;
}

void restarts__all_known(struct restarts *r, uint64_t now_ns)
{
	for (size_t i = 0; i < r->nr; i++) {
		if (!r->v[i].lives)
			continue;
		r->v[i].lives = false;
		r->v[i].ended_ns = now_ns;
		r->changed = true;
	}
}
