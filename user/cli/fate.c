/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/fate.h"

#include <stdbool.h>
#include <string.h>

#include "base/log.h"

struct proc *fate_begin(pid_t pid)
{
	struct proc *p = NULL;

	return proc__open(pid, &p, NULL) ? NULL : p;
}

int fate_failed(const struct proc *p, int err, const struct cause *why)
{
	const char *text = why->text[0] ? why->text : strerror(-err);
	/* whatever became of the target */
	bool ours = !strncmp(text, "cannot write", strlen("cannot write"));

	if (p && !ours && !proc__alive(p))
		log_error("process %d ('%s') ended while parkwatch looked at it", (int)proc__pid(p),
			  proc__comm(p));
	else if (p && !ours && proc__executed(p))
		log_error("process %d ('%s') started another program while parkwatch looked at it; "
			  "try again",
			  (int)proc__pid(p), proc__comm(p));
	else
		log_error("%s", text);
	return 1;
}
