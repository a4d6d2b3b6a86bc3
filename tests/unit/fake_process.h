/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_process: the memory of a small Go process: code, variables, a heap of a few spans,
 * goroutines with stacks and sudogs.
 *
 * For unit tests of what reads the heap. Goroutine i stands in main.f, which has two words of its
 * own and no pointer maps, so that both count. Header only; one process at a time, in static
 * memory.
 */
#ifndef PARKWATCH_TESTS_FAKE_PROCESS_H
#define PARKWATCH_TESTS_FAKE_PROCESS_H

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "census/census.h"
#include "fake_module.h"
#include "heap/goheap.h"
#include "golang/goruntime.h"
#include "golang/gostate.h"

#define FP_GS        8
#define FP_RUNTIME   0x500000ull /* what the runtime has for itself */
#define FP_VARIABLES 0x600000ull /* of the program, with pointers */
#define FP_STACKS    0xd000000000ull
#define FP_HEAP      0xc000000000ull
#define FP_STACK     0x1000u

/* in FP_RUNTIME */
enum {
	FP_ALLGS = 0x1000,
	FP_ALLGS_ARRAY = 0x1100,
	FP_SPAN_LIST = 0x1400,
	FP_MSPANS = 0x2000, /* 0x200 bytes each */
	FP_SPECIALS = 0x6000,
	FP_MHEAP = 0x8000,
	FP_RUNTIME_BYTES = 0x30000,
};

enum fp_span { FP_CHANS, FP_SMALL, FP_TINY, FP_G, FP_SUDOGS, FP_LARGE, FP_SPANS };
static const struct {
	uint32_t bytes, npages, nelems;
	uint8_t class; /* spanclass: odd, no pointers */
} fp_spans[FP_SPANS] = {
	[FP_CHANS] = { 112, 1, 64, 18 },  [FP_SMALL] = { 32, 1, 200, 8 },
	[FP_TINY] = { 16, 1, 512, 5 },    [FP_G] = { 480, 1, 16, 50 },
	[FP_SUDOGS] = { 112, 1, 64, 18 }, [FP_LARGE] = { 8192 * 3, 3, 1, 0 },
};

enum { FP_F, FP_GOEXIT, FP_MALLOCINIT, FP_MHEAP_INIT, FP_MAIN, FP_BGSWEEP, FP_FUNCS };
static const struct fake_func fp_funcs[FP_FUNCS] = {
	[FP_F] = { "main.f", 0x100, 0, 1, 0x10, false, NULL, 0 },
	[FP_GOEXIT] = { "runtime.goexit", 0x20, 0, 1, 0, false, NULL, 0 },
	[FP_MALLOCINIT] = { "runtime.mallocinit", 0x20, 0, 1, 0, false, NULL, 0 },
	[FP_MHEAP_INIT] = { "runtime.(*mheap).init", 0x20, 0, 1, 0, false, NULL, 0 },
	[FP_MAIN] = { "runtime.main", 0x20, 0, 1, 0, false, NULL, 0 },
	[FP_BGSWEEP] = { "runtime.bgsweep", 0x20, 0, 1, 0, false, NULL, 0 },
};

struct fake_process {
	struct addrspace as; /* first */
	struct fake_module module;
	struct goruntime rt;
	uint64_t e[FP_FUNCS];
	uint32_t nr_gs;
	void (*on_read)(struct fake_process *p, uint64_t addr); /* before each read; may be NULL */
	size_t reads;
	uint8_t code[0x200];
	uint8_t runtime[FP_RUNTIME_BYTES];
	uint8_t variables[0x100];
	uint8_t stacks[FP_GS * FP_STACK];
	uint8_t heap[16 * GOHEAP_PAGE];
};

