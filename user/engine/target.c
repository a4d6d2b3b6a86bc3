/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/target.h"

#include "base/cleanup.h"
#include "census/census.h"
#include "engine/restraint.h"

static int target__prove(struct target *t, struct goruntime *rt, struct cause *why)
{
	int err = census_proof(t->proc, rt, why);

	if (err)
		return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s",
				  proc__comm(t->proc), (int)proc__pid(t->proc),
				  proc__words(t->proc, err));
	t->versions[t->nr] = rt->version;
	namer__init(&t->namers[t->nr++], rt->sym, rt->main, rt->minor);
	return 0;
}

int target__open(struct target *t, pid_t pid, struct deadline *until, struct cause *why)
{
	struct proc *p = NULL;
	int err = proc__open(pid, &p, why);

	*t = (struct target){ .nr = 0 };
	return err ? err : target__take(t, p, until, why);
}

int target__take(struct target *t, struct proc *p, struct deadline *until, struct cause *why)
{
	int err;

	*t = (struct target){ .proc = p };
	proc__limit(t->proc, until);
	err = goproc__open(t->proc, &t->gp, why);
	if (!err)
		restraint__apply(t->gp, t->proc);
	for (size_t i = 0; !err && i < goproc__nr_runtimes(t->gp); i++)
		err = target__prove(t, goproc__runtime(t->gp, i), why);
	if (err)
		target__close(t);
	return err;
}

void target__close(struct target *t)
{
	goproc__free(steal(t->gp));
	proc__free(steal(t->proc));
	t->nr = 0;
}

int target__log(const struct target *t, const struct factlog_of *of, const struct report_meta *meta,
		FILE *to, struct factlog **ret)
{
	struct factlog_of all = *of;

	all.pid = meta->pid;
	all.comm = meta->comm;
	all.exe = meta->exe;
	all.build_id = meta->build_id;
	all.text_start = meta->text_start;
	all.text_end = meta->text_end;
	all.namers = t->namers;
	all.versions = t->versions;
	all.nr = t->nr;
	all.resource = meta->resource;
	return factlog__new(to, &all, ret);
}
