/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "census/census.h"
#include "cli/commands.h"
#include "probe/kfeat.h"
#include "probe/plan.h"
#include "target/goproc.h"

static void print_kernel(const struct kfeat *kf)
{
	printf("kernel %s\n", kf->release);
	for (int i = 0; i < KFEAT_MAX; i++)
		printf("  %-3s %-13s %s\n", kf->f[i].ok ? "yes" : "no", kfeat_name((enum kfeat_id)i),
		       kf->f[i].ok ? kfeat_what((enum kfeat_id)i) : kf->f[i].why.text);
}

static void print_runtime(const struct goruntime *rt)
{
	printf("\nruntime in %s\n  %s%s%s%s%s%s%s\n", rt->path, rt->version, rt->buildmode[0] ? ", buildmode " : "",
	       rt->buildmode, rt->pie ? ", position independent" : "", rt->race ? ", -race" : "",
	       rt->cgo ? ", cgo" : "", rt->stripped ? ", stripped" : "");
	printf("  offsets of struct members from %s\n",
	       rt->layout_source == GOLAYOUT_DWARF ? "the program's DWARF" : "the table for this Go version");
	for (uint32_t i = 0; i < rt->nr_modules; i++)
		printf("  module %u%s%s: text 0x%llx-0x%llx\n", i, rt->modules[i].name[0] ? " " : "", rt->modules[i].name,
		       (unsigned long long)rt->modules[i].text, (unsigned long long)rt->modules[i].etext);
}

static void print_plan(const struct plan *plan)
{
	for (int p = 0; p < PW_POINT_MAX; p++) {
		const struct plan_point *pt = &plan->points[p];

		if (pt->err)
			printf("  %-8s %s: %s\n", pw_point_name((enum pw_point)p), pt->err == -ENOENT ? "none" : "NO",
			       pt->cause.text);
		for (uint32_t i = pt->first; !pt->err && i < pt->first + pt->nr; i++) {
			const struct plan_site *s = &plan->sites[i];

			printf("  %-8s %s+0x%llx at 0x%llx: %s\n           %s: %s\n", pw_point_name((enum pw_point)p),
			       s->func_name, (unsigned long long)(s->addr - s->func), (unsigned long long)s->addr, s->insn,
			       insn_class_name(s->class), s->why);
		}
	}
}

/* 1 if something that record needs is missing. */
static int examine(pid_t pid, const struct kfeat *kf)
{
	scoped(proc) p = NULL;
	scoped(goproc) gp = NULL;
	struct cause why = { "" };
	int bad = 0;

	if (proc__open(pid, &p, &why) || goproc__open(p, &gp, &why)) {
		log_error("%s", why.text);
		return 1;
	}
	printf("\nprocess %d '%s', %s%s, %u threads\n", pid, proc__comm(p), proc__exe(p),
	       proc__exe_deleted(p) ? " (deleted)" : "", proc__threads(p));
	for (size_t i = 0; i < goproc__nr_runtimes(gp); i++) {
		struct goruntime *rt = goproc__runtime(gp, i);
		scoped(plan) plan = NULL;
		struct cause c = { "" };

		print_runtime(rt);
		if (census_proof(p, rt, &c)) {
			printf("  NO the layout does not hold: %s\n", c.text);
			bad = 1;
			continue;
		}
		printf("  the layout holds on the live process\n");
		if (plan__make(gp, rt, kf, &plan, &c)) {
			printf("  NO probe points: %s\n", c.text);
			bad = 1;
			continue;
		}
		print_plan(plan);
		for (int k = 0; k < PW_POINT_MAX; k++)
			bad |= plan->points[k].err && plan->points[k].err != -ENOENT;
	}
	return bad;
}

int cmd_doctor(const struct opts *o)
{
	struct kfeat kf;
	int bad;

	kfeat__probe_all(&kf);
	print_kernel(&kf);
	bad = !kf.f[KFEAT_BPF].ok ||
	      !(kf.f[KFEAT_UPROBE_MULTI].ok || kf.f[KFEAT_PERF_LINK].ok || kf.f[KFEAT_PERF_IOCTL].ok);
	if (o->pid)
		bad |= examine(o->pid, &kf);
	if (fflush(stdout))
		return 1;
	if (bad)
		log_error("recording will not work here: see the lines with 'no' above");
	return bad;
}
