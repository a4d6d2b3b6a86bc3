// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/stuck.h"

struct waiter {
	void (*wait)(int fd);
	int fd;
	atomic_int thread;
};

static void waits_to_read(int fd)
{
	char c;

	(void)!read(fd, &c, 1);
}

static void waits_to_write(int fd)
{
	static char much[1 << 20];

	(void)!write(fd, much, sizeof(much));
}

static char fifo[64];

static void waits_for_a_reader(int fd)
{
	(void)fd;
	close(open(fifo, O_WRONLY | O_CLOEXEC));
}

static void waits_for_a_ring(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLPRI };

	(void)poll(&pfd, 1, -1);
}

static void *run(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->thread, (int)syscall(SYS_gettid));
	w->wait(w->fd);
	return NULL;
}

static const struct timespec moment = { .tv_nsec = 1000000 };

/* Asked until the thread waits, and twice more. */
static enum stuck_state ask_thrice(struct stuck *s)
{
	for (int i = 0; i < 5000 && s->asks < 3; i++) {
		(void)stuck__ask(s);
		nanosleep(&moment, NULL);
	}
	return stuck__ask(s);
}

Test(stuck, what_a_thread_waits_for_is_told_apart)
{
	static const struct {
		void (*wait)(int fd);
		bool reads;
		enum stuck_state want;
	} t[] = {
		{ waits_to_read, true, STUCK_READS },
		{ waits_to_write, false, STUCK_WRITES },
		{ waits_for_a_reader, true, STUCK_WRITES },
		{ waits_for_a_ring, true, STUCK_NOT },
	};
	int fds[2];

	snprintf(fifo, sizeof(fifo), "/tmp/test_stuck.%d", getpid());
	cr_assert_eq(mkfifo(fifo, 0600), 0);

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct waiter w = { .wait = t[i].wait };
		pthread_t thread;
		char what[256];
		struct stuck s;

		cr_assert_eq(pipe(fds), 0);
		w.fd = fds[!t[i].reads];
		pthread_create(&thread, NULL, run, &w);
		while (!atomic_load(&w.thread))
			nanosleep(&moment, NULL);
		stuck__init(&s, w.thread);
		cr_expect_eq(ask_thrice(&s), t[i].want, "%zu: %s", i, s.wait);
		cr_expect_geq(s.asks, 3, "%zu: it waits for the same", i);
		stuck__describe(&s, getpid(), what, sizeof(what));
		if (t[i].want == STUCK_READS)
			cr_expect(!strncmp(what, "the file 'pipe:", 15), "%s", what);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		close(fds[0]);
		close(fds[1]);
	}
	unlink(fifo);
}

Test(stuck, who_goes_on_between_is_not)
{
	struct waiter w = { .wait = waits_to_read };
	pthread_t thread;
	struct stuck s;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	w.fd = fds[0];
	pthread_create(&thread, NULL, run, &w);
	while (!atomic_load(&w.thread))
		nanosleep(&moment, NULL);
	stuck__init(&s, w.thread);
	(void)ask_thrice(&s);
	s.woken--; /* as if it had woken since, and waited for the same again */
	cr_expect_eq(stuck__ask(&s), STUCK_READS);
	cr_expect_eq(s.asks, 1);
	cr_expect_geq(s.turns, 4, "it is the same call");
	(void)!write(fds[1], "", 1);
	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
}
