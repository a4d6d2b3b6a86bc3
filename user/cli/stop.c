// SPDX-License-Identifier: BSD-2-Clause
#include "cli/stop.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"

#define ASK_MS	  100
#define ASKS_MAX  6	 /* without an answer: with the time until the first one less than a second after the signal */
#define ASK	  SIGURG /* nobody else sends it */
#define STACK	  (64u << 10)

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t asked, answers, is_read;

/* The first signal ends what goes on, the second the program (SA_RESETHAND). */
static void on_signal(int sig)
{
	(void)sig;
	asked = 1;
}

static void on_ask(int sig)
{
	(void)sig;
	answers ^= 1;
}

struct asker {
	pthread_t reader;
	char words[128];
};

/* A signal came: its handler has run, or it waits for a thread that does not come back from the kernel. */
static bool came(void)
{
	sigset_t waiting;
	bool any = asked;

	sigpending(&waiting);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		any |= sigismember(&waiting, signals[i]) == 1;
	return any;
}

static void *asker__run(void *arg)
{
	static const struct timespec nap = { .tv_nsec = ASK_MS * NS_PER_MS };
	const struct asker *a = arg;
	sig_atomic_t before = 0;
	int asks = 0; /* since the last answer */

	while (!is_read) {
		nanosleep(&nap, NULL);
		if (!came())
			continue;
		if (asks && answers != before)
			asks = 0;
		if (!asks++) {
			before = answers;
			pthread_kill(a->reader, ASK);
		} else if (asks > ASKS_MAX && !is_read) {
			dprintf(STDERR_FILENO, "%s", a->words);
			_exit(1);
		}
	}
	return NULL;
}

/* No thread: as good as it gets, the third signal is SIGKILL. */
static void asker__start(pid_t target)
{
	static struct asker a;
	struct sigaction sa = { .sa_handler = on_ask, .sa_flags = SA_RESTART };
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;

	a.reader = pthread_self();
	snprintf(a.words, sizeof(a.words), "parkwatch: pid %d does not answer when its memory is read: ended without a report\n", (int)target);
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

const volatile sig_atomic_t *stop_on_signals(pid_t target)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction before;

		/* What nohup made deaf stays deaf. A shell's background jobs begin with SIGINT ignored: who sends it means it. */
		if (signals[i] == SIGHUP && !sigaction(SIGHUP, NULL, &before) && before.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	asker__start(target);
	return &asked;
}

void stop_is_read(void)
{
	is_read = 1;
}
