/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "golang/gofacts.h"
#include "probe/mallocfns.h"

/*
 * Functions that the points are made of, all looked up in one pass: of each point, by its number;
 * what it was before; others.
 */
enum fn {
	FN_BEFORE = PW_POINT_MAX,
	FN_NEWPROC1 = 2 * PW_POINT_MAX,
	FN_RUNQPUT,
	FN_CACHESPAN,
	FN_MCALL,
	FN_MORESTACK,
	FN_MSTART,
	FN_SIGTRAMP,
	FN_MAX,
};

static const char *const fn_names[FN_MAX] = {
#define PW_POINT(NAME, name, uses, function, before, ...)                                          \
	[PW_POINT_##NAME] = function, [FN_BEFORE + PW_POINT_##NAME] = before,
	PW_POINTS(PW_POINT)
#undef PW_POINT
		[FN_NEWPROC1] = "runtime.newproc1",
	[FN_RUNQPUT] = "runtime.runqput",
	[FN_CACHESPAN] = "runtime.(*mcentral).cacheSpan",
	[FN_MCALL] = "runtime.mcall",
	[FN_MORESTACK] = "runtime.morestack",
	[FN_MSTART] = "runtime.mstart",
	[FN_SIGTRAMP] = "runtime.sigtramp",
};

/*
 * Stack ABI (amd64 up to Go 1.16, arm64 to 1.17): newproc1(fn, argp unsafe.Pointer, narg int32,
 * callergp *g, callerpc uintptr) *g, by its caller's arguments: callergp at 24, the result at 40. First
 * argument at a function's entry: sp + 8.
 */
#define ABI0_ARG0          8
#define ABI0_CALLERGP      24
#define ABI0_NEWPROC1_RES  40
#define ABI0_CACHESPAN_RES 8

#define G_SLOT_CODE_MAX 512 /* bytes of runtime.mcall that are read */

struct planner {
	struct goproc *gp;
	struct goruntime *rt;
	const struct kfeat *kf;
	struct plan *plan;
	struct gofunc fn[GOMODULES_MAX][FN_MAX];
	struct gofunc sized[GOMODULES_MAX][MALLOCFNS_MAX]; /* by mallocfns */
	struct mallocfns names;
	bool birth_at_ret; /* newproc1's return is probed: coroutines pass there as well */
};

const char *pw_point_name(enum pw_point p)
{
	static const char *const names[PW_POINT_MAX] = {
#define PW_POINT(NAME, name, ...) [PW_POINT_##NAME] = #name,
		PW_POINTS(PW_POINT)
#undef PW_POINT
	};

	return (unsigned int)p < PW_POINT_MAX ? names[p] : "?";
}

static struct pw_loc in_reg(uint8_t reg)
{
	return (struct pw_loc){ .kind = PW_LOC_REG, .reg = reg };
}

static struct pw_loc on_stack(int32_t off)
{
	return (struct pw_loc){ .kind = PW_LOC_STACK, .off = off };
}

/* The argument of that number, from 0, at a function's entry. */
static struct pw_loc argument(const struct planner *pl, int nr)
{
	return pl->rt->regabi ? in_reg(pl->rt->arch->args[nr]) : on_stack(ABI0_ARG0 + 8 * nr);
}

/* The first result where a call has returned; off: of it among what the caller passed on the stack. */
static struct pw_loc result(const struct planner *pl, int32_t off)
{
	const struct goarch *arch = pl->rt->arch;

	return pl->rt->regabi ? in_reg(arch->args[0]) : on_stack(arch->passed + off);
}

/* Whether a register has the current g. */
static bool g_in_reg(const struct planner *pl)
{
	return pl->rt->regabi || pl->rt->arch->g_always;
}

/* The current g in code of Go. */
static void ask_g(const struct planner *pl, enum site_value value, struct site_ask *ask)
{
	if (g_in_reg(pl))
		ask->in[value] = in_reg(pl->rt->arch->g);
	else if (value == SITE_G)
		ask->g_in_tls = true;
}

/*
 * Reads a function's code from the file that it is mapped from: that is what the kernel probes, and
 * it is free of breakpoints that someone else has in the process.
 */
static int planner__read_code(const struct planner *pl, const struct gofunc *fn, uint8_t *buf,
			      struct code *ret)
{
	size_t len = fn->end > fn->entry ? fn->end - fn->entry : 0;
	struct goplace at;
	scoped_fd int fd = -EBADF;
	int err = goproc__place(pl->gp, fn->entry, &at);

	if (err)
		return err;
	if (!len || len > SITE_CODE_MAX)
		return -E2BIG;
	fd = open(at.path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (pread(fd, buf, len, (off_t)at.offset) != (ssize_t)len)
		return -EIO;
	*ret = (struct code){ .addr = fn->entry, .bytes = buf, .len = len };
	return 0;
}

/* A g of the creating thread in newproc.func1 after newproc1 has returned. */
static struct pw_loc birth_cur(const struct planner *pl)
{
	return g_in_reg(pl) ? in_reg(pl->rt->arch->g)
			    : on_stack(pl->rt->arch->passed + ABI0_CALLERGP);
}

/* newproc.func1 between `call newproc1` and `call runqput`. */
static int ask_birth(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	const struct goarch *arch = pl->rt->arch;
	uint64_t next;
	int err = arch->find_call(&ask->code, fn[FN_NEWPROC1].entry, &next, &ask->from);

	if (!err)
		err = arch->find_call(&ask->code, fn[FN_RUNQPUT].entry, &ask->until, &next);
	if (!err && ask->until < ask->from)
		err = -ENOENT;
	ask->in[SITE_G] = result(pl, ABI0_NEWPROC1_RES);
	ask->in[SITE_CUR] = birth_cur(pl);
	return err;
}

/* newcoro.func1 after `call newproc1`. */
static int ask_cobirth(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	uint64_t addr;

	ask->in[SITE_G] = result(pl, ABI0_NEWPROC1_RES);
	ask->in[SITE_CUR] = birth_cur(pl);
	return pl->rt->arch->find_call(&ask->code, fn[FN_NEWPROC1].entry, &addr, &ask->from);
}

/* Functions whose first argument is the g: exit, ready, run. Which g calls them is known from Go 1.17 on. */
static int ask_arg(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	(void)fn;
	ask->from = ask->code.addr;
	ask_g(pl, SITE_CUR, ask);
	ask->in[SITE_G] = argument(pl, 0);
	return 0;
}

/* gopark(unlockf, lock, reason, ...): the current g parks. */
static int ask_park(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	(void)fn;
	ask->from = ask->code.addr;
	ask_g(pl, SITE_G, ask);
	ask->in[SITE_REASON] = argument(pl, 2);
	return 0;
}

/* The current g and one argument, by its number. */
static void ask_alloc(const struct planner *pl, struct site_ask *ask, int arg)
{
	ask->from = ask->code.addr;
	ask_g(pl, SITE_G, ask);
	ask->in[SITE_ARG] = argument(pl, arg);
}

/* mallocgc(size, typ, needzero), and its variants, which take the same. */
static int ask_malloc(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	(void)fn;
	ask_alloc(pl, ask, 0);
	ask->in[SITE_TYPE] = argument(pl, 1);
	return 0;
}

/*
 * (*mcache).refill(spc) where `s = mheap_.central[spc].mcentral.cacheSpan()` has returned. Before
 * Go 1.17 amd64 has no g in a register there, and it is not looked for.
 */
static int ask_refill(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	uint64_t addr;

	if (g_in_reg(pl))
		ask_g(pl, SITE_G, ask);
	ask->in[SITE_ARG] = result(pl, ABI0_CACHESPAN_RES);
	ask->inside = true;
	return pl->rt->arch->find_call(&ask->code, fn[FN_CACHESPAN].entry, &addr, &ask->from);
}

/* (*mcache).allocLarge(size, ...); largeAlloc(size, ...) */
static int ask_large(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	(void)fn;
	ask_alloc(pl, ask, gofacts_has(pl->rt->minor, GO_ALLOC_LARGE));
	return 0;
}

/* (*mcache).releaseAll() */
static int ask_release(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	(void)fn;
	ask_alloc(pl, ask, 0);
	return 0;
}

/* profilealloc(mp, x, size) */
static int ask_sample(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	(void)fn;
	ask_alloc(pl, ask, 2);
	return 0;
}

/* (*semaRoot).dequeue(addr): who gives the semaphore up is the current g. */
static int ask_dequeue(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	(void)fn;
	ask_alloc(pl, ask, 1);
	ask->in[SITE_TYPE] = argument(pl, 0);
	return 0;
}

/* reentersyscall(pc, sp, ...); sp is asked for where its caller may have no frame. */
static int ask_call(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	(void)fn;
	ask_alloc(pl, ask, 0);
	if (!gofacts_has(pl->rt->minor, GO_SYSCALL_FRAMED))
		ask->in[SITE_TYPE] = argument(pl, 1);
	return 0;
}

/* exitsyscall() */
static int ask_back(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	(void)fn;
	ask_alloc(pl, ask, 0);
	ask->in[SITE_ARG] = (struct pw_loc){ .kind = PW_LOC_NONE };
	return 0;
}

/* (*semaRoot).queue(addr, s, lifo) */
static int ask_queue(struct planner *pl, const struct gofunc *fn, struct site_ask *ask)
{
	ask->in[SITE_REASON] = argument(pl, 3);
	return ask_dequeue(pl, fn, ask);
}

static const struct point_rule {
	enum go_fact since; /* 0: always the same function */
	int (*ask)(struct planner *pl, const struct gofunc *fn, struct site_ask *ask);
	const char *missing;
} rules[PW_POINT_MAX] = {
#define PW_POINT(NAME, name, uses, function, before, since, ask, missing, ...)                     \
	[PW_POINT_##NAME] = { since, ask_##ask, missing },
	PW_POINTS(PW_POINT)
#undef PW_POINT
};

/* Adds a picked instruction to the plan. */
static int planner__add(struct planner *pl, enum pw_point point, const char *name, uint64_t func,
			const struct site_choice *choice, struct cause *why)
{
	struct plan_site *s = &pl->plan->sites[pl->plan->nr_sites];
	int err;

	if (pl->plan->nr_sites == PW_SITES_MAX)
		return cause__set(why, -ENOSPC, "more than %d places to probe: too many plugins",
				  PW_SITES_MAX);
	err = goproc__place(pl->gp, choice->addr, &s->place);
	if (err)
		return cause__set(why, err,
				  "%s is not in a mapped file; parkwatch can probe files only",
				  name);
	s->wire = choice->wire;
	s->wire.point = point;
	s->class = choice->class;
	s->func = func;
	s->addr = choice->addr;
	snprintf(s->func_name, sizeof(s->func_name), "%s", name);
	snprintf(s->insn, sizeof(s->insn), "%s", choice->insn);
	snprintf(s->why, sizeof(s->why), "%s", choice->why);
	pl->plan->nr_sites++;
	return 0;
}

/*
 * newproc.func1 has a shape that we do not know: newproc1's one return, where the new g is the
 * result. Single-stepped, but sure. Coroutines of iter.Pull pass there too.
 */
static int planner__birth_at_ret(struct planner *pl, const struct gofunc *fn, uint8_t *buf,
				 struct cause *why)
{
	struct site_ask ask = { .nop5 = false };
	struct site_choice choice = { .class = INSN_STEPPED };
	int err = planner__read_code(pl, &fn[FN_NEWPROC1], buf, &ask.code);

	if (!err)
		err = pl->rt->arch->find_ret(&ask.code, &choice.addr);
	if (err)
		return cause__set(
			why, err,
			"neither newproc.func1 nor newproc1 of %s has a shape that parkwatch knows",
			pl->rt->version);
	choice.wire.g = result(pl, ABI0_NEWPROC1_RES);
	choice.wire.cur = birth_cur(pl);
	if (pl->rt->arch->link) {
		choice.wire.flags = PW_SITE_LINK;
	} else { /* the return address is at sp: the caller's frame lies 8 higher */
		if (choice.wire.g.kind == PW_LOC_STACK)
			choice.wire.g.off += 8;
		if (choice.wire.cur.kind == PW_LOC_STACK)
			choice.wire.cur.off += 8;
	}
	snprintf(choice.insn, sizeof(choice.insn), "ret");
	snprintf(choice.why, sizeof(choice.why),
		 "newproc.func1 has an unknown shape: the one return of newproc1, single-stepped");
	pl->birth_at_ret = true;
	return planner__add(pl, PW_POINT_BIRTH, fn_names[FN_NEWPROC1], fn[FN_NEWPROC1].entry,
			    &choice, why);
}

/* One point at one function of a module. */
static int planner__place_at(struct planner *pl, enum pw_point point, uint32_t module,
			     const struct gofunc *at, const char *name, struct cause *why)
{
	const struct gofunc *fn = pl->fn[module];
	struct site_ask ask = { .nop5 = pl->kf->f[KFEAT_NOP5].ok };
	scoped_mem uint8_t *buf = malloc(SITE_CODE_MAX);
	struct site_choice choice;
	int err;

	if (!buf)
		return -ENOMEM;
	err = planner__read_code(pl, at, buf, &ask.code);
	if (err)
		return cause__set(why, err, "cannot read the code of %s: %s", name, strerror(-err));
	err = rules[point].ask(pl, fn, &ask);
	if (!err)
		err = pl->rt->arch->choose_site(&ask, &choice);
	if (err && point == PW_POINT_BIRTH && fn[FN_NEWPROC1].entry)
		return planner__birth_at_ret(pl, fn, buf, why);
	if (err)
		return cause__set(why, err == -ENOENT ? -EOPNOTSUPP : err,
				  "no instruction of %s (%s) has what is wanted: a shape that "
				  "parkwatch does not know",
				  name, pl->rt->version);
	if (point == PW_POINT_SIZED) {
		const struct gofunc *outer = &fn[PW_POINT_MALLOC];

		choice.wire.outer = outer->entry;
		choice.wire.outer_bytes = (uint32_t)(outer->end - outer->entry);
	}
	return planner__add(pl, point, name, ask.code.addr, &choice, why);
}

/* The variants of mallocgc that the module has. */
static int planner__place_sized(struct planner *pl, uint32_t module, struct cause *why)
{
	int err, placed = -ENOENT;

	for (uint32_t i = 0; i < pl->names.nr; i++) {
		const struct gofunc *at = &pl->sized[module][i];

		if (!at->entry)
			continue;
		err = planner__place_at(pl, PW_POINT_SIZED, module, at, pl->names.names[i], why);
		if (err)
			return err == -ENOENT ? -EOPNOTSUPP : err;
		placed = 0;
	}
	return placed;
}

/* One point in one module. -ENOENT: the module has no such function. */
static int planner__place(struct planner *pl, enum pw_point point, uint32_t module,
			  struct cause *why)
{
	const struct gofunc *fn = pl->fn[module];
	const enum go_fact since = rules[point].since;
	const int f =
		since && !gofacts_has(pl->rt->minor, since) ? FN_BEFORE + (int)point : (int)point;

	if (point == PW_POINT_SIZED)
		return planner__place_sized(pl, module, why);
	if (!fn[f].entry)
		return -ENOENT;
	return planner__place_at(pl, point, module, &fn[f], fn_names[f], why);
}

static void planner__point(struct planner *pl, enum pw_point point)
{
	struct plan_point *pt = &pl->plan->points[point];
	int err = 0;

	pt->first = pl->plan->nr_sites;
	if (point == PW_POINT_COBIRTH && pl->birth_at_ret) {
		pt->err = cause__set(&pt->cause, -ENOENT,
				     "the birth point counts coroutines as well");
		return;
	}
	for (uint32_t m = 0;
	     m < pl->rt->nr_modules && m < GOMODULES_MAX && (!err || err == -ENOENT); m++)
		err = planner__place(pl, point, m, &pt->cause);
	pt->nr = pl->plan->nr_sites - pt->first;
	if ((!err || err == -ENOENT) && pt->nr)
		return;
	pt->err = err;
	if (err == -ENOENT && rules[point].missing)
		cause__set(&pt->cause, err, "%s: %s", pl->rt->version, rules[point].missing);
	else if (err == -ENOENT)
		cause__set(&pt->cause, err, "no %s in the tables of %s", fn_names[point],
			   pl->rt->version);
	/* places in other modules are of no use without this one */
	pl->plan->nr_sites = pt->first;
	pt->nr = 0;
}

/* Code of the modules, where stacks end in it, and where who waits goes on. */
static void planner__modules(struct planner *pl)
{
	static const enum fn ends[PW_ENDS] = { FN_MCALL, FN_MORESTACK, FN_MSTART, FN_SIGTRAMP };

	_Static_assert(PW_MODULES_MAX >= GOMODULES_MAX, "a module has no place");
	for (uint32_t m = 0; m < pl->rt->nr_modules && m < GOMODULES_MAX; m++) {
		const struct gomodule *from = &pl->rt->modules[m];
		const struct gofunc *gopark = &pl->fn[m][PW_POINT_PARK];
		struct pw_module *to = &pl->plan->modules[m];

		if (gopark->end > gopark->entry)
			to->gopark =
				(struct pw_range){ gopark->entry, gopark->end - gopark->entry };
		to->text = (struct pw_range){ from->minpc, from->maxpc - from->minpc };
		for (int i = 0; i < PW_ENDS; i++) {
			const struct gofunc *fn = &pl->fn[m][ends[i]];

			if (fn->end > fn->entry)
				to->ends[i] = (struct pw_range){ fn->entry, fn->end - fn->entry };
		}
		pl->plan->nr_modules = m + 1;
	}
}

/* In all code of a program it is the same. */
static void planner__g_slot(struct planner *pl)
{
	uint8_t buf[G_SLOT_CODE_MAX];
	struct gofunc fn = pl->fn[0][FN_MCALL];
	struct code code;
	int err = fn.entry ? 0 : -ENOENT;

	if (fn.end - fn.entry > sizeof(buf))
		fn.end = fn.entry + sizeof(buf);
	if (!err)
		err = planner__read_code(pl, &fn, buf, &code);
	if (!err)
		err = pl->rt->arch->find_gslot ? pl->rt->arch->find_gslot(&code, &pl->plan->g_slot)
					       : -EOPNOTSUPP;
	pl->plan->g_slot_err = err;
}

/* All functions of a module that may be wanted. */
static int planner__find(struct planner *pl, uint32_t module)
{
	const char *names[FN_MAX];
	struct gofunc found[FN_MAX];
	size_t at[FN_MAX], nr = 0;
	int err;

	for (size_t f = 0; f < FN_MAX; f++)
		if (fn_names[f]) {
			names[nr] = fn_names[f];
			at[nr++] = f;
		}
	err = gosym__find(pl->rt->sym, module, names, nr, found);
	for (size_t i = 0; i < nr && !err; i++)
		pl->fn[module][at[i]] = found[i];
	if (!err && pl->names.nr)
		err = gosym__find(pl->rt->sym, module, pl->names.names, pl->names.nr,
				  pl->sized[module]);
	return err;
}

int plan__make(struct goproc *gp, struct goruntime *rt, const struct kfeat *kf, struct plan **ret,
	       struct cause *why)
{
	scoped(plan) p = calloc(1, sizeof(*p));
	scoped_mem struct planner *pl = calloc(1, sizeof(*pl));
	int err;

	if (!p || !pl)
		return -ENOMEM;
	*pl = (struct planner){ .gp = gp, .rt = rt, .kf = kf, .plan = p };
	p->rt = rt;
	mallocfns__init(&pl->names, rt->minor);
	for (uint32_t m = 0; m < rt->nr_modules && m < GOMODULES_MAX; m++) {
		err = planner__find(pl, m);
		if (err)
			return cause__set(why, err, "cannot read the function table of '%s': %s",
					  rt->path, strerror(-err));
	}
	planner__modules(pl);
	planner__g_slot(pl);
	for (int point = 0; point < PW_POINT_MAX; point++)
		planner__point(pl, point);
	*ret = steal(p);
	return 0;
}

void plan__free(struct plan *p)
{
	free(p);
}

int plan__check_points(const struct plan *p, uint32_t *points, struct cause *why)
{
	for (int k = 0; k < PW_POINT_MAX; k++) {
		const struct plan_point *pt = &p->points[k];

		if (!(*points & 1u << k) || !pt->err)
			continue;
		if (pt->err != -ENOENT || !rules[k].missing)
			return cause__set(why, pt->err, "%s", pt->cause.text);
		*points &= ~(1u << k);
	}
	return 0;
}
