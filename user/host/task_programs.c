// SPDX-License-Identifier: BSD-2-Clause
#include "host/task_programs.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"

#include "task_programs.skel.h"

#define AT_ONCE 512 /* processes to a read(2) */

struct task_programs {
	struct task_programs_bpf *skel; /* owned */
};

/* What the iterator calls by a number, /proc must call so too. */
static bool proc_is_ours(void)
{
	char self[16];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	if (n <= 0)
		return false;
	self[n] = '\0';
	return atoi(self) == getpid();
}

int task_programs__new(struct task_programs **ret)
{
	libbpf_print_fn_t print;
	struct task_programs *t;
	int err;

	if (!proc_is_ours())
		return -EXDEV;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	print = libbpf_set_print(NULL); /* a refusal is an answer */
	t->skel = task_programs_bpf__open();
	err = t->skel ? task_programs_bpf__load(t->skel) : -errno;
	if (!err)
		err = task_programs_bpf__attach(t->skel);
	libbpf_set_print(print);
	if (err) {
		task_programs__free(t);
		return err;
	}
	*ret = t;
	return 0;
}

void task_programs__free(struct task_programs *t)
{
	if (!t)
		return;
	task_programs_bpf__destroy(t->skel);
	free(t);
}

int task_programs__each(struct task_programs *t,
			int (*fn)(void *ctx, const struct pw_task_program *p), void *ctx)
{
	struct pw_task_program some[AT_ONCE];
	scoped_fd int fd = bpf_iter_create(bpf_link__fd(t->skel->links.pw_task_program));
	ssize_t n;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (!err && (n = read(fd, some, sizeof(some))) != 0) {
		if (n < 0)
			return -errno;
		if (n % (ssize_t)sizeof(*some))
			return -EBADMSG;
		for (size_t i = 0; !err && i < (size_t)n / sizeof(*some); i++)
			err = fn(ctx, &some[i]);
	}
	return err;
}
