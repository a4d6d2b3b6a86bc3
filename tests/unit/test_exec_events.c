/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel tells of a program that starts. Not in a container, and not without rights before Linux 6.6. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/exec_events.h"

#define SOON_MS 10000 /* a machine with other work */

static enum exec_seen next(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	enum exec_seen seen = EXEC_SEEN_NONE;

	while (seen == EXEC_SEEN_NONE && poll(&p, 1, SOON_MS) > 0)
		seen = exec_events_read(fd);
	return seen;
}

Test(exec_events, a_program_that_starts_is_told)
{
	const int fd = exec_events_open();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t pid;

	if (fd < 0 || poll(&p, 1, 500) <= 0)
		cr_skip_test("the kernel does not tell us");
	cr_expect_neq(next(fd), EXEC_SEEN_NONE, "it says that it will tell");
	pid = fork();
	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	cr_expect_eq(next(fd), EXEC_SEEN);
	waitpid(pid, NULL, 0);
	close(fd);
}
