/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owncost: what our own CPU time costs the target: a processor that we take it does not get, as
 * often as it would have had it.
 *
 * Asked again and again while a recording goes on; it looks a few times a second at most. Plain
 * value; not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_OWNCOST_H
#define PARKWATCH_ENGINE_OWNCOST_H

#include <stdbool.h>

#include "engine/session_parts.h"

#define OWNCOST_EVERY_NS (250 * NS_PER_MS)

unsigned int owncost_processors(void); /* that we may run on */
/* From now on. */
void owncost__begin(struct owncost *o, const struct session *s);
/*
 * What it has cost since it began. now: however little time has gone by since it was looked at
 * last.
 */
double owncost__ns(struct owncost *o, const struct session *s, bool now);

#endif
