/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * stat() and maps do not give the same device on btrfs, nor on overlayfs before Linux 6.8. What the
 * kernel says of a mapping of our own is comparable on every file system.
 */
static bool mapped_alike(int fd, const struct mapping *m)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct mapping *ours;
	scoped(maps) maps = NULL;
	scoped_fd int self = -EBADF;
	bool alike = false;
	void *addr;

	self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (self < 0)
		return false;
	addr = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);
	if (addr == MAP_FAILED)
		return false;
	if (!maps__read(self, &maps)) {
		ours = maps__at(maps, (uintptr_t)addr);
		alike = ours && ours->dev == m->dev && ours->inode == m->inode;
	}
	munmap(addr, page);
	return alike;
}

/*
 * Opens a name that the target chose: first as a mere reference, so that a device or a pipe put in
 * its place is not touched.
 */
static int open_regular(int dirfd, const char *path, struct stat *ret_st, int *ret_fd)
{
	scoped_fd int ref = openat(dirfd, path, O_PATH | O_CLOEXEC);
	char link[40];
	int fd;

	if (ref < 0)
		return -errno;
	if (fstat(ref, ret_st))
		return -errno;
	if (!S_ISREG(ret_st->st_mode))
		return -ESTALE;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", ref);
	fd = open(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int open_by_name(int dirfd, const struct mapping *m, int *ret_fd)
{
	char path[PATH_MAX];
	scoped_fd int fd = -EBADF;
	struct stat st;
	int err;

	if ((size_t)snprintf(path, sizeof(path), "root%s", m->path) >= sizeof(path))
		return -ENAMETOOLONG;
	err = open_regular(dirfd, path, &st, &fd);
	if (err)
		return err;
	if ((st.st_dev != m->dev || st.st_ino != m->inode) && !mapped_alike(fd, m))
		return -ESTALE;
	*ret_fd = fd;
	fd = -EBADF;
	return 0;
}

/* The target's files belong to another user, or lie in a folder that we may not enter. */
static const char *next_step(int err)
{
	return err == -EACCES || err == -EPERM ? "; needs CAP_DAC_READ_SEARCH, or run with sudo"
					       : "";
}

int rootfs_open(int dirfd, const struct mapping *m, int *ret_fd, struct cause *why)
{
	struct stat st;
	char link[64];
	int named, err;

	named = open_by_name(dirfd, m, ret_fd);
	if (!named)
		return 0;
	snprintf(link, sizeof(link), "map_files/%" PRIx64 "-%" PRIx64, m->start, m->end);
	err = open_regular(dirfd, link, &st, ret_fd);
	if (!err)
		return 0;
	if (named == -EACCES || named == -EPERM)
		return cause__set(why, named, "cannot open '%s' as the process sees it: %s%s",
				  m->path, strerror(-named), next_step(named));
	if (err == -EPERM || err == -EACCES)
		return cause__set(
			why, named,
			"cannot open '%s' as the process sees it: %s; a replaced or deleted "
			"file needs CAP_CHECKPOINT_RESTORE (before Linux 5.9 CAP_SYS_ADMIN)",
			m->path, strerror(-named));
	return cause__set(why, err,
			  "cannot open '%s' as the process sees it: %s; has the process ended?",
			  m->path, strerror(-err));
}

int rootfs_open_exe(int dirfd, int *ret_fd, struct cause *why)
{
	struct stat st;
	int err = open_regular(dirfd, "exe", &st, ret_fd);

	if (err == -ENOENT || err == -ESRCH)
		return cause__set(why, -ESRCH, "cannot open the executable: the process has ended");
	if (err)
		return cause__set(why, err, "cannot open the executable: %s%s", strerror(-err),
				  next_step(err));
	return 0;
}
