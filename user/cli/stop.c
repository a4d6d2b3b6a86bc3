// SPDX-License-Identifier: BSD-2-Clause
#include "cli/stop.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "cli/pause.h"
#include "cli/stuck.h"

#define ASK_MS 100
#define SECOND 10 /* asks */
/* without an answer: with the time until the first one less than a second after the signal */
#define ASKS_MAX 6
#define ASK      SIGURG /* nobody else sends it */
#define LOADED   5u     /* times as long where others want the processors too */
#define STACK    (128u << 10)

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t asked, from_terminal, answers, is_read;
static volatile pid_t stop_target;

/* The first signal ends what goes on, the second the program (SA_RESETHAND). */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	from_terminal = info->si_code == SI_KERNEL;
	asked = 1;
}

static void on_ask(int sig)
{
	(void)sig;
	answers ^= 1;
}

struct asker {
	pthread_t reader;
	sig_atomic_t before;
	int asks;                         /* since the last answer */
	unsigned int turns;               /* of ASK_MS */
	uint64_t most_s, spent_s;         /* in all; 0: no limit */
	uint64_t after_ns, signal_cpu_ns; /* of the reader's CPU time, after the signal */
	unsigned int signal_turn;         /* 0: none came */
	struct stuck stuck;
	struct stuck silent; /* since it was asked */
};

static void __attribute__((noreturn, format(printf, 1, 2))) give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(STDERR_FILENO, fmt, ap);
	va_end(ap);
	_exit(1);
}

/*
 * A signal came: its handler has run, or it waits for a thread that does not come back from the
 * kernel.
 */
static bool came(void)
{
	sigset_t waiting;
	bool any = asked;

	sigpending(&waiting);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		any |= sigismember(&waiting, signals[i]) == 1;
	return any;
}

/*
 * From the first signal on: does it still take some? Who only waits for a processor is no matter.
 */
static void asker__ask(struct asker *a)
{
	if (a->asks && answers != a->before)
		a->asks = 0;
	if (!a->asks++) {
		a->before = answers;
		stuck__init(&a->silent, a->stuck.thread);
		pthread_kill(a->reader, ASK);
	} else if (stuck__ask(&a->silent) == STUCK_READS && a->silent.turns >= ASKS_MAX &&
		   !is_read) {
		give_up("parkwatch: pid %d does not answer when its memory is read: ended without "
			"a report\n",
			(int)stop_target);
	}
}

static uint64_t asker__reader_cpu_ns(const struct asker *a)
{
	clockid_t clock;

	return pthread_getcpuclockid(a->reader, &clock) ? 0 : clock_ns(clock);
}

/*
 * From the first signal on: is it done soon? Its CPU time counts, for that others want the
 * processors is not its fault; but not for ever.
 */
static void asker__limit(struct asker *a)
{
	const uint64_t cpu_ns = asker__reader_cpu_ns(a);

	if (!a->after_ns) /* the signal itself is the end */
		return;
	if (!a->signal_turn) {
		a->signal_turn = a->turns + 1;
		a->signal_cpu_ns = cpu_ns;
		return;
	}
	if (cpu_ns - a->signal_cpu_ns < a->after_ns &&
	    (a->turns + 1 - a->signal_turn) * ASK_MS * NS_PER_MS < LOADED * a->after_ns)
		return;
	if (!is_read && stuck__ask(&a->silent) != STUCK_WRITES)
		give_up("parkwatch: pid %d: what was seen could not be put together within %.2g s "
			"after the signal: ended without a report\n",
			(int)stop_target, (double)a->after_ns / NS_PER_SEC);
}

/* Once a second, signal or not. */
static void asker__look(struct asker *a)
{
	const enum stuck_state way = stuck__ask(&a->stuck);
	char what[256];

	a->spent_s += way != STUCK_WRITES;
	if (a->most_s && a->spent_s > a->most_s && !is_read)
		give_up("parkwatch: pid %d was looked at for %llu s, that is the most: ended "
			"without a report\n",
			(int)stop_target, (unsigned long long)a->most_s);
	if (way != STUCK_READS || a->stuck.asks < STUCK_ASKS || is_read)
		return;
	stuck__describe(&a->stuck, stop_target, what, sizeof(what));
	give_up("parkwatch: %s was not answered for %d s when it was read: ended without a "
		"report\n",
		what, STUCK_ASKS);
}

static void *asker__run(void *arg)
{
	static const struct timespec nap = { .tv_nsec = ASK_MS * NS_PER_MS };
	struct asker *a = arg;

	while (!is_read) {
		nanosleep(&nap, NULL);
		if (came()) {
			asker__ask(a);
			asker__limit(a);
		}
		if (!(++a->turns % SECOND))
			asker__look(a);
	}
	return NULL;
}

/* No thread: as good as it gets, the third signal is SIGKILL. */
static void asker__start(pid_t target, uint64_t most_ns, uint64_t after_ns)
{
	static struct asker a;
	struct sigaction sa = { .sa_handler = on_ask, .sa_flags = SA_RESTART };
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;

	a.reader = pthread_self();
	stop_target = target;
	a.most_s = most_ns / NS_PER_SEC;
	a.after_ns = after_ns;
	stuck__init(&a.stuck, (pid_t)syscall(SYS_gettid));
	sigaction(ASK, &sa, NULL);
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_create(&thread, &attr, asker__run, &a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}

const volatile sig_atomic_t *stop_on_signals(pid_t target, uint64_t most_ns, uint64_t after_ns)
{
	struct sigaction sa = { .sa_sigaction = on_signal,
				.sa_flags = (int)(SA_RESETHAND | SA_SIGINFO) };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction before;

		/*
		 * What nohup made deaf stays deaf. A shell's background jobs begin with SIGINT
		 * ignored: if it is sent, it is meant.
		 */
		if (signals[i] == SIGHUP && !sigaction(SIGHUP, NULL, &before) &&
		    before.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	pause_on_signals();
	asker__start(target, most_ns, after_ns);
	return &asked;
}

void stop_at_once(pid_t target, uint64_t most_ns)
{
	/* SIGHUP as it is: nohup. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	asker__start(target, most_ns, 0);
}

void stop_is_written(void)
{
	struct sigaction sa;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (sigaction(signals[i], NULL, &sa) || !(sa.sa_flags & SA_SIGINFO) ||
		    sa.sa_sigaction != on_signal)
			continue;
		sa.sa_flags |= SA_RESTART;
		sigaction(signals[i], &sa, NULL);
	}
}

void stop_is_of(pid_t target)
{
	stop_target = target;
}

bool stop_came_from_terminal(void)
{
	return from_terminal;
}

void stop_is_read(void)
{
	is_read = 1;
}
