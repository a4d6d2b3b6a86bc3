// SPDX-License-Identifier: BSD-2-Clause
#include "serve/reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "serve/reading.h"
#include "serve/rights.h"

/* --- a reader --- */

struct output {
	int fd;
	struct http_answer *a;
};

static int write_pieces(int fd, struct iovec *v, int nr)
{
	while (nr) {
		ssize_t n = writev(fd, v, nr);

		if (n < 0)
			return -errno;
		for (; nr && (size_t)n >= v->iov_len; v++, nr--)
			n -= (ssize_t)v->iov_len;
		if (nr) {
			v->iov_base = (char *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* The head goes before the first piece. */
static int output__put(struct output *o, const char *bytes, size_t len)
{
	const struct http_answer *a = o->a;
	struct reader_head head = { .magic = READER_MAGIC,
				    .status = a->status,
				    .go_pprof = a->go_pprof,
				    .retry_s = a->retry_s };
	uint32_t nr = (uint32_t)len;
	struct iovec v[] = { { &head, sizeof(head) },
			     { &nr, sizeof(nr) },
			     { (void *)(uintptr_t)bytes, len } };
	const int skipped = a->begun;

	snprintf(head.type, sizeof(head.type), "%s", a->type);
	snprintf(head.interval, sizeof(head.interval), "%s", a->interval);
	o->a->begun = true;
	return write_pieces(o->fd, v + skipped, (int)ARRAY_SIZE(v) - skipped);
}

static ssize_t output_write(void *ctx, const char *bytes, size_t len)
{
	return len && output__put(ctx, bytes, len) ? 0 : (ssize_t)len;
}

static int output__finish(struct output *o, struct http_answer *a)
{
	int err = 0;

	if (a->body.err || a->broken || fflush(a->out))
		return -EIO;
	if (a->body.nr)
		err = output__put(o, a->body.v, a->body.nr);
	return err ? err : output__put(o, NULL, 0);
}

static void bound_all(void)
{
#ifndef __SANITIZE_ADDRESS__ /* its shadow would count */
	(void)setrlimit(RLIMIT_DATA, &(struct rlimit){ READER_BYTES_MAX, READER_BYTES_MAX });
#endif
	(void)setrlimit(RLIMIT_CPU, &(struct rlimit){ READER_S, READER_S });
	(void)setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 });
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	alarm(READER_S);
}

/* What it has: 0 is what it reads, 1 where it writes to, 3 the store's folder, if store says so. */
static void __attribute__((noreturn)) reader_main(bool store)
{
	static struct reading_opened o;
	struct http_answer a = { .status = 200, .type = "" };
	struct output to = { .fd = STDOUT_FILENO, .a = &a };
	int err;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "pw-reader");
	bound_all();
	textbuf__init(&a.body, NULL);
	a.out = fopencookie(&to, "w", (cookie_io_functions_t){ .write = output_write });
	err = a.out ? reading_opened__init(&o, STDIN_FILENO, store ? STDERR_FILENO + 1 : -1)
		    : -ENOMEM;
	if (!err) {
		(void)setvbuf(a.out, NULL, _IOFBF, HTTP_PIECE_BYTES);
		reading__answer(&o.reading, &a);
		err = output__finish(&to, &a);
	}
	_exit(err != 0);
}

/* --- who starts them --- */

struct running {
	pid_t pid;
	int to; /* its pipe, to see whether anybody reads */
	uint64_t until_ns;
};

struct host {
	int from, signals;
	struct running v[READERS_MAX];
	size_t nr;
};

/* fds: what it reads, where it writes to, the store's folder or -1. Above 3 there is room to sort them. */
static void __attribute__((noreturn)) become_reader(const int fds[3])
{
	const int store = fds[2] < 0 ? -1 : STDERR_FILENO + 1;
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL); /* nobody reads: it ends */
	if (dup2(fds[0], STDIN_FILENO) < 0 || dup2(fds[1], STDOUT_FILENO) < 0 ||
	    (store >= 0 && dup2(fds[2], store) < 0) ||
	    close_range((unsigned int)(STDERR_FILENO + 1 + (store >= 0)), ~0U, 0))
		_exit(1);
	reader_main(store >= 0);
}

static void host__begin(struct host *h, const int fds[3])
{
	pid_t pid = h->nr < READERS_MAX ? fork() : -1;

	if (!pid)
		become_reader(fds);
	if (pid > 0)
		h->v[h->nr++] = (struct running){
			.pid = pid, .to = fds[1], .until_ns = clock_now_ns() + READER_S * NS_PER_SEC
		};
	else
		close(fds[1]); /* who asked sees that nothing comes */
	close(fds[0]);
	if (fds[2] >= 0)
		close(fds[2]);
}

/* False: who asks is gone. */
static bool host__hear(struct host *h)
{
	char one, control[CMSG_SPACE(3 * sizeof(int))];
	struct iovec iov = { .iov_base = &one, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	const ssize_t got = recvmsg(h->from, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fds[3] = { -1, -1, -1 };

	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(2 * sizeof(int)) &&
	    c->cmsg_len <= CMSG_LEN(3 * sizeof(int))) {
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
		host__begin(h, fds);
	}
	return true;
}

static void host__reap(struct host *h)
{
	struct signalfd_siginfo si;
	pid_t pid;

	while (read(h->signals, &si, sizeof(si)) > 0)
		;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < h->nr; i++)
			if (h->v[i].pid == pid) {
				close(h->v[i].to);
				h->v[i] = h->v[--h->nr];
				break;
			}
}

static void host__loop(struct host *h)
{
	for (;;) {
		struct pollfd fds[2 + READERS_MAX] = { { .fd = h->from, .events = POLLIN },
						       { .fd = h->signals, .events = POLLIN } };
		const size_t nr = h->nr;
		uint64_t now;

		for (size_t i = 0; i < nr; i++)
			fds[2 + i] = (struct pollfd){ .fd = h->v[i].to }; /* POLLERR */
		if (poll(fds, 2 + nr, nr ? 1000 : -1) < 0 && errno != EINTR)
			return;
		now = clock_now_ns();
		for (size_t i = 0; i < nr; i++)
			if (fds[2 + i].revents & POLLERR || now > h->v[i].until_ns)
				(void)kill(h->v[i].pid, SIGKILL);
		host__reap(h);
		if (fds[0].revents && !host__hear(h))
			return;
	}
}

static void __attribute__((noreturn)) host_main(int from)
{
	struct host h = { .from = STDERR_FILENO + 1 };
	struct cause why = { "" };
	sigset_t child;

	(void)prctl(PR_SET_NAME, "pw-readers");
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigaddset(&child, SIGINT); /* the supervisor says when it is over */
	sigaddset(&child, SIGTERM);
	sigaddset(&child, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	if (dup2(from, h.from) < 0 || close_range((unsigned int)h.from + 1, ~0U, 0) ||
	    rights_drop_all(&why))
		_exit(1);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a new user ends that */
	h.signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
	if (h.signals >= 0)
		host__loop(&h);
	for (size_t i = 0; i < h.nr; i++)
		(void)kill(h.v[i].pid, SIGKILL);
	_exit(0);
}

int reader__start(pid_t *ret, int *ret_fd, struct cause *why)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return cause__set(why, -errno, "cannot make a socket: %s", strerror(errno));
	*ret = fork();
	if (!*ret)
		host_main(fds[1]);
	close(fds[1]);
	if (*ret < 0) {
		*ret = 0;
		close(fds[0]);
		return cause__set(why, -errno, "cannot start the readers: %s", strerror(errno));
	}
	*ret_fd = fds[0];
	return 0;
}
