/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task_program: whether a process runs the program that it ran before: what bpf/host/task_programs.bpf.c
 * writes of each, and user/host/task_programs reads.
 */
#ifndef PARKWATCH_TASK_PROGRAM_H
#define PARKWATCH_TASK_PROGRAM_H

struct pw_task_program {
	__u64 pid;      /* as the reader's PID namespace has it */
	__u64 execs;    /* of it and of those that it comes from: one more after each exec */
	__u64 start_ns; /* since boot: another process with its PID has another */
};

#endif
