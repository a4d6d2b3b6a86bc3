// SPDX-License-Identifier: BSD-2-Clause
#include "serve/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/vec.h"
#include "engine/brief.h"
#include "serve/configured.h"
#include "serve/discover.h"
#include "serve/exec_events.h"
#include "serve/kubelet.h"
#include "serve/rights.h"
#include "serve/secrets.h"
#include "serve/wire.h"
#include "serve/worker.h"

/* What is started for a target. */
struct order {
	const char *command;
	uint32_t seconds, events; /* as a request says; 0: it goes on until its target ends */
	enum notice_kind kind;    /* that tells of its pipe */
};

/* Workers that do one thing, and end. */
enum once { ONCE_LEAKS, ONCE_RECORDING, ONCE_MAX };

struct launched {
	struct notice notice;        /* what was told last */
	pid_t worker;                /* 0: none runs */
	pid_t once[ONCE_MAX];        /* 0: none runs */
	struct order next[ONCE_MAX]; /* starts when that has ended; no command: none */
	uint64_t again_ns; /* when the next one starts, or it is looked at again; 0: never */
	uint32_t looks;    /* in vain: looking at it came to no end */
	uint32_t unnamed;  /* scans since it was found, its pod's name not known */
	bool asked;        /* the next scan looks at it again */
	bool watch;        /* the supervisor says so */
	uint32_t detail;   /* and how: WORKER_REQUEST_DETAIL, or 0 */
	bool leaves;       /* its worker was ended because it did not */
	int pidfd;         /* in ends; negative: there is none, the worker tells */
};

struct launcher {
	int to;                             /* the supervisor */
	int signals;                        /* SIGCHLD */
	int ends;                           /* epoll: a process that is known has ended */
	const char *config;                 /* borrowed: the file's path */
	const struct secrets *secrets;      /* borrowed */
	const struct kubelet_opts *kubelet; /* borrowed */
	struct discovery *discovery;        /* owned */
	struct launched *v;                 /* owned */
	size_t nr, room;
	uint64_t scan_ns;    /* the next look for new processes */
	uint64_t scanned_ns; /* when the last one ended */
	int execs;           /* serve/exec_events; negative: there is none */
	bool told;           /* the kernel tells when a program starts */
	bool more; /* it did, since the last look began: the next one comes early, whoever else starts */
	bool ready;
};

/* --- words to the supervisor --- */

