/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * examine: what a recording of a process would need, and whether it is there: its Go runtimes, the
 * proof of their layouts, where each probe would go, whether probes are left in its code.
 *
 * Nothing is attached, but to repair. Its result is text for people.
 */
#ifndef PARKWATCH_ENGINE_EXAMINE_H
#define PARKWATCH_ENGINE_EXAMINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/textbuf.h"
#include "host/kfeat.h"

/* Words of a target may be in it: each line is cleaned. */
void examine_say(struct textbuf *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * repair: takes out probes that were left in its code. 0; 1: recording will not work, `to` says why;
 * negative errno with a cause: the process could not be read, or not to the end.
 */
int examine(pid_t pid, const struct kfeat *kf, bool repair, struct textbuf *to, struct cause *ret);

#endif
