/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/gblocked.h"

#include <string.h>

#include "golang/gofacts.h"
#include "golang/gostate.h"
#include "golang/gosystem.h"

#define MAIN_GOID 1

enum reason { REASON_OTHER, REASON_OBJECT, REASON_SELECT, REASON_NOTHING };

static enum reason reason_of(const char *name)
{
	static const struct {
		const char *name;
		enum reason reason;
	} t[] = {
		{ "chan receive", REASON_OBJECT },
		{ "chan send", REASON_OBJECT },
		{ "select", REASON_SELECT },
		{ "chan receive (nil chan)", REASON_NOTHING },
		{ "chan send (nil chan)", REASON_NOTHING },
		{ "select (no cases)", REASON_NOTHING },
		{ "sync.Mutex.Lock", REASON_OBJECT },
		{ "sync.RWMutex.RLock", REASON_OBJECT },
		{ "sync.RWMutex.Lock", REASON_OBJECT },
		{ "sync.WaitGroup.Wait", REASON_OBJECT },
		{ "sync.Cond.Wait", REASON_OBJECT },
		{ "coroutine", REASON_OBJECT },
		{ "semacquire",
		  REASON_OBJECT }, /* up to Go 1.23; whose semaphore it is the wait says */
	};

	for (size_t i = 0; name && i < ARRAY_SIZE(t); i++)
		if (!strcmp(name, t[i].name))
			return t[i].reason;
	return REASON_OTHER;
}

bool gblocked_object(int go_minor, const struct census_wait *w, uint64_t *ret_addr,
		     uint32_t *ret_size)
{
	uint32_t size;

	switch ((enum census_wait_kind)w->kind) {
	case CENSUS_WAIT_CHAN: size = 96; break; /* that of the smallest hchan */
	case CENSUS_WAIT_MUTEX: size = 8; break;
	case CENSUS_WAIT_RWMUTEX: size = 24; break;
	case CENSUS_WAIT_WAITGROUP: size = gofacts_has(go_minor, GO_WAITGROUP_FIXED) ? 16 : 12; break;
	case CENSUS_WAIT_COND: size = 56; break;
	case CENSUS_WAIT_CORO: size = 16; break; /* Go 1.22's */
	default: return false;
	}
	*ret_addr = w->addr;
	*ret_size = size;
	return true;
}

static bool is_own(const struct goruntime *rt, uint64_t startpc)
{
	struct goframe f[GOSYM_INLINE_MAX];
	int nr = rt->sym ? gosym__frames(rt->sym, startpc, false, f, ARRAY_SIZE(f)) : -1;

	return nr <= 0 || gosystem_start(f[nr - 1].func);
}

enum gblocked gblocked_of(const struct goruntime *rt, const struct census *c,
			  const struct census_g *g)
{
	return g->goid == MAIN_GOID ? GBLOCKED_NOT : gblocked_even_main(rt, c, g);
}

enum gblocked gblocked_even_main(const struct goruntime *rt, const struct census *c,
				 const struct census_g *g)
{
	uint64_t addr;
	uint32_t size;
	enum reason reason;

	if ((g->status != GOSTATUS_WAITING && g->status != GOSTATUS_LEAKED) ||
	    !g->sp || !g->startpc || g->waits_cut)
		return GBLOCKED_NOT;
	reason = reason_of(gowait_name(rt->minor, g->reason));
	if (reason == REASON_OTHER || is_own(rt, g->startpc))
		return GBLOCKED_NOT;
	if (!g->nr_waits) /* a select of nil channels has no waits */
		return reason == REASON_OBJECT ? GBLOCKED_NOT : GBLOCKED_FOREVER;
	if (reason == REASON_NOTHING)
		return GBLOCKED_NOT;
	for (uint32_t i = 0; i < g->nr_waits; i++)
		if (!gblocked_object(rt->minor, &c->waits[g->waits_at + i], &addr, &size))
			return GBLOCKED_NOT;
	return GBLOCKED_ON;
}
