/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/dummy.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heart.h"
#include "code/native.h"

#define DUMMY_FRAMES 10
#define ANSWER_MS    10000 /* most time for its answer: one takes some ms */
#define CHILD_SOCK   3     /* its one descriptor besides the standard ones */
#define FRAME_WORDS  12    /* a frame of middling size */
#define G_WORDS      48
enum {
	G_M = 1,
	G_SCHED_PC = 2,
	G_SCHED_BP = 3,
	G_GOID = 4,
	G_REASON = 5,
	G_GOPC = 6,
	G_STARTPC = 7,
	G_PARENT = 8
};
enum { M_CURG = 1 };

struct dummy_body {
	uint64_t g[G_WORDS]; /* first: the stubs take the body for its g */
	uint64_t m[4];
	uint64_t frames[DUMMY_FRAMES + 1][FRAME_WORDS];
};
_Static_assert(offsetof(struct dummy_body, frames) == 416, "NATIVE_FRAMES_OFF");

void dummy_layout(struct pw_layout *ret)
{
	memset(ret, 0xff, sizeof(*ret)); /* PW_NO_FIELD */
	ret->g_m = 8 * G_M;
	ret->g_sched_pc = 8 * G_SCHED_PC;
	ret->g_sched_bp = 8 * G_SCHED_BP;
	ret->g_goid = 8 * G_GOID;
	ret->g_waitreason = 8 * G_REASON;
	ret->g_gopc = 8 * G_GOPC;
	ret->g_startpc = 8 * G_STARTPC;
	ret->g_parent_goid = 8 * G_PARENT;
	ret->m_curg = 8 * M_CURG;
}

void dummy_site(struct pw_site *ret)
{
	*ret = (struct pw_site){
		.g = { .kind = PW_LOC_REG, .reg = native_g_reg },
		.cur = { .kind = PW_LOC_REG, .reg = native_g_reg },
		.reason = { .kind = PW_LOC_REG, .reg = native_reason_reg },
		.arg = { .kind = PW_LOC_REG, .reg = native_reason_reg },
		.type = { .kind = PW_LOC_REG, .reg = native_g_reg },
	};
}

static void body__init(struct dummy_body *b)
{
	memset(b, 0, sizeof(*b));
	for (int i = 0; i < DUMMY_FRAMES; i++) {
		b->frames[i][0] = (uint64_t)(uintptr_t)b->frames[i + 1];
		b->frames[i][1] = 0x1000 + (uint64_t)i;
	}
	b->g[G_M] = (uint64_t)(uintptr_t)b->m;
	b->g[G_SCHED_PC] = 0x900;
	b->g[G_SCHED_BP] = (uint64_t)(uintptr_t)b->frames;
	b->g[G_GOID] = 1;
	b->g[G_GOPC] = b->g[G_STARTPC] = 0x800;
	b->m[M_CURG] = (uint64_t)(uintptr_t)b->g;
}

struct command {
	uint32_t n, in_thread;
	uint32_t nr; /* classes in a turn */
	uint32_t classes[DUMMY_TURN_MAX];
};

struct dummy {
	pid_t pid;
	int sock;
	uint64_t
		file_bias; /* address minus offset in the file, of the text that the stubs are in */
};

struct errand { /* of the child's second thread */
	struct dummy_body *body;
	struct command cmd;
};

static void *errand_run(void *arg)
{
	const struct errand *e = arg;

	if (e->cmd.nr == 1)
		native_stubs[e->cmd.classes[0]].run(e->body, e->cmd.n);
	for (uint32_t i = 0; e->cmd.nr > 1 && i < e->cmd.n; i++)
		for (uint32_t k = 0; k < e->cmd.nr; k++)
			native_stubs[e->cmd.classes[k]].run(e->body, 1);
	return NULL;
}

/* The child. Never returns. */
static void child_serve(int sock)
{
	static struct dummy_body body;
	struct errand e = { .body = &body };
	uint64_t start, ns;
	pthread_t t;

	body__init(&body);
	while (read(sock, &e.cmd, sizeof(e.cmd)) == sizeof(e.cmd)) {
		start = clock_now_ns();
		if (!e.cmd.in_thread)
			errand_run(&e);
		else if (pthread_create(&t, NULL, errand_run, &e) || pthread_join(t, NULL))
			break;
		ns = clock_now_ns() - start;
		if (write(sock, &ns, sizeof(ns)) != sizeof(ns))
			break;
	}
	_exit(0);
}

/* Address minus file offset of the mapping of this program that holds the stubs. */
static int text_bias(uint64_t *ret)
{
	uint64_t start, end, off, at = (uint64_t)(uintptr_t)native_stubs[0].at;
	FILE *f = fopen("/proc/self/maps", "re");
	char *line = NULL;
	size_t cap = 0;
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && getline(&line, &cap, f) > 0)
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &off) == 3 &&
		    at >= start && at < end) {
			*ret = start - off;
			err = 0;
		}
	free(line);
	fclose(f);
	return err;
}

int dummy__new(struct dummy **ret)
{
	scoped(dummy) d = calloc(1, sizeof(*d));
	pid_t parent = getpid();
	int sv[2], err;

	if (!d)
		return -ENOMEM;
	d->sock = -EBADF;
	err = text_bias(&d->file_bias);
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return -errno;
	d->sock = sv[0];
	d->pid = fork();
	err = d->pid < 0 ? -errno : 0;
	if (d->pid == 0) {
		close(sv[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || dup2(sv[1], CHILD_SOCK) < 0)
			_exit(0);
		/* links that another copy of their fd would keep alive */
		syscall(SYS_close_range, CHILD_SOCK + 1, ~0U, 0);
		child_serve(CHILD_SOCK);
	}
	close(sv[1]);
	if (err)
		return err;
	*ret = steal(d);
	return 0;
}

void dummy__free(struct dummy *d)
{
	if (!d)
		return;
	if (d->sock >= 0)
		close(d->sock);
	if (d->pid > 0) {
		kill(d->pid, SIGKILL);
		waitpid(d->pid, NULL, 0);
	}
	free(d);
}

pid_t dummy__pid(const struct dummy *d)
{
	return d->pid;
}

uint64_t dummy__offset(const struct dummy *d, enum insn_class class)
{
	return (uint64_t)(uintptr_t)native_stubs[class].at - d->file_bias;
}

static int dummy__command(struct dummy *d, const struct command *cmd, uint64_t *ret_ns)
{
	uint64_t ns;

	if (send(d->sock, cmd, sizeof(*cmd), MSG_NOSIGNAL) != sizeof(*cmd) ||
	    !heart__wait_for(d->sock, ANSWER_MS) ||
	    recv(d->sock, &ns, sizeof(ns), MSG_WAITALL) != sizeof(ns))
		return -ECHILD;
	*ret_ns = ns;
	return 0;
}

int dummy__run(struct dummy *d, enum insn_class class, uint32_t n, bool in_thread, uint64_t *ret_ns)
{
	struct command cmd = { .n = n, .in_thread = in_thread, .nr = 1, .classes = { class } };

	return dummy__command(d, &cmd, ret_ns);
}

int dummy__run_turns(struct dummy *d, const enum insn_class *classes, uint32_t nr, uint32_t n,
		     uint64_t *ret_ns)
{
	struct command cmd = { .n = n, .nr = nr };

	if (!nr || nr > DUMMY_TURN_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < nr; i++)
		cmd.classes[i] = classes[i];
	return dummy__command(d, &cmd, ret_ns);
}
