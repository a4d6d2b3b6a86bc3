// SPDX-License-Identifier: BSD-2-Clause
#include "engine/oscalls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "target/fds.h"
#include "target/oscall.h"

struct oscalls {
	const struct proc *proc;       /* borrowed */
	bool is_inside;                /* a PID namespace of its own */
	struct thread_number *threads; /* as far as they are known; owned */
	size_t nr_threads;
	uint64_t threads_ns, fds_ns; /* when they were read; 0: never */
	struct fds *fds;             /* owned; NULL: not read */
	size_t asked;                /* in this look */
	char text[OSCALLS_TEXT_MAX];
};

int oscalls__new(const struct proc *p, struct oscalls **ret)
{
	struct oscalls *o = calloc(1, sizeof(*o));
	struct proc_number number;

	if (!o)
		return -ENOMEM;
	o->proc = p;
	o->is_inside = !proc__number(p, &number) && number.pid != proc__pid(p);
	*ret = o;
	return 0;
}

void oscalls__free(struct oscalls *o)
{
	if (!o)
		return;
	fds__free(o->fds);
	free(o->threads);
	free(o);
}

void oscalls__look(struct oscalls *o)
{
	o->asked = 0;
}

static bool is_old(uint64_t read_ns)
{
	return !read_ns || clock_now_ns() - read_ns > NS_PER_SEC;
}

static void oscalls__read_threads(struct oscalls *o)
{
	struct thread_number *v;
	size_t nr;

	o->threads_ns = clock_now_ns();
	if (thread_numbers(o->proc, &v, &nr))
		return;
	free(o->threads);
	o->threads = v;
	o->nr_threads = nr;
}

/* What the thread is called here; 0: nobody knows. Threads come and go. */
static pid_t oscalls__thread(struct oscalls *o, pid_t own)
{
	if (!o->is_inside)
		return own;
	for (int again = 0; again < 2; again++) {
		const pid_t here = thread_here(o->threads, o->nr_threads, own);

		if (here)
			return here;
		if (!is_old(o->threads_ns))
			break;
		oscalls__read_threads(o);
	}
	return 0;
}

static const char *oscalls__peer(struct oscalls *o, int fd)
{
	if (is_old(o->fds_ns)) {
		fds__free(steal(o->fds));
		o->fds_ns = clock_now_ns();
		if (fds__new(o->proc, &o->fds))
			o->fds = NULL;
	}
	return o->fds ? fds__describe(o->fds, fd) : "";
}

const char *oscalls__text(struct oscalls *o, uint32_t tid)
{
	const pid_t thread = tid && o->asked < OSCALLS_A_LOOK ? oscalls__thread(o, (pid_t)tid) : 0;
	const char *name, *peer = "";
	struct oscall c;
	bool fd;

	if (!thread)
		return "";
	o->asked++;
	if (oscall_of(o->proc, thread, &c))
		return "";
	name = oscall_name(c.nr, &fd);
	if (!name) {
		snprintf(o->text, sizeof(o->text), "system call %ld", c.nr);
		return o->text;
	}
	if (!fd)
		return name;
	peer = oscalls__peer(o, (int)c.arg);
	snprintf(o->text, sizeof(o->text), "%s fd %d%s%s", name, (int)c.arg, peer[0] ? ", " : "",
		 peer);
	return o->text;
}