/* fd -1: none goes with it. A supervisor that is gone is found by the loop. */
static void launcher__tell(const struct launcher *l, const struct notice *n, int fd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)n, .iov_len = sizeof(*n) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	while (sendmsg(l->to, &msg, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

/* --- workers --- */

/* *ret: 0 if it does not run. 0 or negative errno. */
static int launcher__fork_worker(const struct launcher *l, struct launched *w,
				 const struct order *o, pid_t *ret)
{
	struct notice n = w->notice;
	int fds[2], err = 0;

	*ret = 0;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	*ret = fork();
	if (!*ret)
		become_worker(o->command, w->notice.row.pid, o->seconds, o->events, fds[1]);
	if (*ret < 0) {
		err = -errno;
		*ret = 0;
	}
	close(fds[1]);
	n.kind = o->kind;
	if (!err)
		launcher__tell(l, &n, fds[0]);
	close(fds[0]);
	return err;
}

/* What cannot be started now is tried again later. */
static void launcher__start_worker(const struct launcher *l, struct launched *w)
{
	const struct order o = { .command = WORKER_COMMAND,
				 .events = w->detail,
				 .kind = NOTICE_WATCHED };
	const int err = w->watch ? launcher__fork_worker(l, w, &o, &w->worker) : 0;

	w->notice.kind = NOTICE_WATCHED;
	w->again_ns = 0;
	if (!err)
		return;
	log_warn("cannot start a worker for pid %d: %s", (int)w->notice.row.pid, strerror(-err));
	w->again_ns = clock_now_ns() + LAUNCHER_BACK_OFF_MAX;
}

/* The supervisor hears of one that cannot be started, too. */
static void launcher__start_once(const struct launcher *l, struct launched *w, enum once once,
				 const struct order *o)
{
	struct notice n = w->notice;
	const int err = w->worker ? launcher__fork_worker(l, w, o, &w->once[once]) : -ESRCH;

	if (!err)
		return;
	log_debug("no %s of pid %d now: %s", o->command, (int)n.row.pid, strerror(-err));
	n.kind = o->kind;
	launcher__tell(l, &n, -1);
}

/* One that has told all may not have ended yet. */
static void launcher__order(const struct launcher *l, struct launched *w, enum once once,
			    const struct order *o)
{
	if (w->once[once])
		w->next[once] = *o;
	else
		launcher__start_once(l, w, once, o);
}

static uint64_t back_off_ns(uint32_t restarts)
{
	const uint64_t ns = restarts > 6 ? LAUNCHER_BACK_OFF_MAX : LAUNCHER_BACK_OFF_NS << restarts;

	return ns < LAUNCHER_BACK_OFF_MAX ? ns : LAUNCHER_BACK_OFF_MAX;
}

static void launched__kill(const struct launched *w)
{
	if (w->worker)
		(void)kill(w->worker, SIGKILL);
	for (int i = 0; i < ONCE_MAX; i++)
		if (w->once[i])
			(void)kill(w->once[i], SIGKILL);
}

/* When it ends matters to the supervisor, also of those that have no worker. */
static int launcher__hear_end(const struct launcher *l, pid_t pid)
{
	const int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= 0)
		(void)epoll_ctl(l->ends, EPOLL_CTL_ADD, fd, &e);
	return fd;
}

/* A child of ours may have it, too: closing it is not enough. */
static void launcher__hear_no_end(const struct launcher *l, struct launched *w)
{
	if (w->pidfd < 0)
		return;
	(void)epoll_ctl(l->ends, EPOLL_CTL_DEL, w->pidfd, NULL);
	close(w->pidfd);
	w->pidfd = -EBADF;
}

static void launcher__drop(struct launcher *l, size_t i)
{
	launched__kill(&l->v[i]);
	launcher__hear_no_end(l, &l->v[i]);
	l->v[i].notice.kind = NOTICE_ENDED;
	l->v[i].notice.ended_ns = clock_ns(CLOCK_BOOTTIME);
	launcher__tell(l, &l->v[i].notice, -1);
	l->v[i] = l->v[--l->nr];
}

/* Whatever has its PID then is looked at. */
static void launcher__forget(struct launcher *l, size_t i)
{
	discovery__forget(l->discovery, l->v[i].notice.row.pid);
	launcher__drop(l, i);
}

/* Some have ended. */
static void launcher__hear_ends(struct launcher *l)
{
	struct epoll_event e;

	while (epoll_wait(l->ends, &e, 1, 0) > 0)
		for (size_t i = l->nr; i-- > 0;)
			if (l->v[i].pidfd == e.data.fd)
				launcher__forget(l, i);
}

static bool launched__lives(const struct launched *w)
{
	return brief_start_ticks(w->notice.row.pid) == w->notice.start_ticks;
}

/* A worker is to be started. One that was not looked at in time waits for a scan. */
static bool launched__is_due(const struct launched *w, uint64_t now_ns)
{
	return w->again_ns && w->again_ns <= now_ns && !w->notice.row.unread;
}

/* A worker ends well if its target is over only: it ended, reaped or not, or became another program. */
static void launcher__lost_worker(struct launcher *l, size_t i, int status)
{
	struct launched *w = &l->v[i];

	w->worker = 0;
	if (!status || !launched__lives(w)) {
		launcher__forget(l, i);
		return;
	}
	if (w->leaves) {
		w->leaves = false;
		launcher__start_worker(l, w);
		return;
	}
	w->again_ns = clock_now_ns() + back_off_ns(w->notice.restarts);
	w->notice.restarts++;
}

/* A worker has ended. True: it was one of this target. */
static bool launcher__reaped(struct launcher *l, size_t i, pid_t pid, int status)
{
	struct launched *w = &l->v[i];

	for (int k = 0; k < ONCE_MAX; k++) {
		const struct order next = w->next[k];

		if (w->once[k] != pid)
			continue;
		w->once[k] = 0;
		w->next[k].command = NULL;
		if (next.command)
			launcher__start_once(l, w, (enum once)k, &next);
		return true;
	}
	if (w->worker != pid)
		return false;
	launcher__lost_worker(l, i, status);
	return true;
}

static void launcher__reap(struct launcher *l)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	while (read(l->signals, &si, sizeof(si)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		discovery__reaped(l->discovery, pid);
		for (size_t i = 0; i < l->nr && !launcher__reaped(l, i, pid, status); i++)
			;
	}
}

/* --- targets --- */

/*
 * Asks whether it is to be watched, or says why it is not watched. One that was not looked at in time is looked at
 * again, later.
 */
static void launcher__begin(struct launcher *l, struct launched *w)
{
	w->notice.kind = w->notice.row.why.text[0] ? NOTICE_UNWATCHED : NOTICE_FOUND;
	launcher__tell(l, &w->notice, -1);
	if (w->notice.row.unread)
		w->again_ns = clock_now_ns() + back_off_ns(w->looks++);
}

/* It was not looked at in time before. False: it is another program. */
static bool launcher__found_again(struct launcher *l, struct launched *w,
				  const struct process_row *row)
{
	if (!w->notice.row.unread || !launched__lives(w) ||
	    strcmp(w->notice.row.exe, row->exe) != 0)
		return false;
	w->asked = false;
	w->again_ns = 0;
	w->notice.row = *row;
	launcher__begin(l, w);
	return true;
}

static void launcher__found(struct launcher *l, const struct process_row *row)
{
	struct launched *w;
	uint64_t start_ticks;
	int pidfd;

	for (size_t i = 0; i < l->nr; i++)
		if (l->v[i].notice.row.pid == row->pid) {
			if (launcher__found_again(l, &l->v[i], row))
				return;
			launcher__drop(l, i); /* it runs another program now */
			break;
		}
	if (l->nr == LAUNCHER_TARGETS_MAX ||
	    vec__reserve(&l->v, &l->room, l->nr + 1, sizeof(*l->v))) {
		log_warn("pid %d is not watched: there are %zu others", (int)row->pid, l->nr);
		return;
	}
	pidfd = launcher__hear_end(l, row->pid);
	start_ticks = brief_start_ticks(row->pid); /* after the pidfd: it is still this process */
	w = &l->v[l->nr];
	*w = (struct launched){ .notice = { .start_ticks = start_ticks, .row = *row },
				.pidfd = pidfd };
	if (!start_ticks) { /* it has ended meanwhile */
		launcher__hear_no_end(l, w);
		return;
	}
	l->nr++;
	launcher__begin(l, w);
}

/* The kubelet makes the link that has the names after it has started the container. */
static void launcher__name(struct launcher *l, struct launched *w)
{
	if (!w->notice.row.unread && w->unnamed++ < LAUNCHER_NAME_SCANS &&
	    brief_pod_names(&w->notice.row))
		launcher__begin(l, w);
}

/*
 * Looks for new processes, and again at one that was not looked at in time: at one only, for each may take
 * DISCOVER_KILL_NS, and what is new waits meanwhile.
 */
static void launcher__scan(struct launcher *l, uint64_t now_ns)
{
	struct cause why = { "" };
	struct launched *again = NULL;

	l->scan_ns = UINT64_MAX; /* until this one has ended */
	/* programs that started after the first word of it: nobody has heard of them since */
	l->more = l->told && exec_events_read(l->execs) == EXEC_SEEN;
	for (size_t i = 0; i < l->nr; i++) {
		struct launched *w = &l->v[i];

		if (w->notice.row.unread && w->again_ns <= now_ns &&
		    (!again || w->again_ns < again->again_ns))
			again = w;
	}
	if (again) {
		again->asked = true;
		discovery__forget(l->discovery, again->notice.row.pid);
	}
	if (discovery__begin(l->discovery, &why))
		log_warn("%s", why.text);
}

static void launcher__scan_ended(struct launcher *l)
{
	const bool cut = discovery__was_cut(l->discovery);

	/* those without a worker end unseen; one that was found no more is no Go program */
	for (size_t i = l->nr; i-- > 0;)
		if ((l->v[i].asked && !cut) || (!l->v[i].worker && !launched__lives(&l->v[i])))
			launcher__forget(l, i);
	for (size_t i = 0; i < l->nr; i++)
		launcher__name(l, &l->v[i]);
	l->scanned_ns = clock_now_ns();
	l->scan_ns =
		cut ? 0
		    : l->scanned_ns + (l->told && !l->more ? LAUNCHER_QUIET_NS : LAUNCHER_SCAN_NS);
	if (!l->ready && !cut)
		launcher__tell(l, &(struct notice){ .kind = NOTICE_READY }, -1);
	l->ready |= !cut;
}

static void launcher__take_found(struct launcher *l)
{
	static struct discovered d;
	struct cause why = { "" };
	int got;

	while ((got = discovery__next(l->discovery, &d, &why)) > 0)
		if (d.found == BRIEF_GO)
			launcher__found(l, &d.row);
	if (got < 0)
		log_warn("%s", why.text);
	if (l->scan_ns == UINT64_MAX && !discovery__runs(l->discovery))
		launcher__scan_ended(l);
}

static uint64_t launcher__due_ns(const struct launcher *l)
{
	const uint64_t answer = discovery__due_ns(l->discovery);
	uint64_t due = l->scan_ns < answer ? l->scan_ns : answer;

	for (size_t i = 0; i < l->nr; i++)
		if (launched__is_due(&l->v[i], due))
			due = l->v[i].again_ns;
	return due;
}

static void launcher__tick(struct launcher *l)
{
	const uint64_t now = clock_now_ns();

	if (now >= l->scan_ns)
		launcher__scan(l, now);
	launcher__take_found(l);
	for (size_t i = 0; i < l->nr; i++)
		if (launched__is_due(&l->v[i], now))
			launcher__start_worker(l, &l->v[i]);
}

static void launcher__watch(const struct launcher *l, struct launched *w, bool watch)
{
	if (watch == w->watch || w->notice.row.why.text[0])
		return;
	w->watch = watch;
	w->leaves |= w->worker && !watch;
	if (!watch)
		launched__kill(w);
	else if (!w->worker && !w->again_ns)
		launcher__start_worker(l, w);
}

static void launcher__open_config(const struct launcher *l)
{
	struct notice n = { .kind = NOTICE_CONFIG };
	scoped_fd int fd = config_file__open(l->config, &n.row.why);

	launcher__tell(l, &n, fd);
}

static void launcher__open_secret(const struct launcher *l, uint32_t which)
{
	struct notice n = { .kind = NOTICE_SECRET, .secret = which };
	const char *path = which < SECRET_MAX ? l->secrets->paths[which] : NULL;
	scoped_fd int fd = path ? config_file__open(path, &n.row.why) : -1;

	if (path)
		launcher__tell(l, &n, fd);
}

static void launcher__ask_kubelet(const struct launcher *l)
{
	struct notice n = { .kind = NOTICE_PODS };
	scoped_fd int fd = -1;
	const int err = kubelet__start(l->kubelet, &fd);

	if (err)
		log_debug("the kubelet cannot be asked: %s", strerror(-err));
	launcher__tell(l, &n, fd);
}

static void launcher__serve(const struct launcher *l, const struct request *r)
{
	if (r->kind == REQUEST_PODS)
		launcher__ask_kubelet(l);
	if (r->kind == REQUEST_CONFIG)
		launcher__open_config(l);
	if (r->kind == REQUEST_SECRET)
		launcher__open_secret(l, r->secret);
	for (size_t i = 0; i < l->nr; i++) {
		struct launched *w = &l->v[i];

		if (w->notice.row.pid != r->pid || w->notice.start_ticks != r->start_ticks)
			continue;
		if (r->kind == REQUEST_WATCH)
			w->detail = r->events;
		if (r->kind == REQUEST_WATCH || r->kind == REQUEST_LEAVE)
			launcher__watch(l, w, r->kind == REQUEST_WATCH);
		else if (r->kind == REQUEST_LEAK_WATCH)
			launcher__order(l, w, ONCE_LEAKS,
					&(struct order){ LEAK_WORKER_COMMAND, r->seconds, w->detail,
							 NOTICE_LEAK_WATCH });
		else if (r->kind == REQUEST_RECORDING)
			launcher__order(l, w, ONCE_RECORDING,
					&(struct order){ RECORDING_WORKER_COMMAND, r->seconds,
							 r->events, NOTICE_RECORDING });
		else if (r->kind == REQUEST_REPLACE && w->worker)
			(void)kill(w->worker, SIGKILL);
	}
}

/* Requests of the supervisor. False: it is gone. */
static bool launcher__hear(struct launcher *l)
{
	static struct request requests[LAUNCHER_TARGETS_MAX];
	const ssize_t n = recv(l->to, requests, sizeof(requests), MSG_DONTWAIT);

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(*requests); i++)
		launcher__serve(l, &requests[i]);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* A program starts: as soon as after any look, and not before its runtime is there. */
static void launcher__hear_execs(struct launcher *l)
{
	const enum exec_seen seen = exec_events_read(l->execs);
	uint64_t due = clock_now_ns() + LAUNCHER_BEGUN_NS;

	l->told |= seen != EXEC_SEEN_NONE;
	if (seen != EXEC_SEEN)
		return;
	l->more = true;
	if (due < l->scanned_ns + LAUNCHER_SCAN_NS)
		due = l->scanned_ns + LAUNCHER_SCAN_NS;
	if (l->scan_ns != UINT64_MAX && l->scan_ns > due)
		l->scan_ns = due;
}

static void launcher__loop(struct launcher *l)
{
	struct pollfd fds[] = {
		{ .fd = l->to, .events = POLLIN },
		{ .fd = l->signals, .events = POLLIN },
		{ .events = POLLIN },
		{ .events = POLLIN },
		{ .fd = l->ends, .events = POLLIN },
	};

	for (;;) {
		const uint64_t now = clock_now_ns(), due = launcher__due_ns(l);
		const int ms = due > now ? (int)((due - now) / NS_PER_MS) + 1 : 0;

		fds[2].fd = discovery__fd(l->discovery);
		fds[3].fd = l->more ? -EBADF : l->execs;
		if (poll(fds, ARRAY_SIZE(fds), ms) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && !launcher__hear(l))
			return;
		if (fds[3].revents)
			launcher__hear_execs(l);
		if (fds[4].revents) /* before what is found in their place is told */
			launcher__hear_ends(l);
		launcher__reap(l);
		launcher__tick(l);
	}
}

static void __attribute__((noreturn))
launcher_main(const char *config, const struct secrets *secrets, const struct kubelet_opts *kubelet,
	      int to)
{
	struct launcher l = { .to = to, .config = config, .secrets = secrets, .kubelet = kubelet };
	struct cause why = { "" };
	sigset_t child;
	int err;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "pw-launcher");
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigaddset(&child, SIGINT); /* the supervisor says when it is over */
	sigaddset(&child, SIGTERM);
	sigaddset(&child, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	l.execs = exec_events_open();
	l.signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
	l.ends = epoll_create1(EPOLL_CLOEXEC);
	err = l.signals < 0 || l.ends < 0 ? -errno : rights_keep_few(&why);
	if (!err)
		err = discovery__new(&l.discovery);
	if (err)
		log_error("cannot start the launcher: %s", why.text[0] ? why.text : strerror(-err));
	else
		launcher__loop(&l);
	for (size_t i = 0; i < l.nr; i++)
		launched__kill(&l.v[i]);
	_exit(err != 0);
}

int launcher__start(const char *config, const struct secrets *secrets,
		    const struct kubelet_opts *kubelet, pid_t *ret, int *ret_fd, struct cause *why)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return cause__set(why, -errno, "cannot make a socket: %s", strerror(errno));
	*ret = fork();
	if (!*ret) {
		close(fds[0]);
		launcher_main(config, secrets, kubelet, fds[1]);
	}
	close(fds[1]);
	if (*ret < 0) {
		close(fds[0]);
		return cause__set(why, -errno, "cannot start the launcher: %s", strerror(errno));
	}
	*ret_fd = fds[0];
	return 0;
}
