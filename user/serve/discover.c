// SPDX-License-Identifier: BSD-2-Clause
#include "serve/discover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/vec.h"
#include "census/census.h"
#include "daemon/target.h"
#include "target/cgroup.h"
#include "view/dump.h"

/* A process_row goes through the pipe in one piece. */
_Static_assert(sizeof(struct process_row) + 8 <= 4096, "longer than PIPE_BUF");

enum found {
	FOUND_NOTHING, /* not Go's, or it has ended */
	FOUND_GO,
	FOUND_NO_RIGHT,
	FOUND_KERNEL_THREAD,
};

/* What the child says of a process. */
struct answer {
	uint32_t found; /* enum found */
	uint32_t pad;
	struct process_row row; /* of FOUND_GO */
};

/* --- in the child --- */

static void answer__count(struct answer *a, const struct target *t, struct deadline *until)
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
		(void)cause__set(&a->row.why, err, "its goroutines cannot be read: %s",
				 proc__words(t->proc, err));
	if (d) {
		a->row.goroutines = d->nr;
		a->row.at_least = d->counts.not_read || d->counts.refused;
	}
	for (size_t i = 0; i < t->nr; i++)
		census__free(cs[i]);
}

static uint64_t age_ns(const struct proc *p)
{
	const uint64_t now = clock_ns(CLOCK_BOOTTIME),
		       started = proc__start_ticks(p) *
				 (NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));

	return now > started ? now - started : 0;
}

/* What needs no look into its memory. */
static void answer__describe(struct answer *a, struct proc *p)
{
	struct cgroup in;
	struct stat st;

	a->row.age_ns = age_ns(p);
	a->row.uid = fstat(proc__dirfd(p), &st) ? 0 : st.st_uid;
	clean(a->row.exe, sizeof(a->row.exe), proc__exe(p));
	cgroup_read(proc__dirfd(p), &in);
	memcpy(a->row.container, in.container, sizeof(in.container));
	memcpy(a->row.pod, in.pod, sizeof(in.pod));
}

static enum found found_of(int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM: return FOUND_NO_RIGHT;
	case -EOPNOTSUPP: return FOUND_KERNEL_THREAD;
	default: return FOUND_NOTHING;
	}
}

static void look_at(pid_t pid, struct answer *a)
{
	struct deadline until = deadline_in(DISCOVER_EACH_NS, NULL);
	scoped(proc) p = NULL;
	struct target t;
	struct cause why = { "" };
	int err;

	*a = (struct answer){ .row.pid = pid };
	err = proc__open(pid, &p, NULL);
	if (err) {
		a->found = found_of(err);
		return;
	}
	answer__describe(a, p);
	err = target__open(&t, pid, &until, &why);
	if (err == -ENOENT || err == -ESRCH || err == -EACCES || err == -EPERM) {
		a->found = err == -EACCES || err == -EPERM ? FOUND_NO_RIGHT : FOUND_NOTHING;
		return;
	}
	a->found = FOUND_GO;
	a->row.why = why;
	if (err)
		return;
	clean(a->row.go, sizeof(a->row.go), goproc__runtime(t.gp, 0)->version);
	answer__count(a, &t, &until);
	if (!proc__alive(t.proc) || proc__executed(t.proc))
		a->found = FOUND_NOTHING;
	target__close(&t);
}

static void __attribute__((noreturn)) child_main(const pid_t *pids, size_t nr, int to)
{
	static struct answer a;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < nr; i++) {
		look_at(pids[i], &a);
		if (write(to, &a, sizeof(a)) != (ssize_t)sizeof(a))
			_exit(1);
	}
	_exit(0);
}

/* --- in the parent --- */

struct child {
	pid_t pid;
	int from;
};

static int child__start(struct child *c, const pid_t *pids, size_t nr, struct cause *why)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return cause__set(why, -errno, "cannot make a pipe: %s", strerror(errno));
	c->pid = fork();
	if (!c->pid) {
		close(fds[0]);
		child_main(pids, nr, fds[1]);
	}
	close(fds[1]);
	c->from = fds[0];
	if (c->pid > 0)
		return 0;
	close(fds[0]);
	return cause__set(why, -errno, "cannot start a process that looks at others: %s",
			  strerror(errno));
}

