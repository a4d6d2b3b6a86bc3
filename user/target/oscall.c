// SPDX-License-Identifier: BSD-2-Clause
#include "target/oscall.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/vec.h"

#define THREADS_MAX 65536
#define STATUS_MAX  4096

struct named_call {
	long nr;
	const char *name;
	bool fd;
};

#define CALL(name)                                                                                 \
	{                                                                                          \
		SYS_##name, #name, false                                                           \
	}
#define CALL_FD(name)                                                                              \
	{                                                                                          \
		SYS_##name, #name, true                                                            \
	}
static const struct named_call calls[] = {
	CALL_FD(accept),
	CALL_FD(accept4),
	CALL(brk),
	CALL(clock_nanosleep),
	CALL(clone),
	CALL_FD(close),
	CALL_FD(connect),
	CALL_FD(copy_file_range),
	CALL(epoll_pwait),
	CALL_FD(fallocate),
	CALL_FD(fcntl),
	CALL_FD(fdatasync),
	CALL_FD(flock),
	CALL_FD(fstat),
	CALL_FD(fsync),
	CALL_FD(ftruncate),
	CALL(futex),
	CALL_FD(getdents64),
	CALL_FD(getsockopt),
	CALL_FD(ioctl),
	CALL(io_getevents),
	CALL(io_uring_enter),
	CALL(linkat),
	CALL_FD(lseek),
	CALL(madvise),
	CALL(mkdirat),
	CALL(mmap),
	CALL(mount),
	CALL(mprotect),
	CALL(msync),
	CALL(munmap),
	CALL(nanosleep),
	CALL(newfstatat),
	CALL(openat),
	CALL(ppoll),
	CALL_FD(pread64),
	CALL_FD(preadv),
	CALL(pselect6),
	CALL_FD(pwrite64),
	CALL_FD(pwritev),
	CALL_FD(read),
	CALL(readlinkat),
	CALL_FD(readv),
	CALL_FD(recvfrom),
	CALL_FD(recvmmsg),
	CALL_FD(recvmsg),
	CALL(renameat),
	CALL(renameat2),
	CALL(rt_sigtimedwait),
	CALL(sched_yield),
	CALL_FD(sendfile),
	CALL_FD(sendmmsg),
	CALL_FD(sendmsg),
	CALL_FD(sendto),
	CALL_FD(setsockopt),
	CALL_FD(splice),
	CALL(statfs),
	CALL(statx),
	CALL(sync),
	CALL_FD(sync_file_range),
	CALL_FD(syncfs),
	CALL(unlinkat),
	CALL(wait4),
	CALL(waitid),
	CALL_FD(write),
	CALL_FD(writev),
#ifdef SYS_poll /* calls of x86-64 that later machines have not */
	CALL(access),
	CALL(epoll_wait),
	CALL(fork),
	CALL(link),
	CALL(lstat),
	CALL(mkdir),
	CALL(open),
	CALL(pause),
	CALL(poll),
	CALL(readlink),
	CALL(rename),
	CALL(rmdir),
	CALL(select),
	CALL(stat),
	CALL(unlink),
	CALL(vfork),
#endif
};

const char *oscall_name(long nr, bool *ret_fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].nr != nr)
			continue;
		*ret_fd = calls[i].fd;
		return calls[i].name;
	}
	*ret_fd = false;
	return NULL;
}

/* Linux fs/proc/base.c proc_pid_syscall: "NR 0xARG ... SP PC", "-1 SP PC", "running". */
int oscall_parse(const char *text, struct oscall *ret)
{
	struct oscall c;
	char *end, *arg;

	if (!strncmp(text, "running", strlen("running")))
		return -EAGAIN;
	errno = 0;
	c.nr = strtol(text, &end, 10);
	if (end == text || *end != ' ' || errno)
		return -EBADMSG;
	if (c.nr < 0)
		return -ENOENT;
	c.arg = strtoull(end + 1, &arg, 16);
	if (arg == end + 1 || *arg != ' ' || errno)
		return -EBADMSG;
	*ret = c;
	return 0;
}

/* A whole file of a thread; 0, -ESRCH, -EACCES. */
static int read_of_thread(int dirfd, pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];
	scoped_fd int fd = -EBADF;
	ssize_t n;

	snprintf(path, sizeof(path), "task/%d/%s", (int)tid, name);
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (n < 0)
		return errno == EACCES || errno == EPERM ? -EACCES : -ESRCH;
	text[n] = 0;
	return n ? 0 : -ESRCH;
}

int oscall_of(const struct proc *p, pid_t tid, struct oscall *ret)
{
	char text[256];
	int err = read_of_thread(proc__dirfd(p), tid, "syscall", text, sizeof(text));

	return err ? err : oscall_parse(text, ret);
}

/* --- threads of a PID namespace --- */

/* One number for each namespace that it is in, the innermost last. 0: none is told. */
static pid_t own_number(const char *status)
{
	const char *at = strstr(status, "\nNSpid:");
	long nr = 0;
	char *next;

	if (!at)
		return 0;
	for (at += strlen("\nNSpid:"), at += strspn(at, " \t"); *at >= '0' && *at <= '9';
	     at = next + strspn(next, " \t"))
		nr = strtol(at, &next, 10);
	return (pid_t)nr;
}

static int by_own(const void *a, const void *b)
{
	const struct thread_number *x = a, *y = b;

	return x->own < y->own ? -1 : x->own > y->own;
}

int thread_numbers(const struct proc *p, struct thread_number **ret, size_t *ret_nr)
{
	const int fd = openat(proc__dirfd(p), "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	scoped_mem struct thread_number *v = NULL;
	size_t nr = 0, room = 0;
	char status[STATUS_MAX];
	int err = 0;

	if (!dir) {
		err = errno == EACCES ? -EACCES : -ESRCH;
		if (fd >= 0)
			close(fd);
		return err;
	}
	for (struct dirent *e = readdir(dir); e && !err && nr < THREADS_MAX; e = readdir(dir)) {
		const pid_t here = (pid_t)strtol(e->d_name, NULL, 10);

		if (here <= 0 ||
		    read_of_thread(proc__dirfd(p), here, "status", status, sizeof(status)))
			continue;
		err = vec__reserve(&v, &room, nr + 1, sizeof(*v));
		if (!err)
			v[nr++] = (struct thread_number){ own_number(status), here };
	}
	closedir(dir);
	if (err)
		return err;
	if (nr)
		qsort(v, nr, sizeof(*v), by_own);
	*ret = steal(v);
	*ret_nr = nr;
	return 0;
}

pid_t thread_here(const struct thread_number *v, size_t nr, pid_t own)
{
	const struct thread_number like = { .own = own },
				   *found = nr ? bsearch(&like, v, nr, sizeof(*v), by_own) : NULL;

	return found ? found->here : 0;
}
