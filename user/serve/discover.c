// SPDX-License-Identifier: BSD-2-Clause
#include "serve/discover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"
#include "engine/brief.h"
#include "host/task_programs.h"

/* A struct discovered goes through the pipe in one piece. */
_Static_assert(sizeof(struct discovered) <= 4096, "longer than PIPE_BUF");

/* --- in the child --- */

static void __attribute__((noreturn)) child_main(const pid_t *pids, size_t nr, int to)
{
	static struct discovered a;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < nr; i++) {
		a.found = brief(pids[i], DISCOVER_EACH_NS, &a.row);
		if (write(to, &a, sizeof(a)) != (ssize_t)sizeof(a))
			_exit(1);
	}
	_exit(0);
}

/* --- in the parent --- */

struct child {
	pid_t pid; /* 0: somebody waited for it already */
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
	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
	while (c->pid > 0 && waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(c->from);
	c->from = -EBADF;
}

/* It hangs in reading this one, or ended there: nobody knows whether it is Go's. */
static void discovered__lost(struct discovered *a, pid_t pid)
{
	a->found = brief_of_outside(pid, &a->row) ? BRIEF_GO : BRIEF_NOT_GO;
	a->row.unread = true;
	(void)cause__set(&a->row.why, -ETIMEDOUT,
			 "looking at it did not come to an end within %d s",
			 (int)(DISCOVER_KILL_NS / NS_PER_SEC));
}

/* --- which of them --- */

/* A process, and the file of its program; 0, 0: none that we may see. Or, of the kernel's list: how often it called exec, and its start. */
struct seen {
	pid_t pid;
	dev_t dev;
	ino_t ino;
};

/* Files that are none: of a process that a round did not come to; of one that is to be looked at again. */
#define LEFT  ((dev_t)-2)
#define AGAIN ((dev_t)-1)

struct known {
	struct seen *v; /* owned; by pid */
	size_t nr;
	struct task_programs *asked; /* owned; NULL: /proc is */
};

static void known__free(struct known *k)
{
	if (!k)
		return;
	free(k->v);
	task_programs__free(k->asked);
	free(k);
}

static int compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static struct seen *known__find(const struct known *k, pid_t pid)
{
	const struct seen key = { .pid = pid };

	return k && k->nr ? bsearch(&key, k->v, k->nr, sizeof(*k->v), compare_seen) : NULL;
}

static void known__forget(struct known *k, pid_t pid, dev_t mark)
{
	struct seen *s = known__find(k, pid);

	if (s)
		s->dev = mark;
}

struct list {
	struct seen *v; /* owned */
	size_t nr, room;
	pid_t ours; /* is not among them */
};

static int list__add(struct list *l, const struct seen *s)
{
	int err = vec__reserve(&l->v, &l->room, l->nr + 1, sizeof(*l->v));

	if (!err && s->pid != l->ours)
		l->v[l->nr++] = *s;
	return err;
}

static struct seen seen_of(int proc, pid_t pid)
{
	struct seen s = { .pid = pid };
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "%d/exe", (int)pid);
	if (!fstatat(proc, path, &st, 0)) {
		s.dev = st.st_dev;
		s.ino = st.st_ino;
	}
	return s;
}

static int list_proc(struct list *l, struct cause *why)
{
	const struct dirent *e;
	DIR *dir = opendir("/proc");
	int err = 0;

	if (!dir)
		return cause__set(why, -errno, "cannot list '/proc': %s", strerror(errno));
	while (!err && (e = readdir(dir))) {
		const int pid = atoi(e->d_name);
		struct seen s;

		if (pid <= 0)
			continue;
		s = seen_of(dirfd(dir), pid);
		err = list__add(l, &s);
	}
	closedir(dir);
	return err ? cause__set(why, err, "out of memory") : 0;
}

static int add_program(void *ctx, const struct pw_task_program *p)
{
	const struct seen s = { .pid = (pid_t)p->pid, .dev = p->execs, .ino = p->start_ns };

	return s.pid <= 1 ? 0 : list__add(ctx, &s);
}

/* A virtual machine's process 1 was seen to be kept from the kernel's list (Linux 6.18): of it /proc is asked. */
static int list_programs(struct list *l, struct task_programs *asked)
{
	scoped_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct seen first = seen_of(proc, 1);
	int err = proc < 0 ? -errno : 0;

	if (!err)
		err = list__add(l, &first);
	return err ? err : task_programs__each(asked, add_program, l);
}

/* All processes but ours, ascending. The two ways call a program by other numbers: after a change of the way all are new. */
static int list_all(struct known *k, struct list *ret, struct cause *why)
{
	struct list l = { .ours = getpid() };
	int err = k && k->asked ? list_programs(&l, k->asked) : -ENOENT;

	if (err) {
		if (k)
			task_programs__free(steal(k->asked));
		l.nr = 0;
		err = list_proc(&l, why);
	}
	if (err) {
		free(l.v);
		return err;
	}
	if (l.nr)
		qsort(l.v, l.nr, sizeof(*l.v), compare_seen);
	*ret = l;
	return 0;
}

/* When it is looked at: 0, it is new or runs another program, comes first; 3: not at all. */
static int turn_of(const struct known *k, const struct seen *now)
{
	const struct seen *before = known__find(k, now->pid);

	if (!before)
		return 0;
	if (before->dev == LEFT || before->dev == AGAIN)
		return before->dev == LEFT ? 1 : 2;
	return before->dev == now->dev && before->ino == now->ino ? 3 : 0;
}