static void child__end(struct child *c)
{
	(void)kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(c->from);
}

/* False: none will come, it hangs or is gone. */
static bool child__read(const struct child *c, struct answer *a)
{
	struct pollfd fd = { .fd = c->from, .events = POLLIN };
	const uint64_t until = clock_now_ns() + DISCOVER_KILL_NS;
	uint64_t now;

	while ((now = clock_now_ns()) < until) {
		const int n = poll(&fd, 1, (int)((until - now) / NS_PER_MS) + 1);

		if (n > 0)
			return read(c->from, a, sizeof(*a)) == (ssize_t)sizeof(*a);
	}
	return false;
}

static int processes__add(struct processes *p, const struct answer *a, struct cause *why)
{
	int err = 0;

	p->looked_at += a->found != FOUND_KERNEL_THREAD;
	p->no_right += a->found == FOUND_NO_RIGHT;
	if (a->found != FOUND_GO)
		return 0;
	err = vec__reserve(&p->rows, &p->room, p->nr + 1, sizeof(*p->rows));
	if (err)
		return cause__set(why, err, "out of memory");
	p->rows[p->nr++] = a->row;
	return 0;
}

/* It hangs in reading this one, or ended there: nobody knows whether it is Go's. */
static void answer__lost(struct answer *a, pid_t pid)
{
	scoped(proc) p = NULL;

	*a = (struct answer){ .found = FOUND_NOTHING, .row.pid = pid };
	if (proc__open(pid, &p, NULL))
		return;
	answer__describe(a, p);
	a->found = FOUND_GO;
	(void)cause__set(&a->row.why, -ETIMEDOUT,
			 "looking at it did not come to an end within %d s",
			 (int)(DISCOVER_KILL_NS / NS_PER_SEC));
}

static int look_at_all(struct processes *p, const pid_t *pids, size_t nr, struct cause *why)
{
	static struct answer a;
	size_t done = 0;
	int err = 0;

	while (done < nr && !err) {
		struct child c = { .from = -EBADF };

		err = child__start(&c, pids + done, nr - done, why);
		if (err)
			return err;
		while (done < nr && !err && child__read(&c, &a)) {
			err = processes__add(p, &a, why);
			done++;
		}
		child__end(&c);
		if (done < nr && !err) {
			answer__lost(&a, pids[done++]);
			err = processes__add(p, &a, why);
		}
	}
	return err;
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

/* Ascending, ours not among them. */
static int list_pids(pid_t **ret, size_t *ret_nr, struct cause *why)
{
	scoped_mem pid_t *pids = NULL;
	size_t nr = 0, room = 0;
	const struct dirent *e;
	DIR *dir = opendir("/proc");
	int err = 0;

	if (!dir)
		return cause__set(why, -errno, "cannot list '/proc': %s", strerror(errno));
	while (!err && (e = readdir(dir))) {
		const int pid = atoi(e->d_name);

		if (pid <= 0 || pid == getpid())
			continue;
		err = vec__reserve(&pids, &room, nr + 1, sizeof(*pids));
		if (!err)
			pids[nr++] = pid;
	}
	closedir(dir);
	if (err)
		return cause__set(why, err, "out of memory");
	if (nr)
		qsort(pids, nr, sizeof(*pids), compare_pids);
	*ret = steal(pids);
	*ret_nr = nr;
	return 0;
}

/* Most goroutines first: a leak is near the top. */
static int compare_rows(const void *a, const void *b)
{
	const struct process_row *x = a, *y = b;

	if (x->goroutines != y->goroutines)
		return x->goroutines > y->goroutines ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int discover(struct processes *ret, struct cause *why)
{
	scoped_mem pid_t *pids = NULL;
	size_t nr = 0;
	int err = list_pids(&pids, &nr, why);

	*ret = (struct processes){ .nr = 0 };
	if (!err)
		err = look_at_all(ret, pids, nr, why);
	if (!err && ret->nr)
		qsort(ret->rows, ret->nr, sizeof(*ret->rows), compare_rows);
	if (err)
		processes__done(ret);
	return err;
}
