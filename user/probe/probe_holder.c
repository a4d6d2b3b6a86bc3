/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/probe_holder.h"

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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <parkwatch/knobs.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/rt_boost.h"
#include "probe/inherit.h"
#include "probe/master.h"

#define MASTER_MS 25    /* so often the child looks whether its master is in charge */
#define ANSWER_MS 10000 /* most time for an answer: one takes 20 to 200 ms */
/* a child that looks so often has given its own sign since then */
#define STALE_NS  (500 * NS_PER_MS)
#define TRACED_MS 1000 /* most time for the end of one that a debugger has */
/* meanwhile, so often the master looks whether the child can answer */
#define ANSWER_STEP 200

/* Written by the child, read by its master. */
struct absence {
	volatile uint64_t since_ns; /* the last one; 0: there was none */
	volatile uint64_t cpu_ns;   /* that the target had used then; 0: not known */
	volatile bool stopped;      /* it was: else it was late */
};

struct probe_holder {
	pid_t pid;
	int sock;
	const volatile uint64_t *beat_ns; /* borrowed: the child's own sign of life */
	bool lost;                        /* the child was killed or stopped, or did not answer */
	bool traced;                      /* that is why: a debugger stopped it */
	struct absence *absence;          /* shared with the child */
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
} sets[PROBE_HOLDER_SETS];

static clockid_t target_clock;
static bool has_target; /* its CPU time can be read */

static int serve_open(const struct request *r)
{
	const struct uplace where = { r->path, r->offsets, r->cookies, r->nr };
	struct linkset *set = &sets[r->set];
	int err;

	has_target = has_target || !clock_getcpuclockid(r->pid, &target_clock);
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
	for (int i = 0; i < PROBE_HOLDER_SETS; i++)
		close_set(&sets[i]);
}

static bool holds_any(void)
{
	for (int i = 0; i < PROBE_HOLDER_SETS; i++)
		if (sets[i].nr)
			return true;
	return false;
}

/* What we hold is known to who waits until nobody does. */
static void tell_holding(void)
{
	static bool told;
	const bool holding = holds_any();

	if (holding != told)
		__atomic_add_fetch(&heart->holding, holding ? 1 : -1, __ATOMIC_SEQ_CST);
	told = holding;
}

/*
 * Nobody is in charge: recording ends, and the probes go. Recording that has ended by itself ended
 * then.
 */
static void watch_master(struct master *m, const struct probe_holder_switch *s, struct absence *a)
{
	static enum master_state before;
	const enum master_state state = master__state(m);

	if (state == MASTER_HERE || (state == MASTER_LATE && !holds_any())) {
		*s->beat_ns = clock_now_ns();
		before = MASTER_HERE;
		return;
	}
	if (before == MASTER_HERE) {
		a->stopped = state == MASTER_STOPPED;
		a->cpu_ns = has_target ? clock_ns(target_clock) : 0;
		__atomic_store_n(&a->since_ns, clock_now_ns(), __ATOMIC_SEQ_CST);
		if (__atomic_exchange_n(s->on, 0, __ATOMIC_SEQ_CST))
			__atomic_store_n(s->cut_ns, a->since_ns, __ATOMIC_SEQ_CST);
	}
	before = state;
	close_all(); /* each time: a request may have been on its way */
	tell_holding();
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
static void serve(int sock, struct master *m, const struct probe_holder_switch *s,
		  struct absence *a)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	sigset_t all;
	int n;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	inherit_programs_and((const int[]){ sock, m->stat_fd }, 2);
	(void)setpgid(0, 0); /* what stops the master's group does not stop us */
	prctl(PR_SET_NAME, "pw-holder");
	rt_boost_first(); /* until a probe is out each hit costs the target a trap */
	while ((n = poll(&fd, 1, MASTER_MS)) >= 0) {
		watch_master(m, s, a);
		if (n && !answer(sock))
			break;
		if (n) {
			tell_holding();
			master__lives(m);
		}
	}
	close_all();
	tell_holding();
}

/* --- the parent --- */

