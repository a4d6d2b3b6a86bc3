/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwholds: the locks that each goroutine of a process holds as JSON, for holds.py.
 *
 *	pwholds PID		[{"goid":18,"complete":true,"holds":[{"kind":"mutex","lock":"0xc000012340","func":"main.f","line":12}]}]
 *	pwholds --time PID N	N searches through all goroutines: "goroutines held bytes ns" a line
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "census/census.h"
#include "locks/holds.h"
#include "target/goproc.h"

#define DEPTH	 256
#define HELD_MAX 64

/* What was remembered of other goroutines changes no answer. */
static void check_again(struct holds *fresh, const struct hold_stack *hs, const struct held *held, int n)
{
	struct held again[HELD_MAX];
	bool complete;

	if (holds__find(fresh, hs, again, HELD_MAX, &complete) == n &&
	    (n <= 0 || !memcmp(again, held, (size_t)n * sizeof(*held))))
		return;
	fprintf(stderr, "pwholds: the stack at 0x%" PRIx64 " is told otherwise on its own\n", hs->sp);
	exit(1);
}

/* What gives nothing back, by its code alone, holds nothing, whatever its memory says. */
static void check_stack(struct holds *h, const struct hold_stack *hs, const struct held *held, int n)
{
	bool may_give = true;

	if (holds__may_give(h, hs->pcs, hs->nr, &may_give) || may_give)
		return;
	for (int i = 0; i < n; i++)
		if (held[i].kind != HELD_PENDING) {
			fprintf(stderr, "pwholds: 0x%" PRIx64 " is held by what gives nothing back\n",
				held[i].lock);
			exit(1);
		}
}

/* Negative: it does not stand still. */
static int find(struct holds *h, struct holds *fresh, const struct census *c, const struct census_g *g,
		struct held *held, bool *complete)
{
	const struct census_stack *st = g->stack == CENSUS_NO_STACK ? NULL : &c->stacks[g->stack];
	struct hold_stack hs = { .sp = g->sp, .stack_hi = g->stack_hi, .g = g->addr };
	int n;

	if (!st)
		return -ENOENT;
	hs.pcs = c->pcs + st->pcs_at;
	hs.nr = st->nr_pcs;
	n = holds__find(h, &hs, held, HELD_MAX, complete);
	if (fresh) {
		check_stack(h, &hs, held, n);
		check_again(fresh, &hs, held, n);
	}
	return n;
}

static void print_held(const struct goruntime *rt, const struct held *held, const char *comma)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	int n = held->release_pc ?
			gosym__frames(rt->sym, held->release_pc, false, frames, GOSYM_INLINE_MAX) :
			0;
	const struct goframe *f = n > 0 ? &frames[n - 1] : NULL;

	printf("%s{\"kind\":\"%s\",\"lock\":\"0x%" PRIx64 "\",\"frame\":%u,\"func\":\"%s\",\"line\":%u}",
	       comma, held_kind_name(held->kind), held->lock, held->frame, f ? f->func : "",
	       f ? f->line : 0);
}

static int print_all(const struct addrspace *as, const struct goruntime *rt, const struct census *c, struct holds *h)
{
	const char *comma = "[";

	for (size_t i = 0; i < c->nr; i++) {
		scoped(holds) fresh = NULL;
		struct held held[HELD_MAX];
		bool complete;
		int n = holds__new(as, rt, &fresh);

		if (n)
			return n;
		n = find(h, fresh, c, &c->gs[i], held, &complete);
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

static int print_time(const struct census *c, struct holds *h)
{
	uint64_t start = clock_now_ns(), spent = 0;
	size_t found = 0, all = 0;

	for (size_t i = 0; i < c->nr; i++) {
		struct held held[HELD_MAX];
		bool complete;
		int n;

		start = clock_now_ns();
		n = find(h, NULL, c, &c->gs[i], held, &complete);
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
	err = census__read(proc__mem(p), rt, DEPTH, &c);
	if (!err)
		err = holds__new(proc__mem(p), rt, &h);
	if (!err && !times)
		err = print_all(proc__mem(p), rt, c, h);
	for (int i = 0; !err && times && i < atoi(argv[3]); i++)
		err = print_time(c, h);
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
