/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * discover: which Go processes this machine has, and which of them can be watched.
 *
 * Looks at each process that this process's /proc shows. Programs are hostile input, and a page of
 * theirs may be one that nobody answers for: so a child of ours does the looking. It can be killed,
 * and what one program makes of it is said of that program; the others are looked at by another
 * child. Nothing is attached, nothing stopped. Not thread-safe.
 */
#ifndef PARKWATCH_SERVE_DISCOVER_H
#define PARKWATCH_SERVE_DISCOVER_H

#include <sys/types.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "view/processes.h"

/* That looking at one process may take. Its goroutines are counted as far as that goes. */
#define DISCOVER_EACH_NS (2 * NS_PER_SEC)
/* After that the child is killed: it does not come back from reading. */
#define DISCOVER_KILL_NS (DISCOVER_EACH_NS + NS_PER_SEC)

/* Which processes were looked at already. Not thread-safe. */
struct known;
int known__new(struct known **ret); /* 0 or -ENOMEM */
void known__free(struct known *k);
DEFINE_SCOPED(known)
void known__forget(struct known *k, pid_t pid); /* it will be looked at again */

/*
 * All processes but ours; with known, those that are not in it, or run another program than before:
 * of the others one stat(2) each is asked. -ENOMEM; others: /proc cannot be listed, no child can be
 * made; with a cause. processes__done() frees what was found.
 */
int discover(struct known *known, struct processes *ret, struct cause *why);

#endif
