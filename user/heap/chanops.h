/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chanops: what the functions of a goroutine's stack do to channels, Conds and WaitGroups, by the calls in their code.
 *
 * A hint, no proof: whose channel it is, and whether the code comes there again, nobody knows. Of several goroutines that have a
 * channel, one whose code receives is more likely to be the receiver than one whose code only sends. Each stack is looked at once;
 * bounded in functions and bytes of code (locks/gofn). Loop thread.
 */
#ifndef PARKWATCH_HEAP_CHANOPS_H
#define PARKWATCH_HEAP_CHANOPS_H

#include <stddef.h>

#include "base/addrspace.h"
#include "census/census.h"
#include "heap/reach.h"
#include "golang/goruntime.h"

#define CHANOPS_STACKS_MAX 4096 /* of goroutines in stacks that come after nothing is told */

/* Sets `able` of each of keeps whose `by` has code that could end the wait. 0 or -ENOMEM. */
int chanops_mark(const struct addrspace *as, const struct goruntime *rt, const struct census *c, struct reach_keeping *keeps, size_t nr);

#endif
