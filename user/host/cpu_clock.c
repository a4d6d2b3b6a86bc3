// SPDX-License-Identifier: BSD-2-Clause
#include "host/cpu_clock.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

struct cpu_clock {
	size_t nr;
	int fds[]; /* one for each processor that has one */
};

/* -ENODEV: this processor is off. */
static int open_on(int cpu, int prog_fd, uint32_t hz, int *ret)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = NS_PER_SEC / hz,
		.disabled = 1,
	};
	scoped_fd int fd =
		(int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd) ||
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	*ret = fd;
	fd = -EBADF;
	return 0;
}

int cpu_clock__open(int prog_fd, uint32_t hz, struct cpu_clock **ret)
{
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);
	scoped(cpu_clock) c =
		cpus > 0 ? calloc(1, sizeof(*c) + (size_t)cpus * sizeof(c->fds[0])) : NULL;
	int err = 0;

	if (!c)
		return -ENOMEM;
	for (int cpu = 0; cpu < cpus && (!err || err == -ENODEV); cpu++) {
		err = open_on(cpu, prog_fd, hz, &c->fds[c->nr]);
		c->nr += !err;
	}
	if (err && (err != -ENODEV || !c->nr))
		return err;
	*ret = steal(c);
	return 0;
}

void cpu_clock__free(struct cpu_clock *c)
{
	for (size_t i = 0; c && i < c->nr; i++)
		close(c->fds[i]);
	free(c);
}

void cpu_clock__set(struct cpu_clock *c, uint32_t hz)
{
	uint64_t period_ns = NS_PER_SEC / hz;

	for (size_t i = 0; i < c->nr; i++)
		(void)ioctl(c->fds[i], PERF_EVENT_IOC_PERIOD, &period_ns);
}
