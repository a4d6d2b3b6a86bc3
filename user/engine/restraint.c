// SPDX-License-Identifier: BSD-2-Clause
#include "engine/restraint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/notes.h"
#include "census/census.h"

#define ADJ_MAX 1000 /* Linux include/uapi/linux/oom.h OOM_SCORE_ADJ_MAX */

/* A file that says one number; INT32_MIN: it cannot be read. */
static int read_adj(int dirfd, const char *name)
{
	scoped_fd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	char text[16];
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return INT32_MIN;
	text[n] = '\0';
	return (int)strtol(text, NULL, 10);
}

static void go_first(const struct proc *p)
{
	const int theirs = read_adj(proc__dirfd(p), "oom_score_adj");
	const int ours = read_adj(AT_FDCWD, "/proc/self/oom_score_adj"),
		  wanted = theirs < ADJ_MAX ? theirs + 1 : ADJ_MAX;
	scoped_fd int fd = -EBADF;

	if (theirs == INT32_MIN || ours >= wanted)
		return;
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%d", wanted) < 0)
		note_debug("oom_score_adj stays %d: %s", ours, strerror(errno));
}

static uint64_t goroutines(struct goproc *gp, const struct proc *p)
{
	uint64_t all = 0;

	for (size_t i = 0; i < goproc__nr_runtimes(gp); i++) {
		scoped_mem uint64_t *addrs = NULL;
		size_t nr = 0;

		if (!census__addrs(proc__mem(p), goproc__runtime(gp, i), &addrs, &nr))
			all += nr;
	}
	return all;
}

static void bound_memory(struct goproc *gp, const struct proc *p)
{
#ifndef __SANITIZE_ADDRESS__ /* it takes terabytes of address space for its shadow */
	struct rlimit most;
	uint64_t bytes;

	if (getrlimit(RLIMIT_AS, &most) || most.rlim_cur != RLIM_INFINITY)
		return;
	bytes = RESTRAINT_BYTES + RESTRAINT_GOROUTINE_BYTES * goroutines(gp, p);
	most.rlim_cur = bytes;
	if (setrlimit(RLIMIT_AS, &most))
		note_debug("memory is not bounded: %s", strerror(errno));
#else
	(void)gp;
	(void)p;
#endif
}

void restraint__apply(struct goproc *gp, const struct proc *p)
{
	go_first(p);
	bound_memory(gp, p);
}

void restraint__give_way(struct goproc *gp, const struct proc *p)
{
	if (getpriority(PRIO_PROCESS, 0) < RESTRAINT_NICE && goroutines(gp, p) > RESTRAINT_MANY)
		(void)setpriority(PRIO_PROCESS, 0, RESTRAINT_NICE);
}
