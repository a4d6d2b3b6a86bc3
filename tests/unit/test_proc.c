/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "target/proc.h"

/* A child that lives until it is killed. */
static pid_t child_start(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void child_kill_unreaped(pid_t pid)
{
	siginfo_t si;

	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
}

Test(proc, reads_memory_of_a_child)
{
	static char text[] = "what the child has";
	pid_t pid = child_start();
	scoped(proc) p = NULL;
	char got[sizeof(text)] = "";

	cr_assert_eq(proc__open(pid, &p, NULL), 0);
	cr_expect_eq(proc__pid(p), pid);
	cr_expect(proc__alive(p));
	cr_expect_eq(proc__threads(p), 1);
	cr_expect_not(proc__exe_deleted(p));
	cr_expect_eq(proc__exe(p)[0], '/');
	memcpy(text, "WHAT", 4); /* of ours, not of the child's */
	cr_expect_eq(addrspace__read(proc__mem(p), (uintptr_t)text, got, sizeof(got)), 0);
	cr_expect_str_eq(got, "what the child has");
	child_end(pid);
	cr_expect_not(proc__alive(p));
	cr_expect_eq(addrspace__read(proc__mem(p), (uintptr_t)text, got, sizeof(got)), -ESRCH);
	cr_expect_eq(proc__cpu_ns(p), 0);
	cr_expect_eq(proc__threads(p), 0);
}

Test(proc, counts_a_zombie_as_ended)
{
	pid_t pid = child_start();
	struct cause why = { "" };
	struct proc *again = NULL;
	scoped(proc) p = NULL;

	cr_assert_eq(proc__open(pid, &p, NULL), 0);
	child_kill_unreaped(pid);
	cr_expect_not(proc__alive(p));
	cr_expect_eq(proc__open(pid, &again, &why), -ESRCH);
	cr_expect_null(again);
	cr_expect(strstr(why.text, "has ended"), "%s", why.text);
	waitpid(pid, NULL, 0);
}

struct asker {
	int err;
	pid_t tid;
	struct proc *p;
	struct cause why;
};

static void *ask_for_own_thread(void *arg)
{
	struct asker *a = arg;

	a->tid = (pid_t)syscall(SYS_gettid);
	a->err = proc__open(a->tid, &a->p, &a->why);
	return NULL;
}

Test(proc, names_the_process_of_a_thread)
{
	struct asker a = { .err = 0 };
	pthread_t thread;
	char want[32];

	cr_assert_eq(pthread_create(&thread, NULL, ask_for_own_thread, &a), 0);
	pthread_join(thread, NULL);
	cr_expect_eq(a.err, -EINVAL);
	cr_expect_null(a.p);
	snprintf(want, sizeof(want), "-p %d", (int)getpid());
	cr_expect(strstr(a.why.text, want), "%s", a.why.text);
}

Test(proc, says_that_there_is_no_such_process)
{
	static const struct {
		const char *why;
		pid_t pid;
	} t[] = {
		{ "never a PID", 0 },
		{ "negative", -1 },
		{ "over the kernel's limit of 2^22", 1 << 23 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cause why = { "" };
		struct proc *p = NULL;

		cr_expect_eq(proc__open(t[i].pid, &p, &why), -ESRCH, "%s", t[i].why);
		cr_expect_null(p, "%s", t[i].why);
		cr_expect(strstr(why.text, "no process"), "%s: %s", t[i].why, why.text);
	}
}

Test(proc, counts_cpu_time_of_a_process_that_works)
{
	scoped(proc) p = NULL;
	uint64_t first;

	cr_assert_eq(proc__open(getpid(), &p, NULL), 0);
	first = proc__cpu_ns(p);
	cr_expect_gt(first, 0);
	for (uint64_t spins = 0; proc__cpu_ns(p) < first + 1000000; spins++)
		cr_assert_lt(spins, 100000000, "time stands still");
}

Test(proc, what_was_cut_is_not_told_to_have_ended)
{
	volatile sig_atomic_t stop = 0;
	struct deadline until = deadline_in(60 * NS_PER_SEC, &stop);
	scoped(proc) p = NULL;
	uint8_t byte = 1;

	cr_assert_eq(proc__open(getpid(), &p, NULL), 0);
	proc__limit(p, &until);
	cr_expect_eq(addrspace__read(proc__mem(p), (uintptr_t)&byte, &byte, 1), 0);
	cr_expect(!proc__cut(p));
	cr_expect_str_eq(proc__words(p, -ESRCH), "it has ended");
	until.at_ns = clock_now_ns();
	cr_expect_eq(addrspace__read(proc__mem(p), (uintptr_t)&byte, &byte, 1), -ESRCH);
	cr_expect(proc__cut(p));
	cr_expect_str_eq(proc__words(p, -ESRCH), "it was not done within 60 s, and was cut short");
	cr_expect_str_eq(proc__words(p, -EACCES), strerror(EACCES));
	stop = 1;
	cr_expect_eq(addrspace__read(proc__mem(p), (uintptr_t)&byte, &byte, 1), -ESRCH);
	cr_expect_str_eq(proc__words(p, -ESRCH), "ended by a signal");
}

Test(proc, has_a_pidfd_that_tells_the_end)
{
	pid_t pid = child_start();
	scoped(proc) p = NULL;
	struct pollfd pfd;

	cr_assert_eq(proc__open(pid, &p, NULL), 0);
	pfd = (struct pollfd){ .fd = proc__pidfd(p), .events = POLLIN };
	cr_assert_geq(pfd.fd, 0);
	cr_expect_eq(poll(&pfd, 1, 0), 0);
	child_end(pid);
	cr_expect_eq(poll(&pfd, 1, 1000), 1);
}
