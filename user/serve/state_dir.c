// SPDX-License-Identifier: BSD-2-Clause
#include "serve/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/rights.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The folder of that name in `in`, made if it is not there. Its owner is us, or `owner`. */
static int open_own(int in, const char *name, uid_t owner, int *ret)
{
	struct stat st;
	scoped_fd int fd = -1;

	if (mkdirat(in, name, 0700) && errno != EEXIST)
		return -errno;
	fd = openat(in, name, OPEN_DIR);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if ((st.st_uid != geteuid() && st.st_uid != owner) || st.st_mode & 077)
		return -EPERM;
	if (st.st_uid != owner && fchown(fd, owner, (gid_t)owner))
		return -errno;
	*ret = fd;
	fd = -1;
	return 0;
}

int state_dir__open(const char *dir, int *ret_fd, struct cause *why)
{
	const uid_t us = geteuid(), supervisor = rights_user();
	scoped_fd int top = -1, history = -1;
	int err = 0;

	if (mkdir(dir, 0755) && errno != EEXIST)
		err = -errno;
	if (!err) {
		top = open(dir, OPEN_DIR & ~O_NOFOLLOW); /* systemd's is a link */
		err = top < 0 ? -errno : 0;
	}
	if (!err)
		err = open_own(top, "history", us, &history);
	if (!err)
		err = open_own(history, "segments", supervisor, ret_fd);
	if (!err)
		return 0;
	return cause__set(why, err, "cannot keep history in '%s': %s; give --state-dir DIR", dir,
			  err == -EPERM ? "another user made what is there, or may read it"
			  : err == -ENOTDIR || err == -ELOOP ? "it is no folder, or a symbolic link"
							     : strerror(-err));
}

int state_dir__open_read(const char *dir, int *ret_fd, struct cause *why)
{
	scoped_fd int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = top < 0 ? -errno : 0;

	if (!err) {
		*ret_fd = openat(top, "history/segments", OPEN_DIR);
		err = *ret_fd < 0 ? -errno : 0;
	}
	if (!err)
		return 0;
	return cause__set(why, err, "cannot read history in '%s': %s%s", dir, strerror(-err),
			  err == -ENOENT   ? "; 'parkwatch serve --state-dir DIR' keeps it"
			  : err == -EACCES ? "; try as root"
					   : "");
}
