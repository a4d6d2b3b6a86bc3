/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/pause.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/cleanup.h"

#define STEP_MS 5
/* it takes some 30 to 200 ms; a probe holder that was killed never says that it is done */
#define MOST_MS 1000

static void on_pause(int sig)
{
	static const struct timespec step = { .tv_nsec = STEP_MS * NS_PER_MS };
	const int err = errno;

	(void)sig;
	heart->paused = 1;
	for (int ms = 0; heart->holding && ms < MOST_MS; ms += STEP_MS)
		nanosleep(&step, NULL);
	raise(SIGSTOP);
	heart->paused = 0;
	errno = err;
}

void pause_on_signals(void)
{
	static const int signals[] = { SIGTSTP, SIGTTIN, SIGTTOU };
	/* a report that is being written goes on */
	const struct sigaction sa = { .sa_handler = on_pause, .sa_flags = (int)SA_RESTART };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction before;

		if (!sigaction(signals[i], NULL, &before) && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
	}
}
