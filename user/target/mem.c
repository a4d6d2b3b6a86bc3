/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/heart.h"

#define MEM_IOV_MAX 1024 /* UIO_MAXIOV of the kernel */

/* Opens the fallback. 0, or the errno that reading has from now on. */
static int mem__fall_back(struct mem *m)
{
	if (m->fd >= 0)
		return 0;
	m->fd = openat(m->dirfd, "mem", O_RDONLY | O_CLOEXEC);
	if (m->fd >= 0)
		return 0;
	m->fd = -EBADF;
	if (errno == ENOENT || errno == ESRCH)
		return -ESRCH;
	return errno == EPERM ? -EACCES : -errno;
}

static int mem__pread(struct mem *m, uint64_t addr, void *buf, size_t len)
{
	size_t done = 0;

	if (addr > INT64_MAX - len)
		return -EFAULT;
	while (done < len) {
		ssize_t n = pread(m->fd, (char *)buf + done, len - done, (off_t)(addr + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -EFAULT;
		if (n == 0) /* the address space is gone */
			return -ESRCH;
		done += (size_t)n;
	}
	return 0;
}

static void memreads_fail(struct memread *reads, size_t nr, int err)
{
	for (size_t i = 0; i < nr; i++)
		reads[i].err = err;
}

static void mem__pread_batch(struct mem *m, struct memread *reads, size_t nr)
{
	int err = mem__fall_back(m);

	if (err) {
		memreads_fail(reads, nr, err);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		reads[i].err = deadline__over(m->until) ? -ESRCH
			       : reads[i].len > MEM_READ_MAX
				       ? -EFAULT
				       : mem__pread(m, reads[i].addr, reads[i].buf, reads[i].len);
}

/* Of reads that were asked for in one call, how many the n bytes that came fill. */
static size_t memreads_filled(const struct memread *reads, size_t nr, size_t n)
{
	size_t i;

	for (i = 0; i < nr && reads[i].len <= n; i++)
		n -= reads[i].len;
	return i;
}

/* One call for the first of reads. Returns how many have their err now, at least 1; or < 0. */
static ssize_t mem__readv(const struct mem *m, struct memread *reads, size_t nr)
{
	struct iovec local[MEM_IOV_MAX], remote[MEM_IOV_MAX];
	size_t want = 0, filled, k;
	ssize_t n;

	if (reads[0].len > MEM_READ_MAX) {
		reads[0].err = -EFAULT;
		return 1;
	}
	for (k = 0; k < nr && k < MEM_IOV_MAX; k++) {
		if (want + reads[k].len > MEM_READ_MAX)
			break;
		want += reads[k].len;
		local[k] = (struct iovec){ reads[k].buf, reads[k].len };
		remote[k] = (struct iovec){ (void *)(uintptr_t)reads[k].addr, reads[k].len };
	}
	do {
		n = process_vm_readv(m->pid, local, k, remote, k, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EFAULT)
		return -errno;
	filled = memreads_filled(reads, k, n < 0 ? 0 : (size_t)n);
	memreads_fail(reads, filled, 0);
	if (filled == k)
		return (ssize_t)k;
	reads[filled].err = -EFAULT; /* the kernel stops at the first piece that it cannot read */
	return (ssize_t)filled + 1;
}

static void mem__readv_batch(struct mem *m, struct memread *reads, size_t nr)
{
	while (nr) {
		ssize_t done = deadline__over(m->until) ? -ESRCH : mem__readv(m, reads, nr);

		if (done == -ESRCH) {
			memreads_fail(reads, nr, -ESRCH);
			return;
		}
		if (done < 0) {
			mem__pread_batch(m, reads, nr);
			return;
		}
		reads += done;
		nr -= (size_t)done;
	}
}

/* process_vm_readv() goes by PID: if ours ended, what was read may be of the next that has it. */
static bool mem__ended(const struct mem *m)
{
	struct pollfd pfd = { .fd = m->pidfd, .events = POLLIN };

	return m->pidfd >= 0 && poll(&pfd, 1, 0) == 1;
}

static void mem__read_batch(const struct addrspace *as, struct memread *reads, size_t nr)
{
	/* the fallback's descriptor is all that changes */
	struct mem *m = (struct mem *)(uintptr_t)as;

	heart__beat();
	if (m->fd >= 0) {
		mem__pread_batch(m, reads, nr);
		return;
	}
	mem__readv_batch(m, reads, nr);
	if (mem__ended(m))
		memreads_fail(reads, nr, -ESRCH);
}

static int mem__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	struct memread one = { .addr = addr, .buf = buf, .len = len };

	mem__read_batch(as, &one, 1);
	return one.err;
}

void mem__init(struct mem *m, pid_t pid, int dirfd, int pidfd)
{
	m->as.read = mem__read;
	m->as.read_batch = mem__read_batch;
	m->pid = pid;
	m->fd = -EBADF;
	m->dirfd = dirfd;
	m->pidfd = pidfd;
	m->until = NULL;
}

void mem__done(struct mem *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -EBADF;
}
