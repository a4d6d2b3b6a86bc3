/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/begin.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void begin(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* The lowest number that is free; what cannot be done there stays an error. No O_CLOEXEC: it is theirs. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(1);
	signal(SIGXFSZ, SIG_IGN);
}
