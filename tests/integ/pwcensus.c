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
#include "census/census.h"
#include "golang/gostate.h"
#include "target/goproc.h"

#define DEPTH 127

static void print_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s < ' ')
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

/* Wrappers are left out, as Go's tracebacks do; "" between is for the caller. */
static void print_frames(struct gosym *sym, const uint64_t *pcs, size_t nr)
{
	const char *comma = "";

	for (size_t i = 0; i < nr; i++) {
		struct goframe frames[GOSYM_INLINE_MAX];
		int n = gosym__frames(sym, pcs[i], true, frames, GOSYM_INLINE_MAX);

		if (n < 0) {
			printf("%s\"?0x%" PRIx64 "\"", comma, pcs[i]);
			comma = ",";
		}
		for (int k = 0; k < n; k++) {
			char text[GOSYM_NAME_MAX * 2];

			if (frames[k].wrapper)
				continue;
			snprintf(text, sizeof(text), "%s %s:%u", frames[k].func, frames[k].file,
				 frames[k].line);
			fputs(comma, stdout);
			print_string(text);
			comma = ",";
		}
	}
}

static void print_func(struct gosym *sym, const char *key, uint64_t pc, bool is_return)
{
	struct goframe frame;

	printf(",\"%s\":", key);
	if (pc && gosym__frames(sym, pc, is_return, &frame, 1) > 0)
		print_string(frame.func);
	else
		printf("\"\"");
}

static void print_goroutine(const struct goruntime *rt, const struct census *c,
			    const struct census_g *g)
{
	const char *status = gostatus_name(rt->minor, g->status);
	const struct census_stack *stack =
		g->stack == CENSUS_NO_STACK ? NULL : &c->stacks[g->stack];
	const char *reason = g->status == GOSTATUS_WAITING ? gowait_word(gowait_of(rt->minor, g->reason)) : "";

	printf("{\"goid\":%" PRIu64 ",\"parent\":%" PRIu64 ",\"status\":", g->goid, g->parent_goid);
	print_string(status ? status : "?");
	printf(",\"reason\":");
	print_string(reason ? reason : "?");
	print_func(rt->sym, "start", g->startpc ? gosym__unwrap_start(rt->sym, g->startpc) : 0,
		   false);
	print_func(rt->sym, "created_by", g->gopc, true);
	printf(",\"labels\":%s,\"m\":%d,\"p\":%d,\"tid\":%u,\"since\":%" PRIu64
	       ",\"cut\":%s,\"waits\":[",
	       g->labels ? "true" : "false", g->m, g->p, g->tid, g->waitsince_ns,
	       g->waits_cut ? "true" : "false");
	for (uint32_t i = 0; i < g->nr_waits; i++) {
		const struct census_wait *w = &c->waits[g->waits_at + i];

		printf("%s[%d,%d,\"0x%" PRIx64 "\",\"0x%" PRIx64 "\"]", i ? "," : "", w->kind,
		       w->way, w->addr, w->via);
	}
	printf("],\"truncated\":%s,\"frames\":[", stack && stack->truncated ? "true" : "false");
	if (stack)
		print_frames(rt->sym, c->pcs + stack->pcs_at, stack->nr_pcs);
	printf("]}");
}

static int print_runtime(struct proc *p, const struct goruntime *rt)
{
	struct cause why = { "" };
	scoped(census) c = NULL;
	int proof = census_proof(p, rt, &why), err;

	printf("{\"version\":");
	print_string(rt->version);
	printf(",\"modules\":%u,\"proof\":%d,\"why\":", rt->nr_modules, proof);
	print_string(why.text);
	err = census__read(proc__mem(p), rt, DEPTH, &c);
	if (err) {
		printf(",\"err\":%d,\"gs\":[]}", err);
		return err;
	}
	printf(",\"allglen\":%zu,\"unsettled\":%zu,\"refused\":%zu,\"gs\":[", c->allglen,
	       c->unsettled, c->refused);
	for (size_t i = 0; i < c->nr; i++) {
		printf("%s", i ? ",\n" : "\n");
		print_goroutine(rt, c, &c->gs[i]);
	}
	printf("]}");
	return 0;
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
	printf("[");
	for (size_t i = 0; i < goproc__nr_runtimes(gp) && !err; i++) {
		printf("%s", i ? ",\n" : "");
		err = print_runtime(p, goproc__runtime(gp, i));
	}
	printf("]\n");
	return err;
}

int main(int argc, char **argv)
{
	struct cause why = { "" };
	int err = run(argc, argv, &why);

	if (err)
		fprintf(stderr, "pwcensus: %s (%d)\n", why.text, err);
	return err ? 1 : 0;
}
