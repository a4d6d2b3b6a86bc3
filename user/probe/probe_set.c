// SPDX-License-Identifier: BSD-2-Clause
#include "probe/probe_set.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/heart.h"
#include "base/nothing.h"
#include "probe/holder_request.h"
#include "probe/master.h"
#include "probe/probe_holder.h"

#define ANSWER_MS 10000             /* most time for an answer: one takes 20 to 200 ms */
#define STALE_NS  (500 * NS_PER_MS) /* one that can look has given its sign since then */
#define TRACED_MS 1000              /* most time for the end of one that a debugger has */
#define STEP_MS   200               /* meanwhile, so often it is looked whether it can answer */

struct probe_set {
	uint32_t number;                  /* of the probe holder's; HOLDER_SETS: not known there */
	const volatile uint64_t *beat_ns; /* borrowed; NULL: not shared */
};

/* The one of this process, as there is one heart. */
static struct holder {
	unsigned int sets; /* that need it; 0: there is none */
	pid_t pid;
	int sock;
	bool lost;   /* it was killed or stopped, or did not answer */
	bool traced; /* that is why: a debugger stopped it */
} holder;

/* --- the process --- */

/*
 * /proc/self/exe is this program, also where its file was replaced or deleted. No descriptor of
 * ours is left to it but the socket, whatever its flags; no terminal either.
 */
static int spawn(int sock, pid_t *ret)
{
	char *const argv[] = { "parkwatch", PROBE_HOLDER_COMMAND, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	scoped_fd int nothing = open_nothing();
	sigset_t all;
	int err = 0;

	if (nothing < 0)
		return -errno;
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &all);
	/* what stops our group does not stop it */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&files);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && !err; fd++)
		err = posix_spawn_file_actions_adddup2(&files, nothing, fd);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&files, sock, HOLDER_SOCKET);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(&files, HOLDER_SOCKET + 1);
	if (!err)
		err = posix_spawn(ret, "/proc/self/exe", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -err;
}

