/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwholds: the locks that each goroutine of a process holds as JSON, for holds.py.
 *
 *	pwholds PID
 *[{"goid":18,"complete":true,"holds":[{"kind":"mutex","lock":"0xc000012340","func":"main.f","line":12}]}]
 *	pwholds --time PID N	N searches through all goroutines: "goroutines held bytes ns" a line
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "census/census.h"
#include "census/gview.h"
#include "census/holds.h"
#include "golang/gostate.h"
#include "target/goproc.h"

#define DEPTH    256
#define HELD_MAX 64

struct stack {
	struct gview v;
	uint64_t pcs[DEPTH];
	size_t nr;
};

/* By the tables of the code alone. false: it does not stand still. */
static bool read_stack(const struct proc *p, const struct goruntime *rt, uint64_t g,
		       struct stack *s)
{
	uint8_t bytes[GVIEW_BYTES_MAX];
	uint64_t sp, pc;
	int32_t delta;

	if (addrspace__read(proc__mem(p), g, bytes, gview_bytes(&rt->layout)))
		return false;
	gview__take(&s->v, &rt->layout, g, bytes);
	if (!gview__is_parked(&s->v))
		return false;
	sp = s->v.sp;
	s->pcs[0] = s->v.pc;
	for (s->nr = 1; s->nr < DEPTH; s->nr++) {
		if (gosym__spdelta(rt->sym, s->pcs[s->nr - 1], &delta) ||
		    sp + (uint64_t)delta + 8 >= s->v.stack_hi ||
		    addrspace__read(proc__mem(p), sp + (uint64_t)delta, &pc, sizeof(pc)) || !pc)
			break;
		s->pcs[s->nr] = pc;
		sp += (uint64_t)delta + 8;
	}
	return true;
}

static int find(struct holds *h, const struct stack *s, struct held *held, bool *complete)
{
	struct hold_stack hs = {
		.pcs = s->pcs, .nr = s->nr, .sp = s->v.sp, .stack_hi = s->v.stack_hi, .g = s->v.addr
	};

	return holds__find(h, &hs, held, HELD_MAX, complete);
}

static void print_held(const struct goruntime *rt, const struct held *held, const char *comma)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	int n = held->release_pc
			? gosym__frames(rt->sym, held->release_pc, false, frames, GOSYM_INLINE_MAX)
			: 0;
	const struct goframe *f = n > 0 ? &frames[n - 1] : NULL;

	printf("%s{\"kind\":\"%s\",\"lock\":\"0x%" PRIx64
	       "\",\"frame\":%u,\"func\":\"%s\",\"line\":%u}",
	       comma, held_kind_name(held->kind), held->lock, held->frame, f ? f->func : "",
	       f ? f->line : 0);
}

static int print_all(const struct proc *p, const struct goruntime *rt, const struct census *c,
		     struct holds *h)
{
	const char *comma = "[";

	for (size_t i = 0; i < c->nr; i++) {
		struct held held[HELD_MAX];
		struct stack s;
		bool complete;
		int n;

		if (!read_stack(p, rt, c->gs[i].addr, &s))
			continue;
		n = find(h, &s, held, &complete);
		if (n < 0)
			continue;
		printf("%s{\"goid\":%" PRIu64 ",\"complete\":%s,\"holds\":[", comma, c->gs[i].goid,
		       complete ? "true" : "false");
		for (int k = 0; k < n; k++)
			print_held(rt, &held[k], k ? "," : "");
		printf("]}");
		comma = ",\n";
	}
	puts(*comma == '[' ? "[]" : "]");
	return 0;
}

static int print_time(const struct proc *p, const struct goruntime *rt, const struct census *c,
		      struct holds *h)
{
	uint64_t start = clock_now_ns(), spent = 0;
	size_t found = 0, all = 0;

	for (size_t i = 0; i < c->nr; i++) {
		struct held held[HELD_MAX];
		struct stack s;
		bool complete;
		int n;

		if (!read_stack(p, rt, c->gs[i].addr, &s))
			continue;
		start = clock_now_ns();
		n = find(h, &s, held, &complete);
		spent += clock_now_ns() - start;
		found += n > 0 ? (size_t)n : 0;
		all++;
	}
	printf("%zu %zu %zu %" PRIu64 "\n", all, found, holds__memory_bytes(h), spent);
	return 0;
}

static int run(int argc, char **argv, struct cause *why)
{
	bool times = argc == 4 && !strcmp(argv[1], "--time");
	scoped(proc) p = NULL;
	scoped(goproc) gp = NULL;
	scoped(census) c = NULL;
	scoped(holds) h = NULL;
	const struct goruntime *rt;
	int err;

	if (argc != 2 && !times)
		return cause__set(why, -1, "usage: pwholds [--time PID N | PID]");
	err = proc__open(atoi(argv[times ? 2 : 1]), &p, why);
	if (!err)
		err = goproc__open(p, &gp, why);
	if (err)
		return err;
	rt = goproc__runtime(gp, 0);
	err = census__read(p, rt, 1, &c, why);
	if (!err)
		err = holds__new(proc__mem(p), rt, &h);
	if (!err && !times)
		err = print_all(p, rt, c, h);
	for (int i = 0; !err && times && i < atoi(argv[3]); i++)
		err = print_time(p, rt, c, h);
	return err;
}

int main(int argc, char **argv)
{
	struct cause why = { "" };
	int err = run(argc, argv, &why);

	if (err)
		fprintf(stderr, "pwholds: %s (%d)\n", why.text, err);
	return err ? 1 : 0;
}
