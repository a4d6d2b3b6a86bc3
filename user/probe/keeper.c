/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <parkwatch/knobs.h>

#include "base/clock.h"
#include "base/pace.h"
#include "probe/inherit.h"

#define MASTER_MS  50	 /* so often the child looks whether its master is stopped */
#define ANSWER_MS  10000 /* most time for an answer: one takes 20 to 200 ms */
#define ANSWER_STEP 200 /* meanwhile, so often the master looks whether the child can answer */

struct keeper {
	pid_t pid;
	int sock;
	bool lost;		 /* the child was killed or stopped, or did not answer */
	volatile uint64_t *stopped_ns; /* shared with the child */
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

static void close_all(void)
{
	for (int i = 0; i < KEEPER_SETS; i++)
		close_set(&sets[i]);
}

/* Linux Documentation/filesystems/proc.rst: "pid (comm) state ..."; T: stopped by a signal. */
static bool is_stopped(int stat_fd)
{
	char text[128];
	const ssize_t n = pread(stat_fd, text, sizeof(text) - 1, 0);
	const char *end;

	if (n <= 0)
		return false;
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && !strncmp(end, ") T", 3);
}

/* Nobody is in charge while the master is stopped: recording ends, and the probes go. */
static void watch_master(int stat_fd, const struct keeper_switch *s, volatile uint64_t *stopped_ns)
{
	static bool was_stopped;
	const bool stopped = is_stopped(stat_fd);

	if (stopped && !was_stopped) {
		*stopped_ns = clock_now_ns();
		__atomic_store_n(s->on, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(s->cut_ns, *stopped_ns, __ATOMIC_SEQ_CST);
	}
	if (stopped)
		close_all(); /* each time: a request may have been on its way */
	was_stopped = stopped;
}

static bool answer(int sock)
{
	static struct request r;
	int err = 0;

	if (recv(sock, &r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return false;
	if (r.op == OP_OPEN)
		err = serve_open(&r);
	else
		close_set(&sets[r.set]);
	return send(sock, &err, sizeof(err), MSG_NOSIGNAL) == (ssize_t)sizeof(err);
}

/* Until the other end is closed, by its process or its end. */
static void serve(int sock, int stat_fd, const struct keeper_switch *s, volatile uint64_t *stopped_ns)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	sigset_t all;
	int n;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	inherit_programs_and((const int[]){ sock, stat_fd }, 2);
	(void)setpgid(0, 0); /* what stops the master's group does not stop us */
	prctl(PR_SET_NAME, "pw-keeper");
	pace_first(); /* until a probe is out each hit costs the target a trap */
	while ((n = poll(&fd, 1, MASTER_MS)) >= 0) {
		watch_master(stat_fd, s, stopped_ns);
		if (n && !answer(sock))
			break;
	}
	close_all();
}

/* --- the parent --- */

static int keeper__init(struct keeper *k, int *ret_stat_fd)
{
	char path[32];
	void *page = mmap(NULL, sizeof(*k->stopped_ns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	k->stopped_ns = page;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)getpid());
	*ret_stat_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_stat_fd < 0 ? -errno : 0;
}

int keeper__new(const struct keeper_switch *s, struct keeper **ret)
{
	scoped(keeper) k = calloc(1, sizeof(*k));
	scoped_fd int stat_fd = -EBADF;
	int sv[2], err;

	if (!k)
		return -ENOMEM;
	k->sock = -EBADF;
	err = keeper__init(k, &stat_fd);
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	k->sock = sv[0];
	k->pid = fork();
	err = k->pid < 0 ? -errno : 0;
	if (k->pid == 0) {
		close(sv[0]);
		serve(sv[1], stat_fd, s, k->stopped_ns);
		_exit(0);
	}
	close(sv[1]);
	if (err)
		return err;
	*ret = steal(k);
	return 0;
}

/* Who is stopped is woken: it takes the probes out, and ends. */
static void keeper__wait(const struct keeper *k)
{
	int status;

	for (;;) {
		const pid_t pid = waitpid(k->pid, &status, WUNTRACED);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid != k->pid || !WIFSTOPPED(status))
			return;
		(void)kill(k->pid, SIGCONT);
	}
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
	if (k->pid > 0) {
		(void)kill(k->pid, SIGCONT);
		keeper__wait(k);
	}
	if (k->stopped_ns)
		munmap((void *)k->stopped_ns, sizeof(*k->stopped_ns));
	free(k);
}

bool keeper__alive(struct keeper *k)
{
	siginfo_t si = { .si_pid = 0 };

	if (!k->lost && (waitid(P_PID, (id_t)k->pid, &si, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) || si.si_pid)) {
		k->lost = true;
		shutdown(k->sock, SHUT_RDWR); /* it must not go on without us knowing: it ends */
		(void)kill(k->pid, SIGCONT);
	}
	return !k->lost;
}

static bool keeper__has_answer(struct keeper *k)
{
	struct pollfd fd = { .fd = k->sock, .events = POLLIN };

	for (int ms = 0; ms < ANSWER_MS && keeper__alive(k); ms += ANSWER_STEP)
		if (poll(&fd, 1, ANSWER_STEP) > 0)
			return true;
	k->lost = true; /* an answer that comes later would be taken for that to another question */
	return false;
}

static int keeper__ask(struct keeper *k, const struct request *r)
{
	ssize_t n;
	int err;

	if (k->lost || send(k->sock, r, sizeof(*r), MSG_NOSIGNAL) != (ssize_t)sizeof(*r) || !keeper__has_answer(k))
		return -EOWNERDEAD;
	n = recv(k->sock, &err, sizeof(err), MSG_DONTWAIT);
	return n == (ssize_t)sizeof(err) ? err : -EOWNERDEAD;
}

int keeper__open(struct keeper *k, unsigned int set, enum attach_way way, int prog_fd, pid_t pid,
		 const struct uplace *where)
{
	struct request r = {
		.op = OP_OPEN, .set = set, .way = way, .prog_fd = prog_fd, .pid = pid, .nr = where->nr
	};
	int err;

	if (set >= KEEPER_SETS || where->nr > PW_SITES_MAX)
		return -E2BIG;
	memcpy(r.offsets, where->offsets, where->nr * sizeof(r.offsets[0]));
	memcpy(r.cookies, where->cookies, where->nr * sizeof(r.cookies[0]));
	err = inherit_path(where->path, r.path, sizeof(r.path));
	return err ? err : keeper__ask(k, &r);
}

int keeper__close(struct keeper *k, unsigned int set)
{
	const struct request r = { .op = OP_CLOSE, .set = set };

	return set < KEEPER_SETS ? keeper__ask(k, &r) : -EINVAL;
}

uint64_t keeper__stopped_ns(const struct keeper *k)
{
	return *k->stopped_ns;
}

uint64_t keeper__cpu_ns(const struct keeper *k)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(k->pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}
