// SPDX-License-Identifier: BSD-2-Clause
#include "host/recorders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/notes.h"

#define FILE_NAME "recorders"

/* One slot of the file; only who holds its lock writes it, others read it. */
struct slot {
	uint64_t target_start;    /* as proc__start_ticks() */
	int32_t target, recorder; /* PIDs */
};

struct recorders {
	const struct proc *proc; /* borrowed */
	int fd;                  /* -EBADF: nobody can be asked */
	size_t mine;
	unsigned int sharers;
	uint64_t asked_ns;
};

static struct flock lock_of(size_t slot, short type)
{
	return (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(slot * sizeof(struct slot)),
		.l_len = sizeof(struct slot),
	};
}

/* Who may read a file may hold locks of it. */
static bool is_ours_alone(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IRWXG | S_IRWXO));
}

/* What others could open before makes place for a new one. */
static int open_in(int dir)
{
	for (int i = 0; i < 2; i++) {
		scoped_fd int fd =
			openat(dir, FILE_NAME,
			       O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		int ours = fd;

		if (fd < 0 && errno != ELOOP)
			return -errno;
		if (is_ours_alone(fd)) {
			fd = -EBADF;
			return ours;
		}
		if (unlinkat(dir, FILE_NAME, 0) && errno != ENOENT)
			return -errno;
	}
	return -EPERM;
}

/* Nobody but us may write there: what the file says is believed. */
static int open_file(void)
{
	scoped_fd int dir = -EBADF;
	struct stat st;

	if (mkdir(RECORDERS_DIR, 0700) && errno != EEXIST)
		return -errno;
	dir = open(RECORDERS_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	if (fstat(dir, &st))
		return -errno;
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return open_in(dir);
}

static int recorders__take_slot(struct recorders *r)
{
	const struct slot s = {
		.target_start = proc__start_ticks(r->proc),
		.target = (int32_t)proc__pid(r->proc),
		.recorder = (int32_t)getpid(),
	};

	for (r->mine = 0; r->mine < RECORDERS_MAX; r->mine++) {
		struct flock l = lock_of(r->mine, F_WRLCK);

		if (!fcntl(r->fd, F_OFD_SETLK, &l))
			return pwrite(r->fd, &s, sizeof(s), (off_t)(r->mine * sizeof(s))) ==
					       (ssize_t)sizeof(s)
				       ? 0
				       : -EIO;
		if (errno != EAGAIN && errno != EACCES)
			return -EIO;
	}
	return -ENOSPC;
}

/* Nobody can be asked: no space, a limit of file size, no locks there. */
static void recorders__give_up(struct recorders *r, int err)
{
	note_debug("who else records is not known: %s: %s", RECORDERS_DIR, strerror(-err));
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -EBADF;
}

static bool recorders__holds(const struct recorders *r, size_t slot)
{
	struct flock l = lock_of(slot, F_WRLCK);

	return !fcntl(r->fd, F_OFD_GETLK, &l) && l.l_type != F_UNLCK;
}

/* *ret_first: one of the others. */
static unsigned int recorders__count(const struct recorders *r, int32_t *ret_first)
{
	struct slot slots[RECORDERS_MAX];
	const ssize_t n = pread(r->fd, slots, sizeof(slots), 0);
	unsigned int nr = 0;

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(*slots); i++)
		if (i != r->mine && slots[i].target == (int32_t)proc__pid(r->proc) &&
		    slots[i].target_start == proc__start_ticks(r->proc) && recorders__holds(r, i)) {
			if (!nr++)
				*ret_first = slots[i].recorder;
		}
	return nr;
}

int recorders__join(const struct proc *p, struct recorders **ret)
{
	__attribute__((cleanup(recorders__leavep))) struct recorders *r = calloc(1, sizeof(*r));
	int32_t first = 0;
	int err;

	if (!r)
		return -ENOMEM;
	r->proc = p;
	r->sharers = 1;
	r->fd = open_file();
	err = r->fd < 0 ? r->fd : recorders__take_slot(r);
	if (err == -ENOSPC && r->fd >= 0)
		return err;
	if (err) {
		recorders__give_up(r, err);
	} else {
		r->sharers += recorders__count(r, &first);
		r->asked_ns = clock_now_ns();
	}
	if (r->sharers > 1)
		note_info("%u more look%s at '%s' (pid %d) with probes, pid %d is one; all share "
			  "the limit of what probes may cost",
			  r->sharers - 1, r->sharers == 2 ? "s" : "", proc__comm(p),
			  (int)proc__pid(p), (int)first);
	*ret = steal(r);
	return 0;
}

void recorders__leave(struct recorders *r)
{
	if (r && r->fd >= 0)
		close(r->fd);
	free(r);
}

unsigned int recorders__sharers(struct recorders *r)
{
	const uint64_t now = clock_now_ns();
	int32_t first;

	if (r->fd >= 0 && now - r->asked_ns >= RECORDERS_ASK_NS) {
		r->sharers = 1 + recorders__count(r, &first);
		r->asked_ns = now;
	}
	return r->sharers;
}

bool recorders__alone(const struct recorders *r)
{
	int32_t first;

	return r && r->fd >= 0 && !recorders__count(r, &first);
}
