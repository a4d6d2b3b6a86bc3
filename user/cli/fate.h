/* SPDX-License-Identifier: BSD-2-Clause */
/* fate: how a command ends that failed: with what became of its target, if that is why. */
#ifndef PARKWATCH_CLI_FATE_H
#define PARKWATCH_CLI_FATE_H

#include "engine/fate.h"

/* Says why the command failed, in one line. Returns the exit status, 1. f may be NULL. */
int fate_failed(const struct fate *f, int err, const struct cause *why);

#endif
