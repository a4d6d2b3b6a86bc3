/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task_programs: of each process whether it runs another program than before, asked of the kernel in one reading (a BPF
 * iterator over tasks, which needs the kernel's BTF). To ask /proc of each costs some times as much. It needs CAP_BPF
 * and CAP_PERFMON. Not thread-safe.
 */
#ifndef PARKWATCH_HOST_TASK_PROGRAMS_H
#define PARKWATCH_HOST_TASK_PROGRAMS_H

#include <stddef.h>
#include <linux/types.h>

#include <parkwatch/task_program.h>

struct task_programs;

/* 0 or negative: this kernel or these privileges do not allow it, or /proc is of another PID namespace than ours. */
int task_programs__new(struct task_programs **ret);
void task_programs__free(struct task_programs *t);

/* Calls fn for each process of our PID namespace, by PID, until it returns non-zero. 0; fn's; negative: not read to the end. */
int task_programs__each(struct task_programs *t,
			int (*fn)(void *ctx, const struct pw_task_program *p), void *ctx);

#endif
