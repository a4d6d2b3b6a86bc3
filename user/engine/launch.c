// SPDX-License-Identifier: BSD-2-Clause
#include "engine/launch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "code/native.h"
#include "target/goproc.h"

#define AUXV_MAX 64

struct launch {
	pid_t pid; /* 0: it was waited for */
	bool held;
	int status;
	uint64_t at;  /* of the breakpoint; 0: there is none */
	long covered; /* the word that it is in */
	bool in_main; /* it is that of runtime.main */
};

/* --- the child --- */

struct rights {
	bool others; /* than ours */
	uid_t uid;
	gid_t gid;
	char name[64], home[256]; /* "": not known */
};

static void rights__take(struct rights *r, const struct passwd *pw)
{
	r->others = true;
	r->uid = pw->pw_uid;
	r->gid = pw->pw_gid;
	snprintf(r->name, sizeof(r->name), "%s", pw->pw_name);
	snprintf(r->home, sizeof(r->home), "%s", pw->pw_dir);
}

/* sudo says who called it. */
static void rights__of_sudo(struct rights *r)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
	const struct passwd *pw;

	if (geteuid() || !uid || !gid || !strtoul(uid, NULL, 10))
		return;
	r->others = true;
	r->uid = (uid_t)strtoul(uid, NULL, 10);
	pw = getpwuid(r->uid);
	if (pw)
		rights__take(r, pw);
	r->gid = (gid_t)strtoul(gid, NULL, 10);
}

static int rights__find(const char *user, struct rights *r, struct cause *why)
{
	const struct passwd *pw;

	*r = (struct rights){ .others = false };
	if (!user) {
		rights__of_sudo(r);
		return 0;
	}
	pw = getpwnam(user);
	if (!pw)
		return cause__set(why, -ENOENT, "there is no user '%s'", user);
	rights__take(r, pw);
	return 0;
}

/* What sudo has set is of us. */
static void tell_who(const struct rights *r)
{
	static const char *const of_sudo[] = { "SUDO_UID", "SUDO_GID", "SUDO_USER",
					       "SUDO_COMMAND" };

	for (size_t i = 0; i < ARRAY_SIZE(of_sudo); i++)
		unsetenv(of_sudo[i]);
	if (!r->name[0])
		return;
	setenv("HOME", r->home, 1);
	setenv("USER", r->name, 1);
	setenv("LOGNAME", r->name, 1);
}

static int become(const struct rights *r)
{
	if (!r->others)
		return 0;
	if (r->name[0] ? initgroups(r->name, r->gid) : setgroups(1, &r->gid))
		return -errno;
	if (setresgid(r->gid, r->gid, r->gid) || setresuid(r->uid, r->uid, r->uid))
		return -errno;
	tell_who(r);
	return 0;
}

