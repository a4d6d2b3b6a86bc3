/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/examine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "census/census.h"
#include "code/native.h"
#include "engine/fate.h"
#include "engine/snapshot.h"
#include "probe/leftover.h"
#include "probe/plan.h"
#include "target/goproc.h"

void examine_say(struct textbuf *to, const char *fmt, ...)
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
		textbuf__text(to, line);
		if (rest)
			textbuf__text(to, "\n");
	}
	free(text);
}

static void print_runtime(struct textbuf *to, const struct goruntime *rt)
{
	examine_say(to, "\nruntime in %s\n  %s%s%s%s%s%s%s\n", rt->path, rt->version,
		    rt->buildmode[0] ? ", buildmode " : "", rt->buildmode,
		    rt->pie ? ", position independent" : "", rt->race ? ", -race" : "",
		    rt->cgo ? ", cgo" : "", rt->stripped ? ", stripped" : "");
	examine_say(to, "  offsets of struct members from %s\n",
		    rt->layout_source == GOLAYOUT_DWARF ? "the program's DWARF"
							: "the table for this Go version");
	if (rt->arch->missing)
		examine_say(to, "  not for %s yet: %s\n", rt->arch->name, rt->arch->missing);
	for (uint32_t i = 0; i < rt->nr_modules; i++)
		examine_say(to, "  module %u%s%s: text 0x%llx-0x%llx\n", i,
			    rt->modules[i].name[0] ? " " : "", rt->modules[i].name,
			    (unsigned long long)rt->modules[i].text,
			    (unsigned long long)rt->modules[i].etext);
}

static void print_plan(struct textbuf *to, const struct plan *plan)
{
	for (int p = 0; p < PW_POINT_MAX; p++) {
		const struct plan_point *pt = &plan->points[p];

		if (pt->err)
			examine_say(to, "  %-8s %s: %s\n", pw_point_name((enum pw_point)p),
				    pt->err == -ENOENT ? "none" : "NO", pt->cause.text);
		for (uint32_t i = pt->first; !pt->err && i < pt->first + pt->nr; i++) {
			const struct plan_site *s = &plan->sites[i];

			examine_say(to, "  %-8s %s+0x%llx at 0x%llx: %s\n           %s: %s\n",
				    pw_point_name((enum pw_point)p), s->func_name,
				    (unsigned long long)(s->addr - s->func),
				    (unsigned long long)s->addr, s->insn, insn_class_name(s->class),
				    s->why);
		}
	}
}

/* frames at one pc that are asked for: the function itself is the last */
#define INLINED_MAX 64

static void print_place(struct textbuf *to, struct goproc *gp, uint64_t addr)
{
	struct goframe frames[INLINED_MAX];
	int nr = -ENOENT;

	for (size_t k = 0; k < goproc__nr_runtimes(gp) && nr < 1; k++)
		nr = gosym__frames(goproc__runtime(gp, k)->sym, addr, false, frames,
				   ARRAY_SIZE(frames));
	if (nr < 1)
		examine_say(to, "           0x%llx\n", (unsigned long long)addr);
	else
		examine_say(to, "           0x%llx %s+0x%llx\n", (unsigned long long)addr,
			    frames[nr - 1].func, (unsigned long long)(addr - frames[nr - 1].entry));
}

static void print_places(struct textbuf *to, struct goproc *gp, const struct textdiff *d)
{
	for (size_t i = 0; i < d->nr; i++)
		print_place(to, gp, d->addrs[i]);
	if (d->refused)
		examine_say(to, "           and %zu more\n", d->refused);
}

/* Probes in the code: of a tool that runs, or left by one that was killed. 1 if a repair failed. */
static int examine_code(struct textbuf *to, struct goproc *gp, struct proc *p, bool repair)
{
	struct cause why = { "" };
	struct textdiff d;
	size_t found;
	int err = textdiff__find(gp, p, &d);

	if (err) {
		examine_say(to, "  code     cannot be compared with its file: %s\n",
			    proc__words(p, err));
		return repair;
	}
	found = d.nr;
	if (repair && found) {
		err = leftover__repair(gp, p, &d, &why);
		if (err)
			examine_say(to, "  code     not repaired: %s\n", why.text);
		else
			examine_say(to,
				    "  code     took out %zu of %zu probes: they were left there\n",
				    found - d.nr, found);
	}
	if (!d.nr)
		examine_say(to, "  code     is as in its file: no probe is in it\n");
	else if (repair)
		examine_say(to, "  code     has %zu probes that somebody uses:\n", d.nr);
	else
		examine_say(
			to,
			"  code     has %zu probes: of a tool that runs now, or left by one that "
			"was killed; --repair takes those out:\n",
			d.nr);
	print_places(to, gp, &d);
	return err != 0;
}

int examine(pid_t pid, const struct kfeat *kf, bool repair, struct textbuf *to, struct cause *ret)
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
	if (err) {
		fate_of(p, err, &why, ret);
		return err;
	}
	examine_say(to, "\nprocess %d '%s', %s%s, %u threads\n", pid, proc__comm(p),
		    proc__exe_shown(p), proc__exe_deleted(p) ? " (deleted)" : "", proc__threads(p));
	bad |= examine_code(to, gp, p, repair);
	for (size_t i = 0; i < goproc__nr_runtimes(gp); i++) {
		struct goruntime *rt = goproc__runtime(gp, i);
		scoped(plan) plan = NULL;
		struct cause c = { "" };

		print_runtime(to, rt);
		if (census_proof(p, rt, &c)) {
			examine_say(to, "  NO the layout does not hold: %s\n", c.text);
			bad = 1;
			continue;
		}
		examine_say(to, "  the layout holds on the live process\n");
		if (plan__make(gp, rt, kf, &plan, &c)) {
			examine_say(to, "  NO probe points: %s\n", c.text);
			bad = 1;
			continue;
		}
		print_plan(to, plan);
		for (int k = 0; k < PW_POINT_MAX; k++)
			bad |= plan->points[k].err && plan->points[k].err != -ENOENT;
	}
	if (until.hit)
		return cause__set(ret, -ETIMEDOUT,
				  "process %d was not read within %.3g s: what is said above is "
				  "not all",
				  (int)pid, (double)SNAPSHOT_MOST_NS / NS_PER_SEC);
	if (bad && (!proc__alive(p) || proc__executed(p))) {
		fate_of(p, -ESRCH, &why, ret);
		return -ESRCH;
	}
	return bad;
}
