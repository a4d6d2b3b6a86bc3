/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gchan: the channels that the goroutines of a census wait on: how full, closed or not, and who
 * waits which way. What they are is facts/channels.
 *
 * The channel is read after the census, twice with its queues in between, until both readings
 * agree. It counts as read only if one of its queues holds the very sudog that the census saw:
 * memory that was a channel then may be something else by now. What does not settle keeps its
 * waiters and is counted; its numbers are not told. Queues are walked once, so a list that runs in
 * a circle ends. Memory: 72 bytes a channel and 40 a wait, while it is read as much again. Loop
 * thread.
 * Source: Go runtime/chan.go (hchan, waitq), runtime/runtime2.go (sudog), Go 1.15 to 1.27.
 */
#ifndef PARKWATCH_HEAP_GCHAN_H
#define PARKWATCH_HEAP_GCHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "census/census.h"
#include "facts/channels.h"
#include "golang/goruntime.h"

/* sudogs that the census did not see and that are read for a walk */
#define GCHANS_STRANGERS_MAX 65536

/*
 * Reads each channel of a CENSUS_WAIT_CHAN once, and sets the way of each such wait that is found
 * in a queue: of select cases the census itself does not know it. elements: the oldest buffered
 * ones too. -EOPNOTSUPP: where fields lie is not known for this Go; -ESRCH: the process has ended;
 * -ENOMEM.
 */
int gchans__read(const struct addrspace *as, const struct goruntime *rt, struct census *c,
		 bool elements, struct gchans **ret);
#endif
