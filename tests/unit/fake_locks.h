/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_locks: a target with one goroutine, which waits in main.f: tables, code, a stack and a heap
 *in buffers.
 *
 *	runtime.gopark <- main.f <- runtime.goexit
 *
 * The code of main.f is the test's: it goes on behind its first instruction, a call of
 *runtime.gopark, with a frame of LOCKS_FRAME bytes. Of the other functions only the names count,
 *unless a test gives them code.
 */
#ifndef PARKWATCH_TESTS_FAKE_LOCKS_H
#define PARKWATCH_TESTS_FAKE_LOCKS_H

#include <errno.h>

#include "code/isa.h"
#include "locks/holds.h"
#include "fake_module.h"

#define LOCKS_CODE  0x1000
#define LOCKS_STACK 0xc000100000ull
#define LOCKS_HEAP  0xc000200000ull
#define LOCKS_BYTES 0x200 /* of the stack, and of the heap */
#define LOCKS_FRAME 0x20
#define LOCKS_SP    (LOCKS_STACK + 0x40) /* of main.f */

enum {
	FN_MAIN,
	FN_INLINED,
	FN_HELPER,
	FN_LOCK,
	FN_LOCK_SLOW,
	FN_UNLOCK,
	FN_RUNLOCK,
	FN_GOPARK,
	FN_SEMACQUIRE,
	FN_CANSEMACQUIRE,
	FN_DEFERRETURN,
	FN_PANIC,
	FN_OTHER,
	FN_BARRIER,
	FN_DUFFZERO,
	FN_GOEXIT,
	FN_NR
};

static const struct fake_func locks_funcs[FN_NR] = {
	[FN_MAIN] = { "main.f", 0x100, 0, 10, LOCKS_FRAME, false, NULL, 0 },
	[FN_INLINED] = { "main.g", 0x80, 0, 30, LOCKS_FRAME, false, "sync.(*Mutex).Unlock", 0 },
	[FN_HELPER] = { "main.helper", 0x40, 0, 50, 0, false, NULL, 0 },
	[FN_LOCK] = { "sync.(*Mutex).Lock", 0x20, 0, 60, 0x10, false, NULL, 0 },
	[FN_LOCK_SLOW] = { "sync.(*Mutex).lockSlow", 0x20, 0, 70, 0x10, false, NULL, 0 },
	[FN_UNLOCK] = { "sync.(*Mutex).Unlock", 0x20, 0, 80, 0, false, NULL, 0 },
	[FN_RUNLOCK] = { "sync.(*RWMutex).RUnlock", 0x20, 0, 85, 0, false, NULL, 0 },
	[FN_GOPARK] = { "runtime.gopark", 0x20, 0, 90, 8, false, NULL, 0 },
	[FN_SEMACQUIRE] = { "runtime.semacquire1", 0x20, 0, 95, 8, false, NULL, 0 },
	[FN_CANSEMACQUIRE] = { "runtime.cansemacquire", 0x20, 0, 98, 0, false, NULL, 0 },
	[FN_DEFERRETURN] = { "runtime.deferreturn", 0x20, 0, 100, 0, false, NULL, 0 },
	[FN_PANIC] = { "runtime.panicIndex", 0x20, 0, 105, 0, false, NULL, 0 },
	[FN_OTHER] = { "main.other", 0x20, 0, 110, 0, false, NULL, 0 },
	[FN_BARRIER] = { "runtime.gcWriteBarrier4", 0x20, 0, 112, 0, false, NULL, 0 },
	[FN_DUFFZERO] = { "runtime.duffzero", 0x20, 0, 114, 0, false, NULL, 0 },
	[FN_GOEXIT] = { "runtime.goexit", 0x20, 0, 120, 0, false, NULL, 0 },
};

struct fake_locks {
	struct addrspace as; /* first member */
	struct fake_module m;
	struct goruntime rt;
	struct holds *holds;
	uint64_t entry[FN_NR];
	uint64_t at; /* where the next code goes */
	uint8_t code[LOCKS_CODE], stack[LOCKS_BYTES], heap[LOCKS_BYTES];
};

static inline int fake_locks__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	const struct fake_locks *t = (const struct fake_locks *)as;
	const struct {
		uint64_t start, size;
		const uint8_t *bytes;
	} parts[] = {
		{ FAKE_BASE, sizeof(t->m.buf), t->m.buf },
		{ FAKE_TEXT, sizeof(t->code), t->code },
		{ LOCKS_STACK, sizeof(t->stack), t->stack },
		{ LOCKS_HEAP, sizeof(t->heap), t->heap },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (addr < parts[i].start || len > parts[i].size ||
		    addr - parts[i].start > parts[i].size - len)
			continue;
		memcpy(buf, parts[i].bytes + (addr - parts[i].start), len);
		return 0;
	}
	return -EFAULT;
}