static inline uint8_t *fp_at(struct fake_process *p, uint64_t addr, size_t len)
{
	const struct {
		uint64_t base;
		uint8_t *mem;
		size_t len;
	} regions[] = {
		{ FAKE_BASE, p->module.buf, sizeof(p->module.buf) },
		{ FAKE_TEXT, p->code, sizeof(p->code) },
		{ FP_RUNTIME, p->runtime, sizeof(p->runtime) },
		{ FP_VARIABLES, p->variables, sizeof(p->variables) },
		{ FP_STACKS, p->stacks, sizeof(p->stacks) },
		{ FP_HEAP, p->heap, sizeof(p->heap) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(regions); i++)
		if (addr >= regions[i].base && addr - regions[i].base <= regions[i].len &&
		    len <= regions[i].len - (addr - regions[i].base))
			return regions[i].mem + (addr - regions[i].base);
	return NULL;
}

static inline int fp_read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	struct fake_process *p = (struct fake_process *)(uintptr_t)as;
	uint8_t *mem;

	p->reads++;
	if (p->on_read)
		p->on_read(p, addr);
	mem = fp_at(p, addr, len);
	if (!mem)
		return -EFAULT;
	memcpy(buf, mem, len);
	return 0;
}

static inline void fp_put(struct fake_process *p, uint64_t addr, uint64_t v, size_t size)
{
	memcpy(fp_at(p, addr, size), &v, size);
}

static inline void fp_word(struct fake_process *p, uint64_t addr, uint64_t v)
{
	fp_put(p, addr, v, 8);
}

static inline uint64_t fp_span_start(enum fp_span span)
{
	uint64_t pages = 0;

	for (int i = 0; i < (int)span; i++)
		pages += fp_spans[i].npages;
	return FP_HEAP + pages * GOHEAP_PAGE;
}

/* Object i of a span. */
static inline uint64_t fp_object(enum fp_span span, uint32_t i)
{
	return fp_span_start(span) + i * fp_spans[span].bytes;
}

static inline uint64_t fp_mspan(enum fp_span span)
{
	return FP_RUNTIME + FP_MSPANS + 0x200 * (uint64_t)span;
}

static inline void fp_make_heap(struct fake_process *p)
{
	const struct goobjects *o = &p->rt.objects;
	uint64_t header = FP_RUNTIME + FP_MHEAP + (uint64_t)o->mheap_allspans;

	for (int i = 0; i < FP_SPANS; i++) {
		uint64_t s = fp_mspan((enum fp_span)i);

		fp_word(p, s + (uint64_t)o->mspan_start, fp_span_start((enum fp_span)i));
		fp_word(p, s + (uint64_t)o->mspan_npages, fp_spans[i].npages);
		fp_word(p, s + (uint64_t)o->mspan_elemsize, fp_spans[i].bytes);
		fp_put(p, s + (uint64_t)o->mspan_nelems, fp_spans[i].nelems,
		       p->rt.minor < 22 ? 8 : 2);
		fp_put(p, s + (uint64_t)o->mspan_spanclass, fp_spans[i].class, 1);
		fp_put(p, s + (uint64_t)o->mspan_state, 1, 1);
		fp_word(p, FP_RUNTIME + FP_SPAN_LIST + 8 * (uint64_t)i, s);
	}
	fp_word(p, header, FP_RUNTIME + FP_SPAN_LIST);
	fp_word(p, header + 8, FP_SPANS);
	fp_word(p, header + 16, FP_SPANS);
}

/* lea rax, [rip + mheap_]; call (*mheap).init; up to Go 1.16 with mov [rsp], rax between. */
static inline void fp_make_code(struct fake_process *p)
{
	uint8_t *c = p->code + (p->e[FP_MALLOCINIT] - FAKE_TEXT);
	int32_t mheap = (int32_t)(FP_RUNTIME + FP_MHEAP - (p->e[FP_MALLOCINIT] + 7));
	int32_t init = (int32_t)(p->e[FP_MHEAP_INIT] - (p->e[FP_MALLOCINIT] + 16));

	memcpy(c, "\x48\x8d\x05", 3);
	memcpy(c + 3, &mheap, 4);
	memcpy(c + 7, "\x48\x89\x04\x24\xe8", 5);
	memcpy(c + 12, &init, 4);
}

