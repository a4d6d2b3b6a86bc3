/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/log.h"
#include "census/census.h"
#include "cli/begin.h"
#include "cli/commands.h"
#include "cli/fate.h"
#include "cli/stop.h"
#include "daemon/snapshot.h"
#include "host/kfeat.h"
#include "probe/leftover.h"
#include "probe/plan.h"
#include "target/goproc.h"

/* Lines of ours with words of a target in between. */
static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char *text = NULL, *line;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	for (char *rest = text; (line = strsep(&rest, "\n"));) {
		clean_text(line);
		fputs(line, stdout);
		if (rest)
			putchar('\n');
	}
	free(text);
}

static void print_kernel(const struct kfeat *kf)
{
	say("kernel %s\n", kf->release);
	for (int i = 0; i < KFEAT_MAX; i++)
		say("  %-3s %-13s %s\n", kf->f[i].ok ? "yes" : "no", kfeat_name((enum kfeat_id)i),
		    kf->f[i].ok ? kfeat_what((enum kfeat_id)i) : kf->f[i].why.text);
}

static void print_runtime(const struct goruntime *rt)
{
	say("\nruntime in %s\n  %s%s%s%s%s%s%s\n", rt->path, rt->version,
	    rt->buildmode[0] ? ", buildmode " : "", rt->buildmode,
	    rt->pie ? ", position independent" : "", rt->race ? ", -race" : "",
	    rt->cgo ? ", cgo" : "", rt->stripped ? ", stripped" : "");
	say("  offsets of struct members from %s\n", rt->layout_source == GOLAYOUT_DWARF
							     ? "the program's DWARF"
							     : "the table for this Go version");
	for (uint32_t i = 0; i < rt->nr_modules; i++)
		say("  module %u%s%s: text 0x%llx-0x%llx\n", i, rt->modules[i].name[0] ? " " : "",
		    rt->modules[i].name, (unsigned long long)rt->modules[i].text,
		    (unsigned long long)rt->modules[i].etext);
}

static void print_plan(const struct plan *plan)
{
	for (int p = 0; p < PW_POINT_MAX; p++) {
		const struct plan_point *pt = &plan->points[p];

		if (pt->err)
			say("  %-8s %s: %s\n", pw_point_name((enum pw_point)p),
			    pt->err == -ENOENT ? "none" : "NO", pt->cause.text);
		for (uint32_t i = pt->first; !pt->err && i < pt->first + pt->nr; i++) {
			const struct plan_site *s = &plan->sites[i];

			say("  %-8s %s+0x%llx at 0x%llx: %s\n           %s: %s\n",
			    pw_point_name((enum pw_point)p), s->func_name,
			    (unsigned long long)(s->addr - s->func), (unsigned long long)s->addr,
			    s->insn, insn_class_name(s->class), s->why);
		}
	}
}

/* frames at one pc that are asked for: the function itself is the last */
#define INLINED_MAX 64

static void print_place(struct goproc *gp, uint64_t addr)
{
	struct goframe frames[INLINED_MAX];
	int nr = -ENOENT;

	for (size_t k = 0; k < goproc__nr_runtimes(gp) && nr < 1; k++)
		nr = gosym__frames(goproc__runtime(gp, k)->sym, addr, false, frames,
				   ARRAY_SIZE(frames));
	if (nr < 1)
		printf("           0x%llx\n", (unsigned long long)addr);
	else
		printf("           0x%llx %s+0x%llx\n", (unsigned long long)addr,
		       frames[nr - 1].func, (unsigned long long)(addr - frames[nr - 1].entry));
}

static void print_places(struct goproc *gp, const struct textdiff *d)
{
	for (size_t i = 0; i < d->nr; i++)
		print_place(gp, d->addrs[i]);
	if (d->refused)
		printf("           and %zu more\n", d->refused);
}

/* Probes in the code: of a tool that runs, or left by one that was killed. 1 if a repair failed. */
static int examine_code(struct goproc *gp, struct proc *p, bool repair)
{
	struct cause why = { "" };
	struct textdiff d;
	size_t found;
	int err = textdiff__find(gp, p, &d);

	if (err) {
		printf("  code     cannot be compared with its file: %s\n", proc__words(p, err));
		return repair;
	}
	found = d.nr;
	if (repair && found) {
		err = leftover__repair(gp, p, &d, &why);
		if (err)
			printf("  code     not repaired: %s\n", why.text);
		else
			printf("  code     took out %zu of %zu probes: they were left there\n",
			       found - d.nr, found);
	}
	if (!d.nr)
		printf("  code     is as in its file: no probe is in it\n");
	else if (repair)
		printf("  code     has %zu probes that somebody uses:\n", d.nr);
	else
		printf("  code     has %zu probes: of a tool that runs now, or left by one that "
		       "was killed; --repair takes those out:\n",
		       d.nr);
	print_places(gp, &d);
	return err != 0;
}

/* 1 if something that record needs is missing. */
static int examine(pid_t pid, const struct kfeat *kf, bool repair)
{
	struct deadline until = deadline_in(SNAPSHOT_MOST_NS, NULL);
	scoped(proc) p = NULL;
	scoped(goproc) gp = NULL;
	struct cause why = { "" };
	int bad = 0, err;

	err = proc__open(pid, &p, &why);
	if (!err)
		proc__limit(p, &until);
	if (!err)
		err = goproc__open(p, &gp, &why);
	if (err)
		return fate_failed(p, err, &why);
	say("\nprocess %d '%s', %s%s, %u threads\n", pid, proc__comm(p), proc__exe_shown(p),
	    proc__exe_deleted(p) ? " (deleted)" : "", proc__threads(p));
	bad |= examine_code(gp, p, repair);
	for (size_t i = 0; i < goproc__nr_runtimes(gp); i++) {
		struct goruntime *rt = goproc__runtime(gp, i);
		scoped(plan) plan = NULL;
		struct cause c = { "" };

		print_runtime(rt);
		if (census_proof(p, rt, &c)) {
			say("  NO the layout does not hold: %s\n", c.text);
			bad = 1;
			continue;
		}
		say("  the layout holds on the live process\n");
		if (plan__make(gp, rt, kf, &plan, &c)) {
			say("  NO probe points: %s\n", c.text);
			bad = 1;
			continue;
		}
		print_plan(plan);
		for (int k = 0; k < PW_POINT_MAX; k++)
			bad |= plan->points[k].err && plan->points[k].err != -ENOENT;
	}
	if (until.hit)
		return fate_failed(p,
				   cause__set(&why, -ETIMEDOUT,
					      "process %d was not read within %.3g s: what is said "
					      "above is not all",
					      (int)pid, (double)SNAPSHOT_MOST_NS / NS_PER_SEC),
				   &why);
	if (bad && (!proc__alive(p) || proc__executed(p)))
		return fate_failed(p, -ESRCH, &why);
	return bad;
}

int cmd_doctor(const struct opts *o)
{
	struct kfeat kf;
	int bad;

	if (o->pid)
		stop_at_once(o->pid, 2 * SNAPSHOT_MOST_NS);
	kfeat__probe_all(&kf);
	print_kernel(&kf);
	bad = !kf.f[KFEAT_BPF].ok || !(kf.f[KFEAT_UPROBE_MULTI].ok || kf.f[KFEAT_PERF_LINK].ok ||
				       kf.f[KFEAT_PERF_IOCTL].ok);
	if (o->pid)
		bad |= examine(o->pid, &kf, o->repair);
	if (end_of_print(0))
		return 1;
	if (bad)
		log_error("recording will not work here: see the lines with 'no' above");
	return bad;
}
