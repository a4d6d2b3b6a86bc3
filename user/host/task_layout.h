/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task_layout: where this kernel keeps what a thread left user space with, by the kernel's own types
 * (/sys/kernel/btf/vmlinux).
 */
#ifndef PARKWATCH_HOST_TASK_LAYOUT_H
#define PARKWATCH_HOST_TASK_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct task_layout {
	int32_t thread;   /* pointer to the thread's own memory: x86's fs base, arm64's tpidr_el0 */
	int32_t stack;    /* task_struct.stack */
	bool regs_helper; /* programs of perf events may call bpf_task_pt_regs(): Linux 5.15 */
};

/* -ENOENT: the kernel tells its types to nobody, or they are not as known. Some 30 ms, once a process. */
int task_layout__get(struct task_layout *ret);

#endif