static inline void fake_process__init(struct fake_process *p, int minor)
{
	const struct golayout_row *row = golayout_row(minor, EM_X86_64);
	struct moduledata md;

	memset(p, 0, sizeof(*p));
	p->as.read = fp_read;
	fake_module__init(&p->module, minor, fp_funcs, FP_FUNCS, p->e);
	cr_assert_eq(fake_module__read(&p->module, &md), 0);
	p->rt.minor = minor;
	p->rt.layout = row->layout;
	p->rt.arch = goarch_of(EM_X86_64);
	p->rt.objects = row->objects;
	p->rt.allgs = FP_RUNTIME + FP_ALLGS;
	p->rt.nr_modules = 1;
	p->rt.modules[0].data = (struct tabspan){ FP_VARIABLES, sizeof(p->variables) };
	cr_assert_eq(gosym__new(&p->module.space.as, &md.tab, 1, &p->rt.sym), 0);
	fp_make_heap(p);
	fp_make_code(p);
	fp_word(p, FP_RUNTIME + FP_ALLGS, FP_RUNTIME + FP_ALLGS_ARRAY);
}

static inline void fake_process__done(struct fake_process *p)
{
	gosym__free(p->rt.sym);
}

static inline uint8_t fp_reason(int minor, const char *name)
{
	for (uint32_t i = 0; gowait_of(minor, i) != GOWAIT_UNKNOWN; i++)
		if (!strcmp(gowait_word(gowait_of(minor, i)), name))
			return (uint8_t)i;
	cr_assert_fail("Go 1.%d has no %s", minor, name);
	return 0;
}

/* Where in the stack of goroutine i its two words are. */
static inline uint64_t fp_local(uint32_t i, uint32_t word)
{
	return FP_STACKS + i * FP_STACK + FP_STACK - 0x100 + 8 * word;
}

/*
 * One more goroutine, of goid 10 + its number: it waits for `reason`, with a sudog for each of the
 * nr channels; or it sleeps, runs.
 */
static inline uint32_t fp_go(struct fake_process *p, enum gostatus status, const char *reason,
			     const uint64_t *chans, uint32_t nr)
{
	const struct pw_layout *l = &p->rt.layout;
	uint32_t i = p->nr_gs++;
	uint64_t g = fp_object(FP_G, i), link = 0;

	cr_assert_lt(i, FP_GS);
	fp_word(p, g + (uint64_t)l->g_stack_lo, FP_STACKS + i * FP_STACK);
	fp_word(p, g + (uint64_t)l->g_stack_hi, FP_STACKS + (i + 1) * FP_STACK);
	fp_word(p, g + (uint64_t)l->g_sched_sp, fp_local(i, 0));
	fp_word(p, g + (uint64_t)l->g_sched_pc, p->e[FP_F] + 0x10);
	fp_put(p, g + (uint64_t)l->g_atomicstatus, status, 4);
	fp_word(p, g + (uint64_t)l->g_goid, 10 + i);
	fp_word(p, g + (uint64_t)l->g_startpc, p->e[FP_F]);
	fp_put(p, g + (uint64_t)l->g_waitreason, fp_reason(p->rt.minor, reason), 1);
	fp_word(p, fp_local(i, 2), p->e[FP_GOEXIT] + 1);
	for (uint32_t k = 0; k < nr; k++) {
		uint64_t s = fp_object(FP_SUDOGS, i * 4 + k);

		fp_word(p, s + (uint64_t)l->sudog_g, g);
		fp_word(p, s + (uint64_t)l->sudog_c, chans[k]);
		fp_word(p, s + (uint64_t)l->sudog_waitlink, link);
		link = s;
	}
	fp_word(p, g + (uint64_t)l->g_waiting, link);
	fp_word(p, FP_RUNTIME + FP_ALLGS_ARRAY + 8 * i, g);
	fp_word(p, FP_RUNTIME + FP_ALLGS + 8, p->nr_gs);
	return i;
}

/* One that waits to receive from chan. */
static inline uint32_t fp_blocked(struct fake_process *p, uint64_t chan)
{
	return fp_go(p, GOSTATUS_WAITING, "chan receive", &chan, 1);
}

static inline uint32_t fp_sleeping(struct fake_process *p)
{
	return fp_go(p, GOSTATUS_WAITING, "sleep", NULL, 0);
}

#endif
