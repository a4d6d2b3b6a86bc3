/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/fate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct fate {
	struct proc *proc; /* owned */
};

struct fate *fate__begin(pid_t pid)
{
	scoped(fate) f = calloc(1, sizeof(*f));

	return !f || proc__open(pid, &f->proc, NULL) ? NULL : steal(f);
}

void fate__free(struct fate *f)
{
	if (!f)
		return;
	proc__free(f->proc);
	free(f);
}

void fate_of(const struct proc *p, int err, const struct cause *why, struct cause *ret)
{
	const char *text = why->text[0] ? why->text : strerror(-err);
	/* whatever became of the target */
	const bool ours = !strncmp(text, "cannot write", strlen("cannot write"));
	struct cause told = { "" };

	if (p && !ours && !proc__alive(p))
		(void)cause__set(&told, err, "process %d ('%s') ended while parkwatch looked at it",
				 (int)proc__pid(p), proc__comm(p));
	else if (p && !ours && proc__executed(p))
		(void)cause__set(&told, err,
				 "process %d ('%s') started another program while parkwatch "
				 "looked at it; try again",
				 (int)proc__pid(p), proc__comm(p));
	else
		(void)cause__set(&told, err, "%s", text);
	*ret = told;
}

void fate__tell(const struct fate *f, int err, const struct cause *why, struct cause *ret)
{
	fate_of(f ? f->proc : NULL, err, why, ret);
}
