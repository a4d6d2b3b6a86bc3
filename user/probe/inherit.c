/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/inherit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernel names it "anon_inode:bpf-prog" (Linux kernel/bpf/syscall.c bpf_prog_new_fd). */
static bool is_program(int dir, const char *name)
{
	char link[32];
	ssize_t n = readlinkat(dir, name, link, sizeof(link) - 1);

	if (n < 0)
		return false;
	link[n] = '\0';
	return strstr(link, "bpf-prog");
}

static bool is_own(int fd, const int *own, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (own[i] == fd)
			return true;
	return false;
}

void inherit_programs_and(const int *own, size_t nr)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	for (int fd = 0; fd <= STDERR_FILENO && null >= 0; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	while (dir && (e = readdir(dir))) {
		int fd = atoi(e->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(dir) && !is_own(fd, own, nr) &&
		    !is_program(dirfd(dir), e->d_name))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

int inherit_path(const char *path, char *ret, size_t size)
{
	static const char self[] = "/proc/self/";
	bool ours = !strncmp(path, self, strlen(self));
	char pid[32] = ""; /* as this /proc numbers us */
	int n;

	if (ours && readlink("/proc/self", pid, sizeof(pid) - 1) < 0)
		return -errno;
	n = ours ? snprintf(ret, size, "/proc/%s/%s", pid, path + strlen(self))
		 : snprintf(ret, size, "%s", path);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
