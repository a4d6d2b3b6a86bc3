/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"

#define KERNEL_MINOR_BITS 20         /* Linux include/linux/kdev_t.h MINORBITS */
#define PROC_STATUS_MAX   8192       /* bytes of /proc/PID/status that are read */
#define PF_KTHREAD        0x00200000 /* Linux include/linux/sched.h */
#define DELETED           " (deleted)"

struct proc {
	pid_t pid;
	int dirfd, pidfd;
	bool exe_deleted;
	uint64_t start_ticks;
	unsigned long start_stack; /* where the kernel put it: another place after each execve() */
	clockid_t cpu_clock;
	bool has_cpu_clock;
	struct mem mem;
	char comm[32], words[64];
	char exe[PATH_MAX], exe_shown[PATH_MAX];
};

/* Reads a small file of /proc/PID. *ret_len bytes and a NUL. */
static int proc__read_file(const struct proc *p, const char *name, char *buf, size_t size)
{
	scoped_fd int fd = openat(p->dirfd, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	while (len < size - 1) {
		ssize_t n = read(fd, buf + len, size - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
	return len ? 0 : -ESRCH;
}

/*
 * Value of a line "KEY:\tVALUE" of /proc/PID/status; NULL if it is not there. The line with the
 * name, which the target chooses, holds no newline.
 */
static const char *status_value(const char *status, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = status; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (!strncmp(line, key, len) && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

/*
 * err: what was met; whatever it is but a lack of descriptors, the right is missing. Root may lack it
 * too: in a container, or where a security module forbids it.
 */
static int cause_no_right(struct cause *why, const struct proc *p, int err)
{
	return cause__set(
		why, err == -EMFILE || err == -ENFILE ? err : -EACCES,
		"cannot read process %d ('%s'): Permission denied; needs CAP_SYS_PTRACE%s",
		(int)p->pid, p->comm,
		geteuid()
			? ", or run with sudo"
			: " in its user namespace, and a security module (AppArmor, SELinux, Yama) "
			  "that does not forbid it");
}

static int cause_ended(struct cause *why, const struct proc *p)
{
	return cause__set(why, -ESRCH, "process %d ('%s') has ended", (int)p->pid, p->comm);
}

static int proc__open_dir(struct proc *p, struct cause *why)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)p->pid);
	p->dirfd = p->pid > 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -ENOENT;
	if (p->dirfd >= 0)
		return 0;
	p->dirfd = -EBADF;
	if (errno == EMFILE || errno == ENFILE)
		return cause__set(why, -errno, "cannot open '%s': %s", path, strerror(errno));
	if (p->pid > 0 && kill(p->pid, 0) && errno == EPERM)
		return cause__set(
			why, -EACCES,
			"process %d is hidden (/proc is mounted with hidepid); run with sudo",
			(int)p->pid);
	return cause__set(why, -ESRCH,
			  "no process %d: it has ended, or its PID is of another PID namespace; "
			  "give the PID that ps shows here",
			  (int)p->pid);
}

/* A thread and a zombie have a /proc directory too. */
static int proc__check_status(struct proc *p, struct cause *why)
{
	char status[PROC_STATUS_MAX];
	const char *tgid, *state;
	size_t len;
	int err;

	err = proc__read_file(p, "comm", p->comm, sizeof(p->comm));
	if (err == -ESRCH)
		return cause_ended(why, p);
	len = strlen(p->comm);
	if (len && p->comm[len - 1] == '\n')
		p->comm[len - 1] = '\0';
	clean_text(p->comm);
	err = proc__read_file(p, "status", status, sizeof(status));
	if (err)
		return err == -ESRCH ? cause_ended(why, p) : cause_no_right(why, p, err);
	tgid = status_value(status, "Tgid");
	state = status_value(status, "State");
	if (tgid && atoi(tgid) != p->pid)
		return cause__set(why, -EINVAL,
				  "%d is a thread of process %d ('%s'); give the process: -p %d",
				  (int)p->pid, atoi(tgid), p->comm, atoi(tgid));
	if (state && (*state == 'Z' || *state == 'X') && !proc__alive(p))
		return cause_ended(why, p);
	return 0;
}

struct stat_line {
	char state;
	unsigned int flags;
	unsigned long long start_ticks; /* since the machine started */
	unsigned long start_stack;      /* 0 without the right to read the process */
};

/* /proc/PID/stat: "PID (COMM) STATE PPID PGRP SESSION TTY TPGID FLAGS ...", proc(5). */
static int proc__read_stat(const struct proc *p, struct stat_line *ret)
{
	char stat[1024];
	const char *paren;
	int err = proc__read_file(p, "stat", stat, sizeof(stat));

	if (err)
		return err;
	paren = strrchr(stat, ')'); /* COMM may hold anything */
	if (!paren || sscanf(paren,
			     ") %c %*d %*d %*d %*d %*d %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			     "%*s %*s %llu %*s %*s %*s %*s %*s %lu",
			     &ret->state, &ret->flags, &ret->start_ticks, &ret->start_stack) != 4)
		return -EBADMSG;
	return 0;
}

static bool proc__is_kernel_thread(const struct proc *p)
{
	struct stat_line st;

	return !proc__read_stat(p, &st) && (st.flags & PF_KTHREAD);
}

static int proc__read_exe(struct proc *p, struct cause *why)
{
	ssize_t len = readlinkat(p->dirfd, "exe", p->exe, sizeof(p->exe) - 1);
	size_t suffix = strlen(DELETED);

	if (len < 0 && (errno == EACCES || errno == EPERM))
		return cause_no_right(why, p, -errno);
	if (len < 0 && !proc__is_kernel_thread(p)) /* a process that is ending has none any more */
		return cause_ended(why, p);
	if (len < 0)
		return cause__set(
			why, -EOPNOTSUPP,
			"process %d ('%s') has no executable: it is a kernel thread; give the "
			"PID of a Go program",
			(int)p->pid, p->comm);
	p->exe[len] = '\0';
	if ((size_t)len > suffix && !strcmp(p->exe + len - suffix, DELETED)) {
		p->exe[(size_t)len - suffix] = '\0';
		p->exe_deleted = true;
	}
	clean(p->exe_shown, sizeof(p->exe_shown), p->exe);
	return 0;
}

/* The rights are asked for by the first access: an address that is never mapped tells, too. */
static int proc__check_memory(struct proc *p, struct cause *why)
{
	uint8_t byte;
	int err = addrspace__read(&p->mem.as, 0, &byte, sizeof(byte));

	if (err == 0 || err == -EFAULT)
		return 0;
	if (err == -ESRCH)
		return cause_ended(why, p);
	return cause_no_right(why, p, err);
}

int proc__open(pid_t pid, struct proc **ret, struct cause *why)
{
	scoped(proc) p = calloc(1, sizeof(*p));
	struct stat_line st;
	int err;

	if (!p)
		return -ENOMEM;
	p->pid = pid;
	p->dirfd = p->pidfd = -EBADF;
	mem__init(&p->mem, pid, -EBADF, -EBADF);
	err = proc__open_dir(p, why);
	if (err)
		return err;
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0) /* no such call, or a thread: check_status tells */
		p->pidfd = -EBADF;
	err = proc__check_status(p, why); /* after the pidfd: it is still this process */
	if (err)
		return err;
	err = proc__read_exe(p, why);
	if (err)
		return err;
	mem__init(&p->mem, pid, p->dirfd, p->pidfd);
	err = proc__check_memory(p, why);
	if (err)
		return err;
	err = proc__read_stat(p, &st);
	if (err)
		return err == -ESRCH ? cause_ended(why, p) : cause_no_right(why, p, err);
	p->start_ticks = st.start_ticks;
	p->start_stack = st.start_stack;
	p->has_cpu_clock = !clock_getcpuclockid(pid, &p->cpu_clock);
	*ret = steal(p);
	return 0;
}

void proc__free(struct proc *p)
{
	if (!p)
		return;
	mem__done(&p->mem);
	if (p->pidfd >= 0)
		close(p->pidfd);
	if (p->dirfd >= 0)
		close(p->dirfd);
	free(p);
}

pid_t proc__pid(const struct proc *p)
{
	return p->pid;
}

const char *proc__comm(const struct proc *p)
{
	return p->comm;
}

const char *proc__exe(const struct proc *p)
{
	return p->exe;
}

const char *proc__exe_shown(const struct proc *p)
{
	return p->exe_shown;
}

bool proc__exe_deleted(const struct proc *p)
{
	return p->exe_deleted;
}

int proc__dirfd(const struct proc *p)
{
	return p->dirfd;
}

int proc__pidfd(const struct proc *p)
{
	return p->pidfd;
}

bool proc__alive(const struct proc *p)
{
	struct pollfd pfd = { .fd = p->pidfd, .events = POLLIN };
	struct stat_line st;

	if (p->pidfd >= 0)
		return poll(&pfd, 1, 0) != 1;
	return !proc__read_stat(p, &st) && st.state != 'Z' && st.state != 'X';
}

bool proc__executed(const struct proc *p)
{
	struct stat_line st;

	return !proc__read_stat(p, &st) && st.start_stack != p->start_stack;
}

bool proc__stopped(const struct proc *p)
{
	struct stat_line st;

	return !proc__read_stat(p, &st) && (st.state == 'T' || st.state == 't');
}

uint64_t proc__start_ticks(const struct proc *p)
{
	return p->start_ticks;
}

bool proc__traced(const struct proc *p)
{
	char status[PROC_STATUS_MAX];
	const char *tracer;

	if (proc__read_file(p, "status", status, sizeof(status)))
		return false;
	tracer = status_value(status, "TracerPid");
	return tracer && strtoul(tracer, NULL, 10);
}

uint64_t proc__cpu_ns(const struct proc *p)
{
	const uint64_t ns = p->has_cpu_clock ? clock_ns(p->cpu_clock) : 0;

	return proc__alive(p) ? ns : 0;
}

int proc__number(const struct proc *p, struct proc_number *ret)
{
	char status[PROC_STATUS_MAX], *next;
	const char *numbers;
	struct stat ns;
	int err = proc__read_file(p, "status", status, sizeof(status));
	long nr = p->pid;

	if (err)
		return err;
	if (fstatat(p->dirfd, "ns/pid", &ns, 0))
		return errno == ENOENT ? -ESRCH : -errno;
	/* one for each namespace that it is in, the innermost last */
	numbers = status_value(status, "NSpid");
	for (const char *at = numbers; at && *at >= '0' && *at <= '9';
	     at = next + strspn(next, "\t"))
		nr = strtol(at, &next, 10);
	*ret = (struct proc_number){
		.ns_dev = (uint64_t)major(ns.st_dev) << KERNEL_MINOR_BITS | minor(ns.st_dev),
		.ns_ino = ns.st_ino,
		.pid = (pid_t)nr,
	};
	return 0;
}

unsigned int proc__threads(const struct proc *p)
{
	char status[PROC_STATUS_MAX];
	const char *threads;

	if (proc__read_file(p, "status", status, sizeof(status)))
		return 0;
	threads = status_value(status, "Threads");
	return threads ? (unsigned int)strtoul(threads, NULL, 10) : 0;
}

const struct addrspace *proc__mem(const struct proc *p)
{
	return &p->mem.as;
}

void proc__limit(struct proc *p, struct deadline *until)
{
	p->mem.until = until;
}

bool proc__cut(const struct proc *p)
{
	return p->mem.until && p->mem.until->hit;
}

const char *proc__words(struct proc *p, int err)
{
	if (err != -ESRCH)
		return strerror(-err);
	if (!proc__cut(p))
		return "it has ended";
	if (p->mem.until->stopped)
		return "ended by a signal";
	snprintf(p->words, sizeof(p->words), "it was not done within %.3g s, and was cut short",
		 (double)p->mem.until->most_ns / NS_PER_SEC);
	return p->words;
}