static int send_request(const struct holder_request *r, const int *fds, size_t nr)
{
	char room[CMSG_SPACE(HOLDER_FDS_MAX * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec data = { (void *)r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };

	if (nr) {
		struct cmsghdr *c = (struct cmsghdr *)room;

		m.msg_control = room;
		m.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_RIGHTS,
				       .cmsg_len = CMSG_LEN(nr * sizeof(int)) };
		memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
	}
	return sendmsg(holder.sock, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(*r) ? 0 : -EOWNERDEAD;
}

/*
 * Memory that can be handed over as a descriptor, borrowed, the same each time; or negative errno.
 * No memfd: its size is bounded by that of files (ulimit -f).
 */
static int heart_memory(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	static int shared = -EBADF;
	int fd, err;

	if (shared >= 0)
		return shared;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pw_heart", sizeof(uint32_t), sizeof(*heart), 1,
			    &opts);
	err = fd < 0 ? fd : heart__share(fd);
	if (err && fd >= 0)
		close(fd);
	if (!err)
		shared = fd;
	return err ? err : fd;
}

/* It goes on to start while we do other things. */
static int holder__introduce(void)
{
	const struct holder_request r = { .op = HOLDER_MASTER };
	scoped_fd int stat_fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	int fds[] = { -EBADF, stat_fd };

	if (stat_fd < 0)
		return -errno;
	fds[0] = heart_memory();
	return fds[0] < 0 ? fds[0] : send_request(&r, fds, ARRAY_SIZE(fds));
}

/*
 * A holder that is stopped is woken: it takes the probes out, and ends. One that hangs in the kernel,
 * or that a debugger stopped, is left alone: it does so when it can.
 */
static void holder__end(void)
{
	scoped_fd int pidfd = (int)syscall(SYS_pidfd_open, holder.pid, 0);

	close(holder.sock);
	for (int ms = 0;
	     ms < (holder.traced ? TRACED_MS : ANSWER_MS) && !waitpid(holder.pid, NULL, WNOHANG);
	     ms += STEP_MS) {
		(void)kill(holder.pid, SIGCONT);
		(void)heart__wait_for(pidfd, STEP_MS);
	}
}

static int holder__start(struct cause *why)
{
	int sv[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return cause__set(why, -errno, "cannot start the probe holder: %s",
				  strerror(errno));
	holder = (struct holder){ .sock = sv[0] };
	heart->holding = 0; /* one that was killed said no more that it holds nothing */
	err = spawn(sv[1], &holder.pid);
	close(sv[1]);
	if (err) {
		close(sv[0]);
		return cause__set(why, err,
				  "cannot start the probe holder: cannot run this program "
				  "(/proc/self/exe) again: %s",
				  strerror(-err));
	}
	err = holder__introduce();
	if (err) {
		holder__end();
		return cause__set(why, err, "cannot start the probe holder: %s", strerror(-err));
	}
	return 0;
}

/* --- requests --- */

/*
 * By a debugger: its parent is not told. It gives no sign while we give none either, so it is asked
 * what it does.
 */
static bool holder__is_traced(const volatile uint64_t *beat_ns)
{
	const uint64_t beat = beat_ns ? *beat_ns : 0, now = clock_now_ns();
	char path[32];
	int fd;

	if (now < beat || now - beat < STALE_NS)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)holder.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	holder.traced = fd >= 0 && master_letter(fd) == 't';
	if (fd >= 0)
		close(fd);
	return holder.traced;
}

/* It must not go on without us knowing: it takes all probes out, and ends. */
static void holder__lose(void)
{
	holder.lost = true;
	shutdown(holder.sock, SHUT_RDWR);
	(void)kill(holder.pid, SIGCONT);
}

bool probe_set__alive(struct probe_set *s)
{
	siginfo_t si = { .si_pid = 0 };

	if (!holder.lost &&
	    (waitid(P_PID, (id_t)holder.pid, &si, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) ||
	     si.si_pid || holder__is_traced(s->beat_ns)))
		holder__lose();
	return !holder.lost;
}

static bool probe_set__has_answer(struct probe_set *s)
{
	for (int ms = 0; ms < ANSWER_MS && probe_set__alive(s); ms += STEP_MS)
		if (heart__wait_for(holder.sock, STEP_MS))
			return true;
	holder__lose(); /* an answer that comes later would be taken for that to another request */
	return false;
}

static int probe_set__ask(struct probe_set *s, const struct holder_request *r, const int *fds,
			  size_t nr)
{
	ssize_t n;
	int answer;

	if (holder.lost || send_request(r, fds, nr) || !probe_set__has_answer(s))
		return -EOWNERDEAD;
	n = recv(holder.sock, &answer, sizeof(answer), MSG_DONTWAIT);
	return n == (ssize_t)sizeof(answer) ? answer : -EOWNERDEAD;
}

int probe_set__new(struct probe_set **ret, struct cause *why)
{
	struct probe_set *s = calloc(1, sizeof(*s));
	int err = s ? 0 : -ENOMEM;

	if (!err && !holder.sets)
		err = holder__start(why);
	if (err) {
		free(s);
		return err;
	}
	s->number = HOLDER_SETS;
	holder.sets++;
	*ret = s;
	return 0;
}

void probe_set__free(struct probe_set *s)
{
	const struct holder_request r = { .op = HOLDER_REMOVE, .set = s ? s->number : 0 };

	if (!s)
		return;
	/* the last is removed by the end: it costs no answer */
	if (holder.sets > 1 && s->number < HOLDER_SETS)
		(void)probe_set__ask(s, &r, NULL, 0);
	if (!--holder.sets)
		holder__end();
	free(s);
}

int probe_set__share(struct probe_set *s, int map_fd, const volatile uint64_t *beat_ns)
{
	const struct holder_request r = { .op = HOLDER_ADD };
	int number = probe_set__ask(s, &r, &map_fd, 1);

	if (number < 0)
		return number;
	s->number = (uint32_t)number;
	s->beat_ns = beat_ns;
	return 0;
}

int probe_set__open(struct probe_set *s, uint32_t part, enum attach_method method, int prog_fd,
		    pid_t pid, const struct uplace *where)
{
	struct holder_request r = { .op = HOLDER_OPEN,
				    .set = s->number,
				    .part = part,
				    .method = method,
				    .pid = pid,
				    .nr = where->nr };
	scoped_fd int file_fd = -EBADF;

	if (where->nr > PW_SITES_MAX)
		return -E2BIG;
	file_fd = open(where->path, O_PATH | O_CLOEXEC);
	if (file_fd < 0)
		return -errno;
	memcpy(r.offsets, where->offsets, where->nr * sizeof(r.offsets[0]));
	memcpy(r.cookies, where->cookies, where->nr * sizeof(r.cookies[0]));
	return probe_set__ask(s, &r, (const int[]){ prog_fd, file_fd }, 2);
}

int probe_set__close(struct probe_set *s, uint32_t part)
{
	const struct holder_request r = { .op = HOLDER_CLOSE, .set = s->number, .part = part };

	return probe_set__ask(s, &r, NULL, 0);
}

uint64_t probe_set_cpu_ns(void)
{
	clockid_t clock;

	return !holder.sets || clock_getcpuclockid(holder.pid, &clock) ? 0 : clock_ns(clock);
}
