// SPDX-License-Identifier: BSD-2-Clause
#include "engine/cpustack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "target/maps.h"

#define MAPS_AGE_NS                                                                                \
	NS_PER_SEC /* so old they are before they are read again for what they do not have */

struct cpustack {
	const struct proc *proc; /* borrowed, as the next */
	struct goproc *gp;
	struct maps *maps; /* owned; NULL: not read yet */
	uint64_t read_ns;
};

int cpustack__new(const struct proc *p, struct goproc *gp, struct cpustack **ret)
{
	struct cpustack *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->proc = p;
	c->gp = gp;
	*ret = c;
	return 0;
}

void cpustack__free(struct cpustack *c)
{
	if (!c)
		return;
	maps__free(c->maps);
	free(c);
}

/* The mapping of code that holds pc; NULL: there is none. Libraries come and go. */
static const struct mapping *cpustack__code_at(struct cpustack *c, uint64_t pc)
{
	const struct mapping *m = c->maps ? maps__at(c->maps, pc) : NULL;
	const uint64_t now = clock_now_ns();
	struct maps *maps;

	if (!m && (!c->maps || now - c->read_ns > MAPS_AGE_NS) &&
	    !maps__read(proc__dirfd(c->proc), &maps)) {
		maps__free(c->maps);
		c->maps = maps;
		c->read_ns = now;
		m = maps__at(maps, pc);
	}
	return m && m->prot & PROT_EXEC ? m : NULL;
}

static uint64_t cpustack__word(struct cpustack *c, uint64_t pc)
{
	const struct mapping *m = cpustack__code_at(c, pc);

	if (m && !strcmp(m->path, "[vdso]"))
		return PW_PC_VDSO;
	return m && mapping_is_file(m) ? PW_PC_C : PW_PC_UNKNOWN;
}

/*
 * Of a machine with a link register: that is words[0]; what lies at the stack pointer is the return address
 * if the function has its frame.
 */
static int find_caller_by_link(const struct pw_cpu *r, int32_t delta, uint64_t *ret,
			       bool *ret_framed)
{
	const uint32_t at = delta > 0;

	*ret_framed = delta > 0 && r->bp + sizeof(r->words[0]) == r->sp;
	if (delta < 0 || *ret_framed || at >= r->nr_words)
		return -ENOENT;
	*ret = r->words[at];
	return 0;
}

/*
 * The return address of the function that pc is in, if the frame pointer is not that of its own frame: 0,
 * and *ret. A frame's pointer points to where the caller's is kept, right below the return address.
 */
static int find_caller(const struct goruntime *rt, const struct pw_cpu *r, uint64_t pc,
		       uint64_t *ret, bool *ret_framed)
{
	const uint64_t word = sizeof(r->words[0]);
	struct gofunc fn;
	int32_t delta;
	int err = gosym__spdelta(rt->sym, pc, &delta);

	if (!err && goruntime_has_link(rt)) {
		err = find_caller_by_link(r, delta, ret, ret_framed);
		if (err)
			return err;
		return *ret ? gosym__func_at(rt->sym, *ret - 1, &fn) : -ENOENT;
	}
	*ret_framed = !err && r->bp + word == r->sp + (uint64_t)delta;
	if (err || delta < 0 || *ret_framed)
		return -ENOENT;
	if ((uint64_t)delta % word || (uint64_t)delta / word >= r->nr_words)
		return -ENOENT;
	*ret = r->words[(uint64_t)delta / word];
	return *ret ? gosym__func_at(rt->sym, *ret - 1, &fn) : -ENOENT;
}

/* The runtime that pc is code of; none: the one that has it already. */
static size_t runtime_at(struct goproc *gp, uint64_t pc, size_t has)
{
	for (size_t i = 0; i < goproc__nr_runtimes(gp); i++)
		if (goruntime__holds(goproc__runtime(gp, i), pc))
			return i;
	return has;
}

bool cpustack__make(struct cpustack *c, const struct pw_cpu *r, struct cpustack_pcs *ret)
{
	const struct goruntime *rt = goproc__runtime(c->gp, r->hdr.rt);
	const struct pw_stack *st = (const struct pw_stack *)(r + 1);
	const uint64_t pc = st->pcs[0];
	const bool is_go = goruntime__holds(rt, pc);
	bool framed = false;
	uint64_t caller;

	if (runtime_at(c->gp, pc, r->hdr.rt) != r->hdr.rt)
		return false;
	ret->nr = 0;
	ret->truncated = st->truncated;
	ret->pcs[ret->nr++] = is_go ? pc : cpustack__word(c, pc);
	if (is_go && !find_caller(rt, r, pc, &caller, &framed))
		ret->pcs[ret->nr++] = caller;
	if (r->is_guess && !framed) { /* it was a wrong one */
		ret->pcs[ret->nr++] = PW_PC_UNKNOWN;
		return true;
	}
	for (uint32_t i = 1; i < st->nr && ret->nr <= PW_STACK_MAX; i++)
		ret->pcs[ret->nr++] = st->pcs[i];
	if (r->foreign)
		ret->pcs[ret->nr++] = cpustack__word(c, r->foreign - 1);
	else if (r->is_cut)
		ret->pcs[ret->nr++] = PW_PC_UNKNOWN;
	return true;
}
