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
#include "base/json_writer.h"
#include "census/census.h"
#include "locks/holds.h"
#include "target/goproc.h"

#define DEPTH    256
#define HELD_MAX 64

/* What was remembered of other goroutines changes no answer. */
static void check_again(struct holds *fresh, const struct hold_stack *hs, const struct held *held,
			int n)
{
	struct held again[HELD_MAX];
	bool complete;

	if (holds__find(fresh, hs, again, HELD_MAX, &complete) == n &&
	    (n <= 0 || !memcmp(again, held, (size_t)n * sizeof(*held))))
		return;
	fprintf(stderr, "pwholds: the stack at 0x%" PRIx64 " is told otherwise on its own\n",
		hs->sp);
	exit(1);
}

/* What gives nothing back, by its code alone, holds nothing, whatever its memory says. */
static void check_stack(struct holds *h, const struct hold_stack *hs, const struct held *held,
			int n)
{
	bool may_give = true;

	if (holds__may_give(h, hs->pcs, hs->nr, &may_give) || may_give)
		return;
	for (int i = 0; i < n; i++)
		if (held[i].kind != HELD_PENDING) {
			fprintf(stderr,
				"pwholds: 0x%" PRIx64 " is held by what gives nothing back\n",
				held[i].lock);
			exit(1);
		}
}

/* Negative: it does not stand still. */
static int find(struct holds *h, struct holds *fresh, const struct census *c,
		const struct census_g *g, struct held *held, bool *complete)
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

static void put_held(struct json_writer *w, const struct goruntime *rt, const struct held *held)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	int n = held->release_pc
			? gosym__frames(rt->sym, held->release_pc, false, frames, GOSYM_INLINE_MAX)
			: 0;
	const struct goframe *f = n > 0 ? &frames[n - 1] : NULL;

	jsonw_start_object(w);
	jsonw_string_field(w, "kind", held_kind_name(held->kind));
	jsonw_hex_field(w, "lock", held->lock);
	jsonw_uint_field(w, "frame", held->frame);
	jsonw_string_field(w, "func", f ? f->func : "");
	jsonw_uint_field(w, "line", f ? f->line : 0);
	jsonw_end_object(w);
}

static int put_all(struct json_writer *w, const struct addrspace *as, const struct goruntime *rt,
		   const struct census *c, struct holds *h)
{
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
		jsonw_newline(w);
		jsonw_start_object(w);
		jsonw_uint_field(w, "goid", c->gs[i].who.goid);
		jsonw_bool_field(w, "complete", complete);
		jsonw_array_field(w, "holds");
		for (int k = 0; k < n; k++)
			put_held(w, rt, &held[k]);
		jsonw_end_array(w);
		jsonw_end_object(w);
	}
	return 0;
}

static int print_all(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		     struct holds *h)
{
	struct json_writer w;
	struct textbuf to;
	int err;

	textbuf__init(&to, stdout);
	jsonw_init(&w, &to);
	jsonw_start_array(&w);
	jsonw_fail(&w, put_all(&w, as, rt, c, h));
	jsonw_end_array(&w);
	jsonw_end(&w);
	err = textbuf__finish(&to);
	textbuf__done(&to);
	return err;
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
