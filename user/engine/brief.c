// SPDX-License-Identifier: BSD-2-Clause
#include "engine/brief.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "engine/target.h"
#include "target/cgroup.h"
#include "target/pod_names.h"
#include "view/dump.h"

/* Its runtime may not be there yet: what cannot be read is read again. */
#define BRIEF_YOUNG_NS (10 * NS_PER_SEC)

static void count(struct process_row *row, const struct target *t, struct deadline *until)
{
	struct census *cs[GOPROC_RUNTIMES_MAX] = { NULL };
	const struct dump_input in = { .censuses = (const struct census *const *)cs,
				       .namers = t->namers,
				       .nr = t->nr };
	scoped(dump) d = NULL;
	int err = 0;

	for (size_t i = 0; i < t->nr && !err; i++)
		err = census__read_until(proc__mem(t->proc), goproc__runtime(t->gp, i), 1, until,
					 &cs[i]);
	if (!err)
		err = dump__new(&in, &(struct dump_opts){ .system = false }, &d);
	if (err)
		(void)cause__set(&row->why, err, "its goroutines cannot be read: %s",
				 proc__words(t->proc, err));
	if (d) {
		row->goroutines = d->nr;
		row->at_least = d->counts.not_read || d->counts.refused;
	}
	dump__free(steal(d));
	for (size_t i = 0; i < t->nr; i++)
		census__free(cs[i]);
}

static uint64_t age_ns(const struct proc *p)
{
	const uint64_t now = clock_ns(CLOCK_BOOTTIME),
		       started =
			       proc__start_ticks(p) * (NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));

	return now > started ? now - started : 0;
}

bool brief_pod_names(struct process_row *row)
{
	struct pod_names n;

	if (!row->pod[0] || row->pod_name[0] ||
	    !pod_names_find(POD_NAMES_FOLDER, row->container, &n))
		return false;
	memcpy(row->pod_name, n.pod, sizeof(n.pod));
	memcpy(row->pod_namespace, n.namespace, sizeof(n.namespace));
	memcpy(row->container_name, n.container, sizeof(n.container));
	return true;
}

const char *brief_pod_names_folder(void)
{
	return POD_NAMES_FOLDER;
}

bool brief_is_in_container(pid_t pid)
{
	struct cgroup in = { .container = "" };
	char path[32];
	scoped_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		cgroup_read(fd, &in);
	return in.container[0];
}

/* What needs no look into its memory. */
static void describe(struct process_row *row, struct proc *p)
{
	struct cgroup in;
	struct stat st;

	row->age_ns = age_ns(p);
	row->uid = fstat(proc__dirfd(p), &st) ? 0 : st.st_uid;
	clean(row->exe, sizeof(row->exe), proc__exe(p));
	cgroup_read(proc__dirfd(p), &in);
	memcpy(row->container, in.container, sizeof(in.container));
	memcpy(row->pod, in.pod, sizeof(in.pod));
	(void)brief_pod_names(row);
	clean(row->cgroup, sizeof(row->cgroup), in.path);
}

/* It lies in the process's memory: reading it may hang. */
static void read_cmdline(struct process_row *row, const struct proc *p)
{
	scoped_fd int fd = openat(proc__dirfd(p), "cmdline", O_RDONLY | O_CLOEXEC);
	char text[PROCESS_PATH_MAX];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	while (n > 0 && !text[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++)
		text[i] = text[i] ? text[i] : ' ';
	text[n > 0 ? n : 0] = '\0';
	clean(row->cmdline, sizeof(row->cmdline), text);
}

/* Of what was read so far. What is wrong with a program that is Go's is told in its row. */
static enum brief brief_of_error(int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM: return BRIEF_NO_RIGHT;
	case -ENOENT:
	case -ESRCH: return BRIEF_NOT_GO;
	default: return BRIEF_GO;
	}
}

bool brief_of_outside(pid_t pid, struct process_row *row)
{
	scoped(proc) p = NULL;

	*row = (struct process_row){ .pid = pid };
	if (proc__open(pid, &p, NULL))
		return false;
	describe(row, p);
	return true;
}

uint64_t brief_start_ticks(pid_t pid)
{
	scoped(proc) p = NULL;

	return proc__open(pid, &p, NULL) ? 0 : proc__start_ticks(p);
}

static enum brief brief_of_target(struct target *t, struct process_row *row, struct deadline *until)
{
	read_cmdline(row, t->proc);
	clean(row->go, sizeof(row->go), goproc__runtime(t->gp, 0)->version);
	clean(row->build_id, sizeof(row->build_id), goproc__runtime(t->gp, 0)->build_id);
	count(row, t, until);
	return proc__alive(t->proc) && !proc__executed(t->proc) ? BRIEF_GO : BRIEF_NOT_GO;
}

/* There was no time to find out whether it is Go's. */
static enum brief brief_of_late(pid_t pid, struct process_row *row, const struct deadline *until)
{
	if (!brief_of_outside(pid, row))
		return BRIEF_NOT_GO;
	row->unread = true;
	(void)cause__set(&row->why, -ETIMEDOUT, "looking at it did not come to an end within %d s",
			 (int)(until->most_ns / NS_PER_SEC));
	return BRIEF_GO;
}

enum brief brief(pid_t pid, uint64_t most_ns, struct process_row *row)
{
	struct deadline until = deadline_in(most_ns, NULL);
	scoped(proc) p = NULL;
	struct target t;
	enum brief ret;
	int err;

	*row = (struct process_row){ .pid = pid };
	err = proc__open(pid, &p, NULL);
	if (err)
		return err == -EOPNOTSUPP ? BRIEF_KERNEL_THREAD
		       : err == -EACCES   ? BRIEF_NO_RIGHT
					  : BRIEF_NOT_GO;
	describe(row, p);
	err = target__take(&t, steal(p), &until, &row->why);
	if (err && until.hit)
		return brief_of_late(pid, row, &until);
	row->unread = err && row->age_ns < BRIEF_YOUNG_NS;
	if (err)
		return brief_of_error(err);
	ret = brief_of_target(&t, row, &until);
	target__close(&t);
	return ret;
}
