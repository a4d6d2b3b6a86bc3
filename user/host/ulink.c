/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/ulink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"

#define CLOSER_STACK (64u << 10) /* of a thread that closes a link: our memory may be bounded */

#define UPROBE_PMU_TYPE "/sys/bus/event_source/devices/uprobe/type"

const char *attach_method_name(enum attach_method w)
{
	static const char *const names[] = { "auto", "uprobe-multi", "perf-link", "perf-ioctl" };

	return (unsigned int)w < ARRAY_SIZE(names) ? names[w] : "?";
}

/* Number of the uprobe PMU, given out at boot. */
static int uprobe_pmu_type(uint32_t *ret)
{
	char buf[16];
	scoped_fd int fd = open(UPROBE_PMU_TYPE, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return -EIO;
	buf[n] = '\0';
	*ret = (uint32_t)strtoul(buf, NULL, 10);
	return 0;
}

static int perf_event(pid_t pid, const char *path, uint64_t offset)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.config1 = (uint64_t)(uintptr_t)path,
		.config2 = offset,
	};
	int err = uprobe_pmu_type(&attr.type);
	int fd;

	if (err)
		return err;
	fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_multi(int prog_fd, pid_t pid, const struct uplace *where, struct ulink *ret)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd;

	opts.uprobe_multi.path = where->path;
	opts.uprobe_multi.offsets = where->offsets;
	opts.uprobe_multi.cookies = where->cookies;
	opts.uprobe_multi.cnt = where->nr;
	opts.uprobe_multi.pid = (uint32_t)pid;
	fd = bpf_link_create(prog_fd, 0, (enum bpf_attach_type)ULINK_MULTI_TYPE, &opts);
	if (fd < 0)
		return fd;
	*ret = (struct ulink){ .fd = fd, .perf_fd = -EBADF };
	return 0;
}

static int open_perf(enum attach_method method, int prog_fd, pid_t pid, const struct uplace *where,
		     struct ulink *ret)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	struct ulink l = ULINK_NONE;
	int err = 0;

	l.perf_fd = perf_event(pid, where->path, where->offsets[0]);
	if (l.perf_fd < 0)
		return l.perf_fd;
	if (method == ATTACH_PERF_LINK) {
		opts.perf_event.bpf_cookie = where->cookies[0];
		l.fd = bpf_link_create(prog_fd, l.perf_fd, BPF_PERF_EVENT, &opts);
		err = l.fd < 0 ? l.fd : 0;
	} else if (ioctl(l.perf_fd, PERF_EVENT_IOC_SET_BPF, prog_fd) ||
		   ioctl(l.perf_fd, PERF_EVENT_IOC_ENABLE, 0)) {
		err = -errno;
	}
	if (err) {
		ulink__close(&l);
		return err;
	}
	*ret = l;
	return 0;
}

int ulink__open(enum attach_method method, int prog_fd, pid_t pid, const struct uplace *where,
		struct ulink *ret)
{
	if (method == ATTACH_MULTI)
		return open_multi(prog_fd, pid, where, ret);
	if (where->nr != 1)
		return -EINVAL;
	return open_perf(method, prog_fd, pid, where, ret);
}

void ulink__close(struct ulink *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->perf_fd >= 0)
		close(l->perf_fd);
	l->fd = l->perf_fd = -EBADF;
}

static void *close_one(void *arg)
{
	ulink__close(arg);
	return NULL;
}

void ulinks__close(struct ulink *links, size_t nr)
{
	scoped_mem pthread_t *threads = calloc(nr ? nr : 1, sizeof(*threads));
	sigset_t all, before;
	pthread_attr_t attr;
	size_t begun = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CLOSER_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (threads && begun < nr &&
	       !pthread_create(&threads[begun], &attr, close_one, &links[begun]))
		begun++;
	for (size_t i = begun; i < nr; i++)
		ulink__close(&links[i]);
	for (size_t i = 0; i < begun; i++)
		pthread_join(threads[i], NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}
