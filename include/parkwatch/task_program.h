/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task_program: which program a process runs: what bpf/host/task_programs.bpf.c writes of each, and
 * user/host/task_programs reads.
 */
#ifndef PARKWATCH_TASK_PROGRAM_H
#define PARKWATCH_TASK_PROGRAM_H

/* Of a process without a program, as the kernel's own are: 0, 0. */
struct pw_task_program {
	__u32 pid; /* as the reader's PID namespace has it */
	__u32 dev; /* of the file, as the kernel has it: another number than that of stat(2) */
	__u64 ino;
};

#endif