static int probe_holder__share(struct probe_holder *k)
{
	void *page = mmap(NULL, sizeof(*k->absence), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	k->absence = page;
	return heart__share();
}

static int probe_holder__fork(struct probe_holder *k, const struct probe_holder_switch *s,
			      struct master *m)
{
	int sv[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	k->sock = sv[0];
	k->pid = fork();
	err = k->pid < 0 ? -errno : 0;
	if (k->pid == 0) {
		close(sv[0]);
		serve(sv[1], m, s, k->absence);
		_exit(0);
	}
	close(sv[1]);
	return err;
}

int probe_holder__new(const struct probe_holder_switch *s, struct probe_holder **ret)
{
	scoped(probe_holder) k = calloc(1, sizeof(*k));
	struct master m;
	int err;

	if (!k)
		return -ENOMEM;
	k->sock = -EBADF;
	k->beat_ns = s->beat_ns;
	err = probe_holder__share(k);
	if (!err)
		err = master__init(&m);
	if (err)
		return err;
	err = probe_holder__fork(k, s, &m);
	master__done(&m);
	if (err)
		return err;
	*ret = steal(k);
	return 0;
}

/*
 * Who is stopped is woken: it takes the probes out, and ends. One that hangs in the kernel, or that
 * a debugger has, is left to itself: so it does when it can.
 */
static void probe_holder__wait(const struct probe_holder *k)
{
	scoped_fd int pidfd = (int)syscall(SYS_pidfd_open, k->pid, 0);

	for (int ms = 0;
	     ms < (k->traced ? TRACED_MS : ANSWER_MS) && !waitpid(k->pid, NULL, WNOHANG);
	     ms += ANSWER_STEP) {
		(void)kill(k->pid, SIGCONT);
		(void)heart__wait_for(pidfd, ANSWER_STEP);
	}
}

void probe_holder__free(struct probe_holder *k)
{
	if (!k)
		return;
	if (k->sock >= 0) {
		/* closing is not enough: a probe holder that was made later has a copy of it */
		shutdown(k->sock, SHUT_RDWR);
		close(k->sock);
	}
	if (k->pid > 0)
		probe_holder__wait(k);
	if (k->absence)
		munmap(k->absence, sizeof(*k->absence));
	free(k);
}

/*
 * By a debugger: its parent is not told. It gives no sign while we give none either, so it is asked
 * what it does.
 */
static bool probe_holder__is_traced(struct probe_holder *k)
{
	const uint64_t beat = *k->beat_ns, now = clock_now_ns();
	char path[32];
	int fd;

	if (now < beat || now - beat < STALE_NS)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)k->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	k->traced = fd >= 0 && master_letter(fd) == 't';
	if (fd >= 0)
		close(fd);
	return k->traced;
}

bool probe_holder__alive(struct probe_holder *k)
{
	siginfo_t si = { .si_pid = 0 };

	if (!k->lost && (waitid(P_PID, (id_t)k->pid, &si, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) ||
			 si.si_pid || probe_holder__is_traced(k))) {
		k->lost = true;
		shutdown(k->sock, SHUT_RDWR); /* it must not go on without us knowing: it ends */
		(void)kill(k->pid, SIGCONT);
	}
	return !k->lost;
}

static bool probe_holder__has_answer(struct probe_holder *k)
{
	for (int ms = 0; ms < ANSWER_MS && probe_holder__alive(k); ms += ANSWER_STEP)
		if (heart__wait_for(k->sock, ANSWER_STEP))
			return true;
	k->lost = true; /* an answer that comes later would be taken for that to another question */
	return false;
}

static int probe_holder__ask(struct probe_holder *k, const struct request *r)
{
	ssize_t n;
	int err;

	if (k->lost || send(k->sock, r, sizeof(*r), MSG_NOSIGNAL) != (ssize_t)sizeof(*r) ||
	    !probe_holder__has_answer(k))
		return -EOWNERDEAD;
	n = recv(k->sock, &err, sizeof(err), MSG_DONTWAIT);
	return n == (ssize_t)sizeof(err) ? err : -EOWNERDEAD;
}

int probe_holder__open(struct probe_holder *k, unsigned int set, enum attach_way way, int prog_fd,
		       pid_t pid, const struct uplace *where)
{
	struct request r = { .op = OP_OPEN,
			     .set = set,
			     .way = way,
			     .prog_fd = prog_fd,
			     .pid = pid,
			     .nr = where->nr };
	int err;

	if (set >= PROBE_HOLDER_SETS || where->nr > PW_SITES_MAX)
		return -E2BIG;
	memcpy(r.offsets, where->offsets, where->nr * sizeof(r.offsets[0]));
	memcpy(r.cookies, where->cookies, where->nr * sizeof(r.cookies[0]));
	err = inherit_path(where->path, r.path, sizeof(r.path));
	return err ? err : probe_holder__ask(k, &r);
}

int probe_holder__close(struct probe_holder *k, unsigned int set)
{
	const struct request r = { .op = OP_CLOSE, .set = set };

	return set < PROBE_HOLDER_SETS ? probe_holder__ask(k, &r) : -EINVAL;
}

uint64_t probe_holder__absent_ns(const struct probe_holder *k, bool *ret_stopped)
{
	const uint64_t ns = __atomic_load_n(&k->absence->since_ns, __ATOMIC_SEQ_CST);

	*ret_stopped = k->absence->stopped;
	return ns;
}

uint64_t probe_holder__absent_cpu_ns(const struct probe_holder *k)
{
	return k->absence->cpu_ns;
}

uint64_t probe_holder__cpu_ns(const struct probe_holder *k)
{
	clockid_t clock;

	return clock_getcpuclockid(k->pid, &clock) ? 0 : clock_ns(clock);
}
