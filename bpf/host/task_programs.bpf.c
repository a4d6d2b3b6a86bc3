// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * task_programs: one reading of a BPF iterator says of each process whether it runs another program than before. Beside it,
 * a scan of /proc costs a path to resolve for each.
 *
 * The kernel's own types move between kernels, so this object is apart from the probes' programs: it needs the kernel's BTF, and
 * where it does not load, /proc is scanned.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <parkwatch/task_program.h>

/* What is read of the kernel's types: include/linux/{sched,pid,bpf}.h */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpadded"
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct task_struct {
	int pid; /* of the thread */
	int tgid;
	struct pid *thread_pid;
	__u64 start_time;
	__u64 self_exec_id; /* all of it lies in the task itself: a chain to its file is a cache miss a link */
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop
#pragma clang diagnostic pop

/* Its number in the PID namespace that is this deep; it has one, for the iterator goes through that namespace. */
static __always_inline int number_at(const struct pid *p, unsigned int level)
{
	const char *numbers = (const char *)p + bpf_core_field_offset(struct pid, numbers);
	int nr = 0;

	bpf_probe_read_kernel(&nr, sizeof(nr),
			      numbers + (__u64)level * bpf_core_type_size(struct upid));
	return nr;
}

SEC("iter/task")
int pw_task_program(struct bpf_iter__task *ctx)
{
	const struct task_struct *me = (const void *)bpf_get_current_task();
	const struct task_struct *t = ctx->task;
	struct pw_task_program p;

	/* NULL: there are no more. Of a process its first thread. */
	if (!t || t->pid != t->tgid)
		return 0;
	p.pid = (__u64)number_at(t->thread_pid, BPF_CORE_READ(me, thread_pid, level));
	p.execs = t->self_exec_id;
	p.start_ns = t->start_time;
	bpf_seq_write(ctx->meta->seq, &p, sizeof(p));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
