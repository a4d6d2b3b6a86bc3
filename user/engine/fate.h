/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fate: whether the target is still the program that a command began with.
 *
 * A target that ends, or starts another program, while it is read makes anything fail: a page that
 * is gone, a layout that does not hold, a probe that does not fit. Then that is what is said, not
 * what came of it.
 */
#ifndef PARKWATCH_ENGINE_FATE_H
#define PARKWATCH_ENGINE_FATE_H

#include <sys/types.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "target/proc.h"

struct fate;
/*
 * Before anything else: how the target is. NULL: it cannot be opened; the command will say why.
 */
struct fate *fate__begin(pid_t pid);
void fate__free(struct fate *f);
DEFINE_SCOPED(fate)

/* Why it failed with err, in one line: what became of the target, or why. f may be NULL. */
void fate__tell(const struct fate *f, int err, const struct cause *why, struct cause *ret);
/* The same of a process that is open already. */
void fate_of(const struct proc *p, int err, const struct cause *why, struct cause *ret);

#endif
