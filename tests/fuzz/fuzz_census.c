/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the memory of a Go process (tests/fuzz/hostile.h), read by the census through the
 * interface that reads a real one. The code is that of tests/unit/fake_module.h, so that stacks can
 * be walked.
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "census/census.h"
#include "golang/gostate.h"
#include "tests/fuzz/hostile.h"
#include "tests/unit/fake_module.h"

#define ALLGS  0x2000ull
#define GS_MAX 1023
/* bytes that are no memory: version, manner, goroutines, depth, allgs */
#define HEAD 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	struct hostile hostile; /* first member */
	uint64_t allgs[3];
};

static int memory__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	const struct memory *m = (const struct memory *)as;

	if (addr < ALLGS || addr - ALLGS >= sizeof(m->allgs) ||
	    len > sizeof(m->allgs) - (addr - ALLGS))
		return hostile__read(as, addr, buf, len);
	memcpy(buf, (const uint8_t *)m->allgs + (addr - ALLGS), len);
	return 0;
}

static void check(const struct census *c, int minor, size_t depth)
{
	if (c->nr > c->allglen || c->nr_pcs > CENSUS_PCS_MAX ||
	    c->nr + c->unsettled + c->refused > c->allglen)
		__builtin_trap();
	for (size_t i = 0; i < c->nr_stacks; i++)
		if (!c->stacks[i].nr_pcs || c->stacks[i].nr_pcs > depth || !c->stacks[i].nr_gs ||
		    c->stacks[i].pcs_at + c->stacks[i].nr_pcs > c->nr_pcs)
			__builtin_trap();
	for (size_t i = 0; i < c->nr; i++) {
		const struct census_g *g = &c->gs[i];

		if (!g->who.goid || !gostatus_name(minor, g->status) ||
		    (g->stack != CENSUS_NO_STACK && g->stack >= c->nr_stacks) ||
		    (g->nr_waits && g->waits_at + g->nr_waits > c->nr_waits) ||
		    g->nr_waits > CENSUS_CASES_MAX ||
		    (g->status == GOSTATUS_RUNNING && g->stack != CENSUS_NO_STACK))
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fake_func funcs[] = {
		{ .name = "main.f", .size = 0x1000, .spdelta = 24 },
		{ .name = "runtime.goexit", .size = 0x100 },
		{ .name = "runtime.semacquire1",
		  .size = 0x100,
		  .spdelta = 40,
		  .inlined = "sync.(*Mutex).Lock" },
		{ .name = "sync.runtime_notifyListWait",
		  .size = 0x100,
		  .spdelta = 40,
		  .inlined = "sync.(*Cond).Wait" },
		{ .name = "internal/poll.runtime_pollWait", .size = 0x100, .spdelta = 40 },
		{ .name = "runtime.asyncPreempt", .size = 0x100, .spdelta = 64 },
	};
	static struct fake_module module;
	static struct goruntime rt;
	uint64_t entries[ARRAY_SIZE(funcs)];
	struct moduledata md;
	struct memory m;
	struct census *c = NULL;
	unsigned int depth;

	if (size <= HEAD)
		return 0;
	memset(&rt, 0, sizeof(rt));
	rt.minor = 15 + data[0] % 13;
	fake_module__init(&module, rt.minor, funcs, ARRAY_SIZE(funcs), entries);
	if (fake_module__read(&module, &md) || gosym__new(&module.space.as, &md.tab, 1, &rt.sym))
		return 0;
	rt.layout = golayout_row(rt.minor, EM_X86_64)->layout;
	rt.arch = goarch_of(EM_X86_64);
	rt.objects = golayout_row(rt.minor, EM_X86_64)->objects;
	rt.allgs = ALLGS;
	m = (struct memory){ .hostile = { .as.read = memory__read,
					  .data = data + HEAD,
					  .size = size - HEAD,
					  .manner = data[1] } };
	m.allgs[0] = 0x10000 + data[5] * 8u;
	m.allgs[1] = (data[2] | data[3] << 8) & GS_MAX;
	m.allgs[2] = m.allgs[1];
	depth = 1 + data[4];
	if (!census__read(&m.hostile.as, &rt, depth, &c))
		check(c, rt.minor, depth);
	census__free(c);
	gosym__free(rt.sym);
	return 0;
}
