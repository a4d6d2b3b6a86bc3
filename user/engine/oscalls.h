/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oscalls: which system calls goroutines are in, in words: `read fd 7, /dev/ttyS0`, `futex`.
 *
 * Asked for by the thread, as its m names it: in a PID namespace of its own that is another number. At
 * most OSCALLS_A_LOOK threads are asked between two calls of oscalls__look(). What descriptors are
 * connected to is read anew each second. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_OSCALLS_H
#define PARKWATCH_ENGINE_OSCALLS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "target/proc.h"

#define OSCALLS_A_LOOK   256
#define OSCALLS_TEXT_MAX 256

struct oscalls;
int oscalls__new(const struct proc *p, struct oscalls **ret); /* p: borrowed */
void oscalls__free(struct oscalls *o);
DEFINE_SCOPED(oscalls)

void oscalls__look(struct oscalls *o); /* another begins */
/* "": not known, or the thread runs: borrowed until the next call */
const char *oscalls__text(struct oscalls *o, uint32_t tid);

#endif