/* Those that are to be looked at; of those with the same turn the newest first. known then has all that are there now. */
static int list_new(struct known *k, pid_t **ret, size_t *ret_nr, struct cause *why)
{
	struct list now = { .nr = 0 };
	scoped_mem pid_t *pids = NULL;
	size_t nr = 0;
	int err = list_all(k, &now, why);

	if (err)
		return err;
	pids = calloc(now.nr + 1, sizeof(*pids));
	for (int turn = 0; pids && turn < 3; turn++)
		for (size_t i = now.nr; i-- > 0;)
			if (turn_of(k, &now.v[i]) == turn)
				pids[nr++] = now.v[i].pid;
	if (k && pids) {
		free(k->v);
		k->v = steal(now.v);
		k->nr = now.nr;
	}
	free(now.v);
	if (!pids)
		return cause__set(why, -ENOMEM, "out of memory");
	*ret = steal(pids);
	*ret_nr = nr;
	return 0;
}

/* --- a round --- */

struct discovery {
	struct known *known; /* owned; NULL: all are looked at each time */
	pid_t *pids;         /* owned; of this round */
	size_t nr, done;
	struct child child; /* from < 0: none runs */
	uint64_t until_ns;  /* when it is killed, if it does not answer */
	bool cut;
};

int discovery__new(struct discovery **ret)
{
	struct discovery *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->child.from = -EBADF;
	d->known = calloc(1, sizeof(*d->known));
	if (!d->known) {
		free(d);
		return -ENOMEM;
	}
	err = task_programs__new(&d->known->asked);
	if (err)
		log_debug("/proc is scanned for new processes, a stat(2) each: the kernel's list "
			  "of programs cannot be had: %s",
			  strerror(-err));
	*ret = d;
	return 0;
}

static void discovery__end(struct discovery *d)
{
	if (d->child.from >= 0)
		child__end(&d->child);
	free(steal(d->pids));
	d->nr = d->done = 0;
}

void discovery__free(struct discovery *d)
{
	if (!d)
		return;
	discovery__end(d);
	known__free(d->known);
	free(d);
}

void discovery__forget(struct discovery *d, pid_t pid)
{
	known__forget(d->known, pid, AGAIN);
}

void discovery__reaped(struct discovery *d, pid_t pid)
{
	if (d->child.pid == pid)
		d->child.pid = 0;
}

bool discovery__runs(const struct discovery *d)
{
	return d->done < d->nr;
}

int discovery__fd(const struct discovery *d)
{
	return d->child.from;
}

uint64_t discovery__due_ns(const struct discovery *d)
{
	return discovery__runs(d) ? d->until_ns : UINT64_MAX;
}

/* A child for those that are left. */
static int discovery__go_on(struct discovery *d, struct cause *why)
{
	int err = 0;

	d->until_ns = clock_now_ns() + DISCOVER_KILL_NS;
	if (d->done < d->nr && d->child.from < 0)
		err = child__start(&d->child, d->pids + d->done, d->nr - d->done, why);
	if (err || d->done == d->nr)
		discovery__end(d);
	return err;
}

/* What is new meanwhile comes before those that are left. */
static void discovery__cut_off(struct discovery *d)
{
	d->cut = d->known && d->done < d->nr;
	for (; d->cut && d->done < d->nr; d->done++)
		known__forget(d->known, d->pids[d->done], LEFT);
}

bool discovery__was_cut(const struct discovery *d)
{
	return d->cut;
}

int discovery__begin(struct discovery *d, struct cause *why)
{
	int err;

	if (discovery__runs(d))
		return 0;
	d->cut = false;
	err = list_new(d->known, &d->pids, &d->nr, why);
	return err ? err : discovery__go_on(d, why);
}

int discovery__next(struct discovery *d, struct discovered *ret, struct cause *why)
{
	struct pollfd fd = { .fd = d->child.from, .events = POLLIN };
	bool lost;
	int err;

	if (!discovery__runs(d))
		return 0;
	if (poll(&fd, 1, 0) <= 0 && clock_now_ns() < d->until_ns)
		return 0;
	lost = !fd.revents || read(fd.fd, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret);
	if (lost) {
		child__end(&d->child);
		discovered__lost(ret, d->pids[d->done]);
	}
	d->done++;
	if (lost)
		discovery__cut_off(d);
	err = discovery__go_on(d, why);
	return err ? err : 1;
}

/* --- all at once --- */

static int processes__add(struct processes *p, const struct discovered *a, struct cause *why)
{
	int err = 0;

	p->looked_at += a->found != BRIEF_KERNEL_THREAD;
	p->no_right += a->found == BRIEF_NO_RIGHT;
	if (a->found != BRIEF_GO)
		return 0;
	err = vec__reserve(&p->rows, &p->room, p->nr + 1, sizeof(*p->rows));
	if (err)
		return cause__set(why, err, "out of memory");
	p->rows[p->nr++] = a->row;
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

int discovery__all(struct discovery *d, struct processes *ret, struct cause *why)
{
	static struct discovered a;
	int got;

	*ret = (struct processes){ .nr = 0 };
	do {
		got = discovery__begin(d, why);
		while (got >= 0 && discovery__runs(d)) {
			struct pollfd fd = { .fd = d->child.from, .events = POLLIN };

			(void)poll(&fd, 1, (int)(DISCOVER_KILL_NS / NS_PER_MS) + 1);
			got = discovery__next(d, &a, why);
			if (got > 0)
				got = processes__add(ret, &a, why);
		}
	} while (got >= 0 && discovery__was_cut(d));
	if (got >= 0 && ret->nr)
		qsort(ret->rows, ret->nr, sizeof(*ret->rows), compare_rows);
	if (got < 0)
		processes__done(ret);
	return got < 0 ? got : 0;
}

int discover(struct processes *ret, struct cause *why)
{
	struct discovery d = { .child = { .from = -EBADF } };
	const int err = discovery__all(&d, ret, why);

	discovery__end(&d);
	return err;
}
