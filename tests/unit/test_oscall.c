/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/oscalls.h"
#include "target/oscall.h"

Test(oscall, takes_the_number_and_the_first_argument)
{
	static const struct {
		const char *why, *text;
		int want;
		long nr;
		uint64_t arg;
	} t[] = {
		{ "in a call", "0 0x7 0xc000012345 0x1 0x0 0x0 0x0 0xc00003fe20 0x4a1b3c\n", 0, 0,
		  7 },
		{ "on a processor", "running\n", -EAGAIN, 0, 0 },
		{ "stopped outside of any", "-1 0x7ffe 0x4011\n", -ENOENT, 0, 0 },
		{ "nothing", "", -EBADMSG, 0, 0 },
		{ "no number", "x 0x7\n", -EBADMSG, 0, 0 },
		{ "no argument", "0 \n", -EBADMSG, 0, 0 },
		{ "cut off in it", "0 0x7", -EBADMSG, 0, 0 },
		{ "a number that no machine has", "99999999999999999999999 0x7 0x1\n", -EBADMSG, 0,
		  0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct oscall c = { .nr = 77, .arg = 77 };

		cr_expect_eq(oscall_parse(t[i].text, &c), t[i].want, "%s", t[i].why);
		cr_expect_eq(c.nr, t[i].want ? 77 : t[i].nr, "%s", t[i].why);
		cr_expect_eq(c.arg, t[i].want ? 77 : t[i].arg, "%s", t[i].why);
	}
}

Test(oscall, knows_calls_and_which_have_a_descriptor)
{
	bool fd = false;

	cr_expect_str_eq(oscall_name(SYS_read, &fd), "read");
	cr_expect(fd);
	cr_expect_str_eq(oscall_name(SYS_futex, &fd), "futex");
	cr_expect_not(fd);
	fd = true;
	cr_expect_null(oscall_name(-1, &fd));
	cr_expect_not(fd);
}

/* A thread that reads a pipe to which nobody writes. */
static int pipe_fds[2];
static _Atomic pid_t reader;

static void *read_pipe(void *arg)
{
	char c;

	reader = gettid();
	return read(pipe_fds[0], &c, 1) < 0 ? NULL : arg;
}

Test(oscall, says_what_a_thread_sleeps_in_and_what_its_descriptor_is)
{
	scoped(oscalls) o = NULL;
	scoped_mem struct thread_number *v = NULL;
	struct proc *p = NULL;
	char want[64] = "";
	const char *text;
	pthread_t thread;
	size_t nr = 0;
	bool found = false;

	cr_assert_eq(pipe(pipe_fds), 0);
	cr_assert_eq(pthread_create(&thread, NULL, read_pipe, NULL), 0);
	cr_assert_eq(proc__open(getpid(), &p, NULL), 0);
	cr_assert_eq(oscalls__new(p, &o), 0);
	do {
		oscalls__look(o);
		text = oscalls__text(o, (uint32_t)reader);
	} while (strncmp(text, "read ", 5));
	snprintf(want, sizeof(want), "read fd %d, pipe:[", pipe_fds[0]);
	cr_expect_eq(strncmp(text, want, strlen(want)), 0, "%s", text);
	cr_expect_str_eq(oscalls__text(o, (uint32_t)getpid() + 1000000000), "", "no such thread");
	cr_expect_str_eq(oscalls__text(o, 0), "", "nobody knows the thread");
	oscalls__look(o);
	for (int i = 0; i < OSCALLS_A_LOOK; i++)
		cr_expect(oscalls__text(o, (uint32_t)reader)[0]);
	cr_expect_str_eq(oscalls__text(o, (uint32_t)reader), "", "so many in a look");
	cr_assert_eq(thread_numbers(p, &v, &nr), 0);
	for (size_t i = 0; i < nr; i++)
		found |= v[i].here == reader && v[i].own == reader;
	cr_expect(found && nr >= 2, "%zu", nr);
	cr_expect_eq(thread_here(v, nr, reader), reader);
	cr_expect_eq(thread_here(v, nr, reader + 1000000000), 0);
	proc__free(p);
}