static void be_as_started(void)
{
	sigset_t none;

	for (int sig = 1; sig < SIGRTMAX; sig++) {
		struct sigaction was;

		/* who started us may have asked for that: nohup, a shell's background jobs */
		if (sigaction(sig, NULL, &was) || was.sa_handler == SIG_DFL ||
		    (was.sa_handler == SIG_IGN && sig != SIGPIPE && sig != SIGXFSZ))
			continue;
		signal(sig, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Begins when there is input; what fails goes to the other end. */
__attribute__((noreturn)) static void child(const struct launch_opts *o, const struct rights *r,
					    int begin, int failed)
{
	char byte;
	int err;

	if (read(begin, &byte, 1) != 1)
		_exit(127);
	be_as_started();
	if (o->undo)
		o->undo();
	err = become(r);
	if (!err) {
		execvp(o->argv[0], o->argv);
		err = -errno;
	}
	if (write(failed, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

/* --- breakpoints --- */

static int launch__set(struct launch *l, uint64_t at)
{
	errno = 0;
	l->covered = ptrace(PTRACE_PEEKTEXT, l->pid, (void *)at, NULL);
	if (errno || ptrace(PTRACE_POKETEXT, l->pid, (void *)at,
			    (void *)native_trap_over((unsigned long)l->covered)))
		return -errno;
	l->at = at;
	return 0;
}

/* Takes it out, and goes back to it. False: the trap was another's. */
static bool launch__hit(struct launch *l)
{
	struct user_regs_struct regs;
	struct iovec all = { &regs, sizeof(regs) };

	if (!l->at || ptrace(PTRACE_GETREGSET, l->pid, (void *)NT_PRSTATUS, &all) ||
	    native_trap_at(&regs) != l->at)
		return false;
	native_resume_at(&regs, l->at);
	if (ptrace(PTRACE_POKETEXT, l->pid, (void *)l->at, (void *)l->covered) ||
	    ptrace(PTRACE_SETREGSET, l->pid, (void *)NT_PRSTATUS, &all))
		return false;
	l->at = 0;
	return true;
}

/* Where the program itself begins: by then a loader has put all addresses in their places. */
static int entry_of(pid_t pid, uint64_t *ret)
{
	Elf64_auxv_t v[AUXV_MAX];
	scoped_fd int fd = -EBADF;
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, v, sizeof(v));
	if (n < 0)
		return -errno;
	for (size_t i = 0; i < (size_t)n / sizeof(v[0]); i++)
		if (v[i].a_type == AT_ENTRY) {
			*ret = v[i].a_un.a_val;
			return 0;
		}
	return -ENOENT;
}

/* -ENOENT: it is no Go program (yet). */
static int main_of(pid_t pid, uint64_t *ret, struct cause *why)
{
	static const char *const name = "runtime.main";
	struct gofunc found = { 0 };
	scoped(proc) p = NULL;
	scoped(goproc) gp = NULL;
	int err = proc__open(pid, &p, why);

	if (!err)
		err = goproc__open(p, &gp, why);
	if (!err)
		err = gosym__find(goproc__runtime(gp, 0)->sym, 0, &name, 1, &found);
	if (!err && !found.entry)
		err = -EBADMSG;
	*ret = found.entry;
	return err;
}

/* --- until its first goroutine begins --- */

static int launch__trap(struct launch *l, bool *ret_there, struct cause *why)
{
	struct cause none = { "" };
	uint64_t at = 0;
	int err;

	if (l->in_main) {
		*ret_there = true;
		return 0;
	}
	err = main_of(l->pid, &at, &none);
	if (err == -ENOENT)
		return 0; /* it may become one */
	if (err)
		return none.text[0] ? cause__set(why, err, "%s", none.text) : err;
	l->in_main = true;
	return launch__set(l, at);
}

/* One stop. *ret_sig: what it goes on with. */
static int launch__stopped(struct launch *l, int status, int *ret_sig, bool *ret_there,
			   struct cause *why)
{
	const int sig = WSTOPSIG(status), event = status >> 16;
	uint64_t at = 0;
	int err;

	*ret_sig = 0;
	if (event == PTRACE_EVENT_EXEC) {
		l->at = 0;
		l->in_main = false;
		err = entry_of(l->pid, &at);
		return err ? err : launch__set(l, at);
	}
	if (event)
		return 0;
	if (sig == SIGTRAP && launch__hit(l))
		return launch__trap(l, ret_there, why);
	*ret_sig = sig;
	return 0;
}

static int say_ended(const struct launch_opts *o, int status, struct cause *why)
{
	return WIFSIGNALED(status)
		       ? cause__set(why, -ENOEXEC,
				    "'%s' was ended by signal %d before it was a Go program",
				    o->argv[0], WTERMSIG(status))
		       : cause__set(why, -ENOEXEC,
				    "'%s' ended with exit status %d and was no Go program: give "
				    "the Go program itself, or what calls exec for it",
				    o->argv[0], WEXITSTATUS(status));
}

static int launch__hold(struct launch *l, const struct launch_opts *o, struct cause *why)
{
	bool there = false;
	int err = 0;

	while (!there && !err) {
		int status, sig;

		if (*o->stop)
			return cause__set(why, -ECANCELED,
					  "a signal ended it before recording began");
		if (waitpid(l->pid, &status, __WALL) < 0) {
			err = errno == EINTR ? 0 : -errno;
			continue;
		}
		if (!WIFSTOPPED(status)) {
			l->pid = 0;
			return say_ended(o, status, why);
		}
		err = launch__stopped(l, status, &sig, &there, why);
		if (!err && !there && ptrace(PTRACE_CONT, l->pid, NULL, (void *)(long)sig))
			err = -errno;
	}
	return err ? cause__set(why, err, "cannot start '%s' held: %s", o->argv[0], strerror(-err))
		   : 0;
}

/* The child waits for a byte. Its exec says nothing if it works: the descriptor is closed. */
static int launch__begin(struct launch *l, const struct launch_opts *o, int begin, int failed,
			 struct cause *why)
{
	const long options = PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	struct cause held = { "" };
	int err, said;

	if (ptrace(PTRACE_SEIZE, l->pid, NULL, (void *)options))
		return cause__set(why, -errno, "cannot trace '%s': %s; see ptrace(2)", o->argv[0],
				  strerror(errno));
	if (write(begin, "", 1) != 1)
		return -errno;
	err = launch__hold(l, o, &held);
	if (err == -ENOEXEC && read(failed, &said, sizeof(said)) == sizeof(said))
		return cause__set(why, said, "cannot start '%s': %s", o->argv[0], strerror(-said));
	return err ? cause__set(why, err, "%s", held.text) : 0;
}

int launch__new(const struct launch_opts *o, struct launch **ret, struct cause *why)
{
	scoped(launch) l = calloc(1, sizeof(*l));
	int begin[2], failed[2], err;
	struct rights rights;

	if (!l)
		return -ENOMEM;
	err = rights__find(o->user, &rights, why);
	if (err)
		return err;
	if (pipe2(begin, O_CLOEXEC))
		return -errno;
	if (pipe2(failed, O_CLOEXEC | O_NONBLOCK)) {
		err = -errno;
		close(begin[0]);
		close(begin[1]);
		return err;
	}
	l->pid = fork();
	if (!l->pid) {
		close(begin[1]); /* if we are gone, it reads an end */
		child(o, &rights, begin[0], failed[1]);
	}
	l->held = l->pid > 0;
	err = l->pid < 0 ? -errno : launch__begin(l, o, begin[1], failed[0], why);
	for (int i = 0; i < 2; i++) {
		close(begin[i]);
		close(failed[i]);
	}
	if (!err)
		*ret = steal(l);
	return err;
}

void launch__free(struct launch *l)
{
	if (!l)
		return;
	if (l->pid > 0 && l->held) {
		kill(l->pid, SIGKILL);
		waitpid(l->pid, NULL, __WALL);
	}
	free(l);
}

pid_t launch__pid(const struct launch *l)
{
	return l->pid;
}

bool launch__is_held(const struct launch *l)
{
	return l->held;
}

void launch__go_on(struct launch *l)
{
	if (l->held)
		ptrace(PTRACE_DETACH, l->pid, NULL, NULL);
	l->held = false;
}

bool launch__has_ended(struct launch *l)
{
	if (l->pid && waitpid(l->pid, &l->status, WNOHANG) > 0)
		l->pid = 0;
	return !l->pid;
}

int launch__end(struct launch *l, int sig)
{
	launch__go_on(l);
	if (launch__has_ended(l))
		return l->status;
	if (sig)
		kill(l->pid, sig);
	while (waitpid(l->pid, &l->status, 0) < 0 && errno == EINTR)
		;
	l->pid = 0;
	return l->status;
}
