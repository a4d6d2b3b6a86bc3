/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fate: whether the target is still the program that a command began with.
 *
 * A target that ends, or starts another program, while it is read makes anything fail: a page that
 * is gone, a layout that does not hold, a probe that does not fit. Then that is what is said, not
 * what came of it.
 */
#ifndef PARKWATCH_CLI_FATE_H
#define PARKWATCH_CLI_FATE_H

#include <sys/types.h>

#include "base/cause.h"
#include "target/proc.h"

/*
 * Before anything else: how the target is. NULL: it cannot be opened; the command will say why. The
 * caller frees it.
 */
struct proc *fate_begin(pid_t pid);
/* Says why the command failed, in one line. Returns the exit status, 1. */
int fate_failed(const struct proc *p, int err, const struct cause *why);

#endif
