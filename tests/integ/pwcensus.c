/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwcensus: our census of a process as JSON, for census.py.
 *
 *	pwcensus PID			every runtime: proof, goroutines with their frames
 *	pwcensus --time PID DEPTH N	N censuses of the first runtime: "goroutines pcs unsettled
 *ns" a line
 *	pwcensus --wrong PID		the proof against layouts with one offset wrong: "FIELD
 *held|refused CAUSE" a line
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "census/census.h"
#include "golang/gostate.h"
#include "target/goproc.h"

#define DEPTH 127

/* Wrappers are left out, as Go's tracebacks do. */
static void put_frames(struct json_writer *w, struct gosym *sym, const uint64_t *pcs, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct goframe frames[GOSYM_INLINE_MAX];
		int n = gosym__frames(sym, pcs[i], true, frames, GOSYM_INLINE_MAX);
		char text[GOSYM_NAME_MAX * 2];

		snprintf(text, sizeof(text), "?0x%" PRIx64, pcs[i]);
		if (n < 0)
			jsonw_string(w, text);
		for (int k = 0; k < n; k++) {
			if (frames[k].wrapper)
				continue;
			snprintf(text, sizeof(text), "%s %s:%u", frames[k].func, frames[k].file,
				 frames[k].line);
			jsonw_string(w, text);
		}
	}
}

static void put_func(struct json_writer *w, struct gosym *sym, const char *name, uint64_t pc,
		     bool is_return)
{
	struct goframe frame;
	bool known = pc && gosym__frames(sym, pc, is_return, &frame, 1) > 0;

	jsonw_string_field(w, name, known ? frame.func : "");
}

static void put_waits(struct json_writer *w, const struct census *c, const struct census_g *g)
{
	jsonw_array_field(w, "waits");
	for (uint32_t i = 0; i < g->nr_waits; i++) {
		const struct census_wait *wait = &c->waits[g->waits_at + i];

		jsonw_start_array(w);
		jsonw_uint(w, wait->kind);
		jsonw_uint(w, wait->direction);
		jsonw_hex(w, wait->addr);
		jsonw_hex(w, wait->via);
		jsonw_end_array(w);
	}
	jsonw_end_array(w);
}

