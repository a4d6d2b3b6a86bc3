// SPDX-License-Identifier: BSD-2-Clause
#include "serve/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

/* A path, or "@NAME" for one of the abstract names, which begin with a NUL. */
static int connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const size_t len = strlen(path);
	int fd;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(to.sun_path))
		return -EINVAL;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len))) {
		close(fd);
		return -errno;
	}
	return fd;
}

void notify__open(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET"), *us = getenv("WATCHDOG_USEC"),
		   *pid = getenv("WATCHDOG_PID");

	*n = (struct notify){ .fd = path ? connect_to(path) : -ENOENT };
	if (us && (!pid || atoll(pid) == getpid()))
		n->each_ns = strtoull(us, NULL, 10) / 2 * 1000;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify__close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -EBADF;
}

void notify__say(const struct notify *n, const char *state)
{
	if (n->fd >= 0)
		(void)send(n->fd, state, strlen(state), MSG_NOSIGNAL);
}

void notify__tick(struct notify *n, uint64_t now_ns)
{
	if (!n->each_ns || now_ns < n->next_ns)
		return;
	n->next_ns = now_ns + n->each_ns;
	notify__say(n, "WATCHDOG=1");
}
