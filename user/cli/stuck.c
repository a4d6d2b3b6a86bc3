// SPDX-License-Identifier: BSD-2-Clause
#include "cli/stuck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/cleanup.h"

/* no system call: a page of a file that is mapped */
#define PAGE_FAULT (-1L)
#define PIECES_MAX 1024  /* UIO_MAXIOV of the kernel */
#define PAGES_MAX  16384 /* of one call: 64 MB */
/* present or swapped: Linux Documentation/admin-guide/mm/pagemap.rst */
#define PAGE_IS_HERE (UINT64_C(3) << 62)

static const long reading[] = {
	PAGE_FAULT, SYS_process_vm_readv, SYS_pread64,    SYS_read,
	SYS_openat, SYS_readlinkat,       SYS_newfstatat, SYS_statx,
	SYS_fstat,  SYS_getdents64,       SYS_close,
#ifdef SYS_open
	SYS_open,   SYS_readlink,         SYS_stat,
#endif
};
static const long writing[] = { SYS_write,     SYS_writev, SYS_fsync,
				SYS_fdatasync, SYS_linkat, SYS_renameat2 };

static bool is_one_of(long call, const long *calls, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (calls[i] == call)
			return true;
	return false;
}

/* A file of /proc, which is read in one go. Returns its length; < 0: there is none. */
static ssize_t slurp(const char *path, char *buf, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

/* How often it has gone to sleep so far: it woke each time but the last. */
static unsigned long long sleeps_of(pid_t thread)
{
	static const char name[] = "\nvoluntary_ctxt_switches:";
	char path[64], text[4096];
	const char *at;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)thread);
	at = slurp(path, text, sizeof(text)) > 0 ? strstr(text, name) : NULL;
	return at ? strtoull(at + sizeof(name) - 1, NULL, 10) : 0;
}

void stuck__init(struct stuck *s, pid_t thread)
{
	*s = (struct stuck){ .thread = thread };
}

/* Argument i of the call. */
static uint64_t argument(const struct stuck *s, unsigned int i)
{
	const char *at = s->wait;

	for (unsigned int k = 0; k <= i && at; k++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(at, NULL, 16) : 0;
}

/* A pipe with a name that we write to waits for somebody to open it too. */
static bool opens_to_write(const struct stuck *s, long call)
{
	return call == SYS_openat && (argument(s, 2) & O_ACCMODE) != O_RDONLY;
}

enum stuck_state stuck__ask(struct stuck *s)
{
	char path[64], wait[sizeof(s->wait)], *end;
	const unsigned long long woken = sleeps_of(s->thread);
	ssize_t n;
	long call;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)s->thread);
	n = slurp(path, wait, sizeof(wait));
	call = n > 0 ? strtol(wait, &end, 10) : 0;
	if (n <= 0 || end == wait) { /* it runs */
		s->asks = s->turns = 0;
		return STUCK_NOT;
	}
	if (strcmp(s->wait, wait))
		s->asks = s->turns = 0;
	if (s->woken != woken)
		s->asks = 0;
	s->asks++;
	s->turns++;
	s->woken = woken;
	memcpy(s->wait, wait, sizeof(wait));
	if (is_one_of(call, writing, ARRAY_SIZE(writing)) || opens_to_write(s, call))
		return STUCK_WRITES;
	return is_one_of(call, reading, ARRAY_SIZE(reading)) ? STUCK_READS : STUCK_NOT;
}

/* --- words --- */

/* The first page that is asked for and not there: those before it were read. 0: all are there. */
static uint64_t missing_page(int pagemap, const struct iovec *pieces, size_t nr)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t asked = 0;

	for (size_t i = 0; i < nr; i++) {
		const uint64_t from = (uint64_t)(uintptr_t)pieces[i].iov_base;

		for (uint64_t at = from / page * page;
		     at < from + pieces[i].iov_len && asked < PAGES_MAX; at += page, asked++) {
			uint64_t entry;

			if (pread(pagemap, &entry, sizeof(entry),
				  (off_t)(at / page * sizeof(entry))) != sizeof(entry))
				return 0;
			if (!(entry & PAGE_IS_HERE))
				return at;
		}
	}
	return 0;
}

/* The thread is in the call: its arguments, which lie in our own memory, stay as they are. */
static uint64_t awaited_page(const struct stuck *s, pid_t target)
{
	const struct iovec *pieces = (const struct iovec *)(uintptr_t)argument(s, 3);
	const uint64_t nr = argument(s, 4);
	uint64_t at = 0;
	char path[64];
	int fd;

	if (!pieces || !nr || nr > PIECES_MAX)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)target);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		at = missing_page(fd, pieces, nr);
		close(fd);
	}
	return at ? at : (uint64_t)(uintptr_t)pieces[0].iov_base;
}

void stuck__describe(const struct stuck *s, pid_t target, char *buf, size_t size)
{
	const long call = strtol(s->wait, NULL, 10);
	char link[64], path[512];
	ssize_t n;

	if (call == SYS_process_vm_readv) {
		snprintf(buf, size, "the page of pid %d at 0x%llx", (int)target,
			 (unsigned long long)awaited_page(s, target));
		return;
	}
	if (call == SYS_read || call == SYS_pread64) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", (int)argument(s, 0));
		n = readlink(link, path, sizeof(path) - 1);
		path[n > 0 ? n : 0] = '\0';
		clean_text(path);
		snprintf(buf, size, "the file '%.200s'", path);
		return;
	}
	snprintf(buf, size, call == PAGE_FAULT ? "a page of a file of pid %d" : "a file of pid %d",
		 (int)target);
}
