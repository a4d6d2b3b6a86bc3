// SPDX-License-Identifier: BSD-2-Clause
#include "cli/stop.h"

#include <stddef.h>

#include "base/own.h"

static volatile sig_atomic_t asked;

/* The first signal ends what goes on, the second the program (SA_RESETHAND). */
static void on_signal(int sig)
{
	(void)sig;
	asked = 1;
}

const volatile sig_atomic_t *stop_on_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction before;

		/* What nohup made deaf stays deaf. A shell's background jobs begin with SIGINT ignored: who sends it means it. */
		if (signals[i] == SIGHUP && !sigaction(SIGHUP, NULL, &before) && before.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	return &asked;
}
