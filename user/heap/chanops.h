/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chanops: what the functions of a goroutine's stack do to channels, Conds and WaitGroups, by the
 * calls in their code.
 *
 * A hint, no proof: the code does not say which channel it means, nor whether it comes there
 * again. If several goroutines have a channel, one whose code receives is more likely to be the
 * receiver than one whose code only sends. Each stack is looked at once; bounded in functions and
 * bytes of code (locks/gofn). Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_CHANOPS_H
#define PARKWATCH_HEAP_CHANOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "locks/gofn.h"
#include "heap/reach.h"
#include "golang/goruntime.h"

/* of goroutines in stacks that come after nothing is told */
#define CHANOPS_STACKS_MAX 4096

/* bits */
enum chanop {
	CHANOP_SENDS = 1,
	CHANOP_RECEIVES = 2,
	CHANOP_CLOSES = 4,
	CHANOP_SIGNALS = 8,
	CHANOP_DONE = 16,
};

struct chanops;
/* borrowed until free. An error: no hint */
int chanops__new(const struct addrspace *as, const struct goruntime *rt, struct chanops **ret);
void chanops__free(struct chanops *o);
DEFINE_SCOPED(chanops)
/*
 * Of the code of the function at pc; closures: and of those that it makes, whatever becomes of
 * them.
 */
unsigned int chanops__at(struct chanops *o, uint64_t pc, bool closures);
struct gofns *chanops__fns(struct chanops *o); /* borrowed */

/* Sets `able` of each of keeps whose `by` has code that could end the wait. 0 or -ENOMEM. */
int chanops_mark(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		 struct reach_keeping *keeps, size_t nr);

#endif
