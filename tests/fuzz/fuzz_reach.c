/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the heap, the stacks and the goroutines of a process, searched for what reaches
 * what.
 *
 * The bytes repeat over the whole address space, so that every pointer leads somewhere. Only where
 * the lists of goroutines and spans are is told the truth about, so that the search begins at all;
 * what they lead to is anything. The code is that of tests/unit/fake_module.h, so that stacks can
 * be walked; its pointer maps are bytes of the data too.
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "census/census.h"
#include "heap/retained_heap.h"
#include "heap/reach.h"
#include "model/waitkeep.h"
#include "tests/unit/fake_module.h"

/* bytes that are no memory: version, manner, goroutines, spans, budget */
#define HEAD       8
#define ALLGS      0x2000ull
#define MHEAP      0x10000ull
#define LIST       0x3000ull
#define MSPANS     0x40000ull
#define SPAN_BYTES 0x100ull
#define SPANS      64u
#define GS_MAX     63

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	struct addrspace as;
	const uint8_t *data;
	size_t size;
	struct goruntime *rt;
	uint64_t mallocinit, init;
	uint64_t allgs[3], spans[3], list[SPANS];
	uint8_t manner;
	uint32_t reads;
};

/* What must be true: the code that leads to the heap, and the two lists. */
static void tell(const struct memory *m, uint64_t addr, uint8_t *buf, size_t len)
{
	int32_t to_heap = (int32_t)(MHEAP - (m->mallocinit + 7)),
		to_init = (int32_t)(m->init - (m->mallocinit + 12));
	uint8_t code[12] = { 0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xe8 };
	const struct {
		uint64_t addr;
		const void *bytes;
		size_t len;
	} truths[] = {
		{ m->mallocinit, code, sizeof(code) },
		{ ALLGS, m->allgs, sizeof(m->allgs) },
		{ MHEAP + (uint64_t)m->rt->objects.mheap_allspans, m->spans, sizeof(m->spans) },
		{ LIST, m->list, sizeof(m->list) },
	};

	memcpy(code + 3, &to_heap, 4);
	memcpy(code + 8, &to_init, 4);
	for (size_t i = 0; i < ARRAY_SIZE(truths); i++)
		for (size_t k = 0; k < truths[i].len; k++)
			if (truths[i].addr + k >= addr && truths[i].addr + k - addr < len)
				buf[truths[i].addr + k - addr] =
					((const uint8_t *)truths[i].bytes)[k];
}

static int memory__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	struct memory *m = (struct memory *)(uintptr_t)as;
	uint32_t change = m->manner & 0xf, fail = m->manner >> 4;

	if (addr < 4096 || addr >= 1ULL << 47 || len > 64u << 20)
		return -EFAULT;
	m->reads++;
	if (fail && m->reads % (64 * fail) == 0)
		return m->reads % 7 ? -EFAULT : -ESRCH;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = m->data[(addr + i) % m->size];
	if (change && len)
		((uint8_t *)buf)[(m->reads * 2654435761u) % len] ^=
			(uint8_t)(m->reads % (16 * change) == 0);
	tell(m, addr, buf, len);
	return 0;
}

static void check(const struct reach *r, const struct census *c)
{
	struct reach_step s[REACH_PATH_MAX];

	for (uint32_t i = 0; i < c->nr; i++) {
		size_t nr = reach__path(r, i, s, REACH_PATH_MAX);
		uint32_t who[4];
		size_t keepers = reach__keepers(r, i, who, 4);

		for (size_t k = 0; k < keepers; k++)
			if (keepers > 4 || who[k] >= c->nr)
				__builtin_trap();

		if ((reach__verdict(r, i) == REACH_HELD) && !nr)
			__builtin_trap();
		for (size_t k = 0; k < nr; k++)
			if (s[k].kind > REACH_WAITER)
				__builtin_trap();
	}
	if (reach__object_verdict(r, 1) != REACH_UNKNOWN ||
	    reach__stats(r)->passes > REACH_PASSES_MAX + 8)
		__builtin_trap();
}

/* Who has what they wait for, and the rings that it makes with the waits for locks. */
static void keep(const struct reach *r, const struct census *c, const struct reach_behind *behind,
		 size_t nr_behind)
{
	struct waitgraph *w = calloc(1, sizeof(*w));
	struct reach_keeping *keeps = NULL;
	struct wait_edge *edges = NULL;
	uint32_t goals[GS_MAX + 1];
	size_t nr = 0, nr_edges = 0;

	for (uint32_t i = 0; i < c->nr && i <= GS_MAX; i++)
		goals[i] = i;
	w->edges = calloc(nr_behind + 1, sizeof(*w->edges));
	for (size_t i = 0; i < nr_behind; i++)
		w->edges[w->nr_edges++] = (struct wait_edge){ .g = behind[i].g,
							      .to = behind[i].to,
							      .wait = c->gs[behind[i].g].waits_at };
	if (!reach__keepings(r, goals, c->nr < GS_MAX ? c->nr : GS_MAX, &keeps, &nr)) {
		for (size_t i = 0; i < nr; i++)
			if (keeps[i].g >= c->nr || keeps[i].by >= c->nr ||
			    keeps[i].g == keeps[i].by || keeps[i].wait >= c->nr_waits)
				__builtin_trap();
		if (waitkeep_edges(c, w, keeps, nr, &edges, &nr_edges) || nr_edges > nr ||
		    waitgraph__join(w, c, edges, nr_edges))
			__builtin_trap();
	}
	free(keeps);
	free(edges);
	waitgraph__free(w);
}

