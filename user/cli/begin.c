/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/begin.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/outfile.h"

void begin(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* The lowest number that is free; what cannot be done there stays an error. No O_CLOEXEC: it is theirs. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(1);
	signal(SIGXFSZ, SIG_IGN);
}

int end_of_print(int status)
{
	struct cause why = { "" };
	scoped(outfile) out = NULL;

	if (!outfile__open(NULL, 0, &out, &why) && !outfile__commit(out, &why))
		return status;
	log_error("%s", why.text);
	return 1;
}
