// SPDX-License-Identifier: BSD-2-Clause
#include "probe/cpu_knobs.h"

#include <errno.h>
#include <string.h>

#include "host/task_layout.h"
#include "target/maps.h"

/*
 * A library's code takes the distance from a word that the dynamic linker wrote. Where a register has
 * g there is no need of it.
 */
static int find_slot(const struct plan *plan, const struct proc *p, int32_t *ret)
{
	int64_t offset = plan->g_slot.offset;
	int err = plan->g_slot_err;

	if (plan->rt->arch->g_always)
		return 0;
	if (!err && plan->g_slot.at)
		err = addrspace__read(proc__mem(p), plan->g_slot.at, &offset, sizeof(offset));
	if (!err && (offset >= 0 || offset < INT32_MIN))
		err = -EBADMSG;
	if (!err)
		*ret = (int32_t)offset;
	return err;
}

static int find_vdso(const struct proc *p, struct pw_range *ret)
{
	scoped(maps) maps = NULL;
	int err = maps__read(proc__dirfd(p), &maps);

	for (size_t i = 0; !err && i < maps->nr; i++)
		if (!strcmp(maps->m[i].path, "[vdso]"))
			*ret = (struct pw_range){ maps->m[i].start,
						  maps->m[i].end - maps->m[i].start };
	return err;
}

int cpu_knobs__fill(const struct plan *plan, const struct proc *p, bool is_first,
		    struct pw_cpu_knobs *ret, struct cause *why)
{
	struct pw_cpu_knobs k = { .is_on = 1, .is_first = is_first };
	struct proc_number number;
	struct task_layout task;
	int err;

	if (!plan->rt->arch->find_gslot && plan->rt->cgo)
		return cause__set(
			why, -EOPNOTSUPP,
			"cannot sample '%s' (pid %d): not there for programs with C on %s yet",
			proc__comm(p), (int)proc__pid(p), plan->rt->arch->name);
	err = task_layout__get(&task);
	if (!err && plan->rt->arch->link && !task.regs_helper)
		return cause__set(why, -EOPNOTSUPP,
				  "cannot sample '%s' (pid %d): on %s that needs Linux 5.15",
				  proc__comm(p), (int)proc__pid(p), plan->rt->arch->name);
	if (err)
		return cause__set(why, -EOPNOTSUPP,
				  "cannot sample '%s' (pid %d): this kernel does not say where it "
				  "keeps a thread's registers; needs /sys/kernel/btf/vmlinux",
				  proc__comm(p), (int)proc__pid(p));
	err = find_slot(plan, p, &k.g_tls);
	if (err)
		return cause__set(why, err == -ENOENT ? -EOPNOTSUPP : err,
				  "cannot sample '%s' (pid %d): where its threads have their "
				  "goroutine is not known (%s): %s",
				  proc__comm(p), (int)proc__pid(p), plan->rt->version,
				  strerror(-err));
	err = proc__number(p, &number);
	if (!err)
		err = find_vdso(p, &k.vdso);
	if (err)
		return cause__set(why, err, "cannot sample '%s' (pid %d): %s", proc__comm(p),
				  (int)proc__pid(p), strerror(-err));
	k.ns_dev = number.ns_dev;
	k.ns_ino = number.ns_ino;
	k.tgid = (__u32)number.pid;
	k.task_thread = task.thread;
	k.task_stack = task.stack;
	k.regs_helper = task.regs_helper;
	*ret = k;
	return 0;
}