static void put_goroutine(struct json_writer *w, const struct goruntime *rt, const struct census *c,
			  const struct census_g *g)
{
	const char *status = gostatus_name(rt->minor, g->status);
	const struct census_stack *stack =
		g->stack == CENSUS_NO_STACK ? NULL : &c->stacks[g->stack];
	const char *reason =
		g->status == GOSTATUS_WAITING ? gowait_word(gowait_of(rt->minor, g->reason)) : "";

	jsonw_newline(w);
	jsonw_start_object(w);
	jsonw_uint_field(w, "goid", g->who.goid);
	jsonw_uint_field(w, "parent", g->who.parent_goid);
	jsonw_string_field(w, "status", status ? status : "?");
	jsonw_string_field(w, "reason", reason ? reason : "?");
	put_func(w, rt->sym, "start",
		 g->who.startpc ? gosym__unwrap_start(rt->sym, g->who.startpc) : 0, false);
	put_func(w, rt->sym, "created_by", g->who.gopc, true);
	jsonw_bool_field(w, "labels", g->labels);
	jsonw_int_field(w, "m", g->m);
	jsonw_int_field(w, "p", g->p);
	jsonw_uint_field(w, "tid", g->tid);
	jsonw_uint_field(w, "since", g->waitsince_ns);
	jsonw_bool_field(w, "cut", g->waits_cut);
	put_waits(w, c, g);
	jsonw_bool_field(w, "truncated", stack && stack->truncated);
	jsonw_array_field(w, "frames");
	if (stack)
		put_frames(w, rt->sym, c->pcs + stack->pcs_at, stack->nr_pcs);
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static int put_runtime(struct json_writer *w, struct proc *p, const struct goruntime *rt)
{
	struct cause why = { "" };
	scoped(census) c = NULL;
	int proof = census_proof(p, rt, &why), err;

	jsonw_start_object(w);
	jsonw_string_field(w, "version", rt->version);
	jsonw_uint_field(w, "modules", rt->nr_modules);
	jsonw_int_field(w, "proof", proof);
	jsonw_string_field(w, "why", why.text);
	err = census__read(proc__mem(p), rt, DEPTH, &c);
	if (err) {
		jsonw_int_field(w, "err", err);
	} else {
		jsonw_uint_field(w, "allglen", c->allglen);
		jsonw_uint_field(w, "unsettled", c->unsettled);
		jsonw_uint_field(w, "refused", c->refused);
	}
	jsonw_array_field(w, "gs");
	for (size_t i = 0; !err && i < c->nr; i++)
		put_goroutine(w, rt, c, &c->gs[i]);
	jsonw_end_array(w);
	jsonw_end_object(w);
	return err;
}

static int print_all(struct proc *p, struct goproc *gp)
{
	struct json_writer w;
	struct textbuf to;
	int err = 0, failed;

	textbuf__init(&to, stdout);
	jsonw_init(&w, &to);
	jsonw_start_array(&w);
	for (size_t i = 0; i < goproc__nr_runtimes(gp) && !err; i++)
		err = put_runtime(&w, p, goproc__runtime(gp, i));
	jsonw_end_array(&w);
	jsonw_end(&w);
	failed = textbuf__finish(&to);
	textbuf__done(&to);
	return err ? err : failed;
}

static int print_times(struct proc *p, const struct goruntime *rt, unsigned int depth, int times)
{
	for (int i = 0; i < times; i++) {
		uint64_t start = clock_now_ns();
		scoped(census) c = NULL;
		int err = census__read(proc__mem(p), rt, depth, &c);

		if (err) {
			fprintf(stderr, "%s\n",
				err == -ESRCH ? "the process has ended" : "not readable");
			return err;
		}
		printf("%zu %zu %zu %" PRIu64 "\n", c->nr, c->nr_pcs, c->unsettled,
		       clock_now_ns() - start);
	}
	return 0;
}

#define FIELD(f)                                                                                   \
	{                                                                                          \
#f, offsetof(struct pw_layout, f)                                                  \
	}
static const struct {
	const char *name;
	size_t at;
} fields[] = {
	FIELD(g_stack_lo),    FIELD(g_stack_hi),  FIELD(g_m),
	FIELD(g_sched_sp),    FIELD(g_sched_pc),  FIELD(g_sched_bp),
	FIELD(g_syscallsp),   FIELD(g_syscallpc), FIELD(g_atomicstatus),
	FIELD(g_goid),        FIELD(g_waitsince), FIELD(g_waitreason),
	FIELD(g_parent_goid), FIELD(g_gopc),      FIELD(g_startpc),
	FIELD(g_waiting),     FIELD(g_labels),    FIELD(g_lockedm),
	FIELD(m_curg),        FIELD(m_procid),    FIELD(m_p),
	FIELD(sudog_g),
};

static int print_wrong(struct proc *p, struct goruntime *rt)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		__s32 *offset = (__s32 *)((char *)&rt->layout + fields[i].at), right = *offset;

		for (int delta = -8; delta <= 8 && right >= 8; delta += 16) {
			struct cause why = { "" };

			*offset = right + delta;
			printf("%s%+d %s %s\n", fields[i].name, delta,
			       census_proof(p, rt, &why) ? "refused" : "held", why.text);
		}
		*offset = right;
	}
	return 0;
}

static int run(int argc, char **argv, struct cause *why)
{
	bool times = argc == 5 && !strcmp(argv[1], "--time"),
	     wrong = argc == 3 && !strcmp(argv[1], "--wrong");
	scoped(proc) p = NULL;
	scoped(goproc) gp = NULL;
	int err;

	if (argc != 2 && !times && !wrong)
		return cause__set(why, -1,
				  "usage: pwcensus [--time PID DEPTH N | --wrong PID | PID]");
	err = proc__open(atoi(argv[argc == 2 ? 1 : 2]), &p, why);
	if (!err)
		err = goproc__open(p, &gp, why);
	if (err)
		return err;
	if (times)
		return print_times(p, goproc__runtime(gp, 0), (unsigned int)atoi(argv[3]),
				   atoi(argv[4]));
	if (wrong)
		return print_wrong(p, goproc__runtime(gp, 0));
	return print_all(p, gp);
}

int main(int argc, char **argv)
{
	struct cause why = { "" };
	int err = run(argc, argv, &why);

	if (err)
		fprintf(stderr, "pwcensus: %s (%d)\n", why.text, err);
	return err ? 1 : 0;
}
