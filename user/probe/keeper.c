/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/keeper.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <parkwatch/knobs.h>

#include "base/clock.h"
#include "base/pace.h"

struct keeper {
	pid_t pid;
	int sock;
};

enum op { OP_OPEN, OP_CLOSE };

/* One packet each; answered with an int, the error. */
struct request {
	enum op op;
	unsigned int set;
	enum attach_way way;
	int prog_fd;
	pid_t pid;
	uint32_t nr;
	unsigned long offsets[PW_SITES_MAX];
	__u64 cookies[PW_SITES_MAX];
	char path[PATH_MAX];
};

/* --- the child --- */

static struct linkset {
	struct ulink links[PW_SITES_MAX];
	size_t nr;
} sets[KEEPER_SETS];

static int serve_open(const struct request *r)
{
	const struct uplace where = { r->path, r->offsets, r->cookies, r->nr };
	struct linkset *set = &sets[r->set];
	int err;

	if (set->nr == ARRAY_SIZE(set->links))
		return -E2BIG;
	err = ulink__open(r->way, r->prog_fd, r->pid, &where, &set->links[set->nr]);
	set->nr += !err;
	return err;
}

static void close_set(struct linkset *set)
{
	ulinks__close(set->links, set->nr);
	set->nr = 0;
}

/* Until the other end is closed, by its process or its end. */
static void serve(int sock)
{
	static struct request r;
	sigset_t all;
	int err;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "pw-keeper");
	(void)pace__hurry(); /* until a probe is out each hit costs the target a trap */
	while (recv(sock, &r, sizeof(r), 0) == (ssize_t)sizeof(r)) {
		err = 0;
		if (r.op == OP_OPEN)
			err = serve_open(&r);
		else
			close_set(&sets[r.set]);
		if (send(sock, &err, sizeof(err), MSG_NOSIGNAL) != (ssize_t)sizeof(err))
			break;
	}
	for (int i = 0; i < KEEPER_SETS; i++)
		close_set(&sets[i]);
}

/* --- the parent --- */

int keeper__new(struct keeper **ret)
{
	scoped(keeper) k = calloc(1, sizeof(*k));
	int sv[2], err;

	if (!k)
		return -ENOMEM;
	k->sock = -EBADF;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	k->sock = sv[0];
	k->pid = fork();
	err = k->pid < 0 ? -errno : 0;
	if (k->pid == 0) {
		close(sv[0]);
		serve(sv[1]);
		_exit(0);
	}
	close(sv[1]);
	if (err)
		return err;
	*ret = steal(k);
	return 0;
}

void keeper__free(struct keeper *k)
{
	if (!k)
		return;
	if (k->sock >= 0) {
		/* closing is not enough: a keeper that was made later has a copy of it */
		shutdown(k->sock, SHUT_RDWR);
		close(k->sock);
	}
	if (k->pid > 0)
		while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(k);
}

static int keeper__ask(struct keeper *k, const struct request *r)
{
	ssize_t n;
	int err;

	if (send(k->sock, r, sizeof(*r), MSG_NOSIGNAL) != (ssize_t)sizeof(*r))
		return -EOWNERDEAD;
	do {
		n = recv(k->sock, &err, sizeof(err), 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(err) ? err : -EOWNERDEAD;
}

int keeper__open(struct keeper *k, unsigned int set, enum attach_way way, int prog_fd, pid_t pid,
		 const struct uplace *where)
{
	struct request r = {
		.op = OP_OPEN, .set = set, .way = way, .prog_fd = prog_fd, .pid = pid, .nr = where->nr
	};

	if (set >= KEEPER_SETS || where->nr > PW_SITES_MAX || strlen(where->path) >= sizeof(r.path))
		return -E2BIG;
	memcpy(r.offsets, where->offsets, where->nr * sizeof(r.offsets[0]));
	memcpy(r.cookies, where->cookies, where->nr * sizeof(r.cookies[0]));
	strcpy(r.path, where->path);
	return keeper__ask(k, &r);
}

int keeper__close(struct keeper *k, unsigned int set)
{
	const struct request r = { .op = OP_CLOSE, .set = set };

	return set < KEEPER_SETS ? keeper__ask(k, &r) : -EINVAL;
}

bool keeper__alive(const struct keeper *k)
{
	char c;

	return recv(k->sock, &c, sizeof(c), MSG_PEEK | MSG_DONTWAIT) != 0;
}

uint64_t keeper__cpu_ns(const struct keeper *k)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(k->pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}
