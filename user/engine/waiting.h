/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waiting: whether a goroutine of a census waits. Waits of coroutines do not count: nothing would end
 * them. Pure.
 */
#ifndef PARKWATCH_ENGINE_WAITING_H
#define PARKWATCH_ENGINE_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "census/census.h"
#include "golang/goruntime.h"

bool waiting_parked(const struct goruntime *rt, const struct census_g *g);
/*
 * Or it was woken and has not run since: to the one who waits that is part of the wait, as it is to
 * the probes. pc: at which it stopped.
 */
bool waiting_parked_or_woken(const struct goruntime *rt, const struct census_g *g, uint64_t pc);

#endif