static inline void locks_put(struct fake_locks *t, uint64_t addr, uint64_t v, size_t size)
{
	uint8_t *to = addr >= LOCKS_HEAP ? t->heap + (addr - LOCKS_HEAP)
					 : t->stack + (addr - LOCKS_STACK);

	memcpy(to, &v, size);
}

/* A slot of main.f's frame. */
static inline void locks_slot(struct fake_locks *t, uint64_t off, uint64_t v)
{
	locks_put(t, LOCKS_SP + off, v, 8);
}

static inline void locks_bytes(struct fake_locks *t, const char *bytes, size_t len)
{
	memcpy(t->code + (t->at - FAKE_TEXT), bytes, len);
	t->at += len;
}
#define CODE(t, bytes) locks_bytes(t, bytes, sizeof(bytes) - 1)

static inline void locks_call(struct fake_locks *t, int fn)
{
	int32_t rel = (int32_t)(t->entry[fn] - (t->at + 5));
	uint32_t bl = 0x94000000 | ((uint32_t)(t->entry[fn] - t->at) >> 2 & 0x3ffffff);

	if (t->rt.machine == EM_AARCH64) {
		locks_bytes(t, (const char *)&bl, sizeof(bl));
		return;
	}
	CODE(t, "\xe8");
	locks_bytes(t, (const char *)&rel, sizeof(rel));
}

/* Code is traps at first, and a return in each function. */
static inline void fake_locks__fill(struct fake_locks *t)
{
	const bool arm64 = t->rt.machine == EM_AARCH64;

	memset(t->code, arm64 ? 0 : 0xcc, sizeof(t->code));
	for (int i = 0; i < FN_NR; i++) {
		t->at = t->entry[i];
		if (arm64)
			CODE(t, "\xc0\x03\x5f\xd6");
		else
			CODE(t, "\xc3");
	}
}

/* 0, or an error; main.f begins with the call that it waits in. */
static inline int fake_locks__init_on(struct fake_locks *t, const struct isa *isa, bool regabi,
				      int minor)
{
	const struct golayout_row *row = golayout_row(minor, isa->machine);
	struct moduledata md;
	int err;

	memset(t, 0, sizeof(*t));
	t->as.read = fake_locks__read;
	fake_module__init(&t->m, minor, locks_funcs, FN_NR, t->entry);
	err = fake_module__read(&t->m, &md);
	if (err)
		return err;
	t->rt.minor = minor;
	t->rt.regabi = regabi;
	t->rt.machine = isa->machine;
	t->rt.layout = row->layout;
	t->rt.arch = goarch_of(isa->machine);
	t->rt.nr_modules = 1;
	t->rt.modules[0].moduledata = FAKE_BASE + FAKE_MD;
	err = gosym__new(&t->as, &md.tab, 1, &t->rt.sym);
	if (!err)
		err = holds__new(&t->as, &t->rt, &t->holds);
	fake_locks__fill(t);
	t->at = t->entry[FN_MAIN];
	locks_call(t, FN_GOPARK);
	return err;
}

static inline int fake_locks__init(struct fake_locks *t, int minor)
{
	return fake_locks__init_on(t, &isa_x86, gofacts_has(minor, GO_REGABI), minor);
}

static inline void fake_locks__done(struct fake_locks *t)
{
	holds__free(t->holds);
	gosym__free(t->rt.sym);
}

static inline int fake_locks__find_from(struct fake_locks *t, const uint64_t *pcs, size_t nr,
					uint64_t sp, uint64_t g, struct held *ret, size_t max,
					bool *ret_complete)
{
	struct hold_stack s = {
		.pcs = pcs, .nr = nr, .sp = sp, .stack_hi = LOCKS_STACK + LOCKS_BYTES, .g = g
	};

	return holds__find(t->holds, &s, ret, max, ret_complete);
}

/* What the goroutine holds; g: its g, in the heap, or 0. */
static inline int fake_locks__find(struct fake_locks *t, uint64_t g, struct held *ret, size_t max,
				   bool *ret_complete)
{
	const struct isa *isa = isa_of(t->rt.machine);
	uint64_t pcs[] = { t->entry[FN_GOPARK] + 4, t->entry[FN_MAIN] + isa->call_bytes,
			   t->entry[FN_GOEXIT] + (isa == &isa_arm64 ? 4 : 1) };

	return fake_locks__find_from(t, pcs, ARRAY_SIZE(pcs), LOCKS_SP - 8 - isa->pushed, g, ret,
				     max, ret_complete);
}

#endif
