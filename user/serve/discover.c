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
#include "base/vec.h"
#include "engine/brief.h"

/* A process_row goes through the pipe in one piece. */
_Static_assert(sizeof(struct process_row) + 8 <= 4096, "longer than PIPE_BUF");

/* What the child says of a process. */
struct answer {
	uint32_t found; /* enum brief */
	uint32_t pad;
	struct process_row row; /* of BRIEF_GO */
};

/* --- in the child --- */

static void __attribute__((noreturn)) child_main(const pid_t *pids, size_t nr, int to)
{
	static struct answer a;

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

/* It hangs in reading this one, or ended there: nobody knows whether it is Go's. */
static void answer__lost(struct answer *a, pid_t pid)
{
	a->found = brief_of_outside(pid, &a->row) ? BRIEF_GO : BRIEF_NOT_GO;
	a->row.unread = true;
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

/* --- which of them --- */

struct seen { /* a process, and the file of its program; 0, 0: none that we may see */
	pid_t pid;
	dev_t dev;
	ino_t ino;
};

struct known {
	struct seen *v; /* owned; by pid */
	size_t nr;
};

int known__new(struct known **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void known__free(struct known *k)
{
	if (!k)
		return;
	free(k->v);
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

void known__forget(struct known *k, pid_t pid)
{
	struct seen *s = known__find(k, pid);

	if (s)
		s->dev = (dev_t)-1;
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

/* Ascending, ours not among them. */
static int list_all(struct seen **ret, size_t *ret_nr, struct cause *why)
{
	scoped_mem struct seen *v = NULL;
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
		err = vec__reserve(&v, &room, nr + 1, sizeof(*v));
		if (!err)
			v[nr++] = seen_of(dirfd(dir), pid);
	}
	closedir(dir);
	if (err)
		return cause__set(why, err, "out of memory");
	if (nr)
		qsort(v, nr, sizeof(*v), compare_seen);
	*ret = steal(v);
	*ret_nr = nr;
	return 0;
}

/* Those that are to be looked at. known then has all that are there now. */
static int list_new(struct known *k, pid_t **ret, size_t *ret_nr, struct cause *why)
{
	scoped_mem struct seen *now = NULL;
	scoped_mem pid_t *pids = NULL;
	size_t nr_now = 0, nr = 0;
	int err = list_all(&now, &nr_now, why);

	if (err)
		return err;
	pids = calloc(nr_now + 1, sizeof(*pids));
	if (!pids)
		return cause__set(why, -ENOMEM, "out of memory");
	for (size_t i = 0; i < nr_now; i++) {
		const struct seen *before = known__find(k, now[i].pid);

		if (!before || before->dev != now[i].dev || before->ino != now[i].ino)
			pids[nr++] = now[i].pid;
	}
	if (k) {
		free(k->v);
		k->v = steal(now);
		k->nr = nr_now;
	}
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

int discover(struct known *known, struct processes *ret, struct cause *why)
{
	scoped_mem pid_t *pids = NULL;
	size_t nr = 0;
	int err = list_new(known, &pids, &nr, why);

	*ret = (struct processes){ .nr = 0 };
	if (!err)
		err = look_at_all(ret, pids, nr, why);
	if (!err && ret->nr)
		qsort(ret->rows, ret->nr, sizeof(*ret->rows), compare_rows);
	if (err)
		processes__done(ret);
	return err;
}
