/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/gblocked.h"

#include "golang/gofacts.h"
#include "golang/gostate.h"
#include "golang/gosystem.h"

#define MAIN_GOID 1

bool gblocked_object(int go_minor, const struct census_wait *w, uint64_t *ret_addr,
		     uint32_t *ret_size)
{
	uint32_t size;

	switch ((enum census_wait_kind)w->kind) {
	case CENSUS_WAIT_CHAN: size = 96; break; /* that of the smallest hchan */
	case CENSUS_WAIT_MUTEX: size = 8; break;
	case CENSUS_WAIT_RWMUTEX: size = 24; break;
	case CENSUS_WAIT_WAITGROUP:
		size = gofacts_has(go_minor, GO_WAITGROUP_FIXED) ? 16 : 12;
		break;
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
	return g->who.goid == MAIN_GOID ? GBLOCKED_NOT : gblocked_even_main(rt, c, g);
}

enum gblocked gblocked_even_main(const struct goruntime *rt, const struct census *c,
				 const struct census_g *g)
{
	uint64_t addr;
	uint32_t size;
	enum gowait_on on;

	if ((g->status != GOSTATUS_WAITING && g->status != GOSTATUS_LEAKED) || !g->sp ||
	    !g->who.startpc || g->waits_cut)
		return GBLOCKED_NOT;
	on = gowait_on(gowait_of(rt->minor, g->reason));
	if ((on != GOWAIT_ON_OBJECT && on != GOWAIT_ON_CASES && on != GOWAIT_ON_NOTHING) ||
	    is_own(rt, g->who.startpc))
		return GBLOCKED_NOT;
	if (!g->nr_waits) /* a select of nil channels has no waits */
		return on == GOWAIT_ON_OBJECT ? GBLOCKED_NOT : GBLOCKED_FOREVER;
	if (on == GOWAIT_ON_NOTHING)
		return GBLOCKED_NOT;
	for (uint32_t i = 0; i < g->nr_waits; i++)
		if (!gblocked_object(rt->minor, &c->waits[g->waits_at + i], &addr, &size))
			return GBLOCKED_NOT;
	return GBLOCKED_ON;
}
