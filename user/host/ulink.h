/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ulink: one uprobe attachment, by any of the three methods that kernels have.
 *
 * Thin over bpf(2) and perf_event_open(2): a program's fd, a file, offsets in it, a process. pid is
 * always a process's id (TGID): a perf event on a thread's id stops for all threads when that
 * thread ends.
 */
#ifndef PARKWATCH_HOST_ULINK_H
#define PARKWATCH_HOST_ULINK_H

#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>
#include <sys/types.h>

/* enum bpf_attach_type BPF_TRACE_UPROBE_MULTI: Linux 6.6; the headers of Debian 12 are older */
#define ULINK_MULTI_TYPE 48

enum attach_method { ATTACH_AUTO, ATTACH_MULTI, ATTACH_PERF_LINK, ATTACH_PERF_IOCTL };
const char *
attach_method_name(enum attach_method w); /* "auto", "uprobe-multi", "perf-link", "perf-ioctl" */

struct ulink {
	int fd;      /* bpf_link, or -EBADF */
	int perf_fd; /* perf event, or -EBADF */
};
#define ULINK_NONE                                                                                 \
	{                                                                                          \
		.fd = -EBADF, .perf_fd = -EBADF                                                    \
	}

struct uplace { /* nr places in one file */
	const char *path;
	const unsigned long *offsets;
	const __u64 *cookies;
	uint32_t nr; /* 1 for the perf methods */
};

/* 0 or negative errno as the kernel gave it. ATTACH_PERF_IOCTL has no cookies. */
int ulink__open(enum attach_method method, int prog_fd, pid_t pid, const struct uplace *where,
		struct ulink *ret);
/* Twice is fine. Takes 20 to 200 ms: the kernel waits for programs to end. */
void ulink__close(struct ulink *l);
/* Closes all at the same time. Signals wait until it is done: see probe/probe_holder. */
void ulinks__close(struct ulink *links, size_t nr);

#endif