/* The same, with some of them behind others. */
static void search_behind(struct reach_in in, const uint8_t *data)
{
	struct reach_behind behind[GS_MAX + 1];
	struct reach *r = NULL;
	size_t nr = 0;

	for (uint32_t i = 0; i < in.census->nr && i <= GS_MAX; i++)
		if (data[i % 8] >> (i / 8 % 8) & 1)
			behind[nr++] = (struct reach_behind){ i, data[(i + 3) % 8] %
									 (uint32_t)in.census->nr };
	in.behind = behind;
	in.nr_behind = nr;
	in.main_waits = true;
	if (!reach__run(&in, &r, NULL))
		keep(r, in.census, behind, nr);
	reach__free(r);
}

static void count(struct memory *m, const struct census *c)
{
	uint32_t groups[GS_MAX + 1];
	uint64_t bytes[2];
	struct retained_heap_in in = { .as = &m->as,
				       .rt = m->rt,
				       .census = c,
				       .groups = groups,
				       .nr_groups = 2,
				       .budget_ns = 100000000 };

	for (size_t i = 0; i <= GS_MAX; i++)
		groups[i] = i % 3 == 2 ? GKEPT_NONE : i % 3;
	retained_heap_bytes(&in, bytes, NULL);
}

static void search(struct memory *m, const uint8_t *data)
{
	const uint64_t object = data[5] * 4096ull + data[6] * 8u;
	struct reach_in in = { .as = &m->as, .rt = m->rt, .objects = &object, .nr_objects = 1 };
	struct census *c = NULL;
	struct reach *r = NULL;

	in.budget_bytes = 1ull << (10 + data[4] % 16);
	if (!census__read(&m->as, m->rt, 64, &c)) {
		in.census = c;
		if (!reach__run(&in, &r, NULL))
			check(r, c);
		if (c->nr)
			search_behind(in, data);
		count(m, c);
	}
	reach__free(r);
	census__free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fake_func funcs[] = {
		{ .name = "main.f", .size = 0x1000, .spdelta = 24 },
		{ .name = "runtime.goexit", .size = 0x100 },
		{ .name = "runtime.mallocinit", .size = 0x100 },
		{ .name = "runtime.(*mheap).init", .size = 0x100 },
		{ .name = "runtime.asyncPreempt", .size = 0x100, .spdelta = 64 },
	};
	static struct fake_module module;
	static struct goruntime rt;
	uint64_t entries[ARRAY_SIZE(funcs)];
	struct moduledata md;
	struct memory m;

	if (size <= HEAD)
		return 0;
	memset(&rt, 0, sizeof(rt));
	rt.minor = 15 + data[0] % 13;
	fake_module__init(&module, rt.minor, funcs, ARRAY_SIZE(funcs), entries);
	/* funcdata of all functions: where the data says. */
	for (size_t i = 0; i < 0x400 && i < size; i++)
		module.buf[FAKE_GOFUNC + 0x800 + i] = data[i];
	if (fake_module__read(&module, &md) || gosym__new(&module.space.as, &md.tab, 1, &rt.sym))
		return 0;
	rt.layout = golayout_row(rt.minor, EM_X86_64)->layout;
	rt.arch = goarch_of(EM_X86_64);
	rt.objects = golayout_row(rt.minor, EM_X86_64)->objects;
	rt.allgs = ALLGS;
	rt.nr_modules = 1;
	rt.modules[0].data = (struct tabspan){ 0x20000, 4096 };
	m = (struct memory){ .as.read = memory__read,
			     .data = data + HEAD,
			     .size = size - HEAD,
			     .rt = &rt,
			     .manner = data[1],
			     .mallocinit = entries[2],
			     .init = entries[3] };
	m.allgs[0] = 0x10000 + data[7] * 8u;
	m.allgs[1] = m.allgs[2] = data[2] & GS_MAX;
	m.spans[0] = LIST;
	m.spans[1] = m.spans[2] = 1 + data[3] % SPANS;
	for (uint32_t i = 0; i < SPANS; i++)
		m.list[i] = MSPANS + SPAN_BYTES * i;
	search(&m, data);
	gosym__free(rt.sym);
	return 0;
}
