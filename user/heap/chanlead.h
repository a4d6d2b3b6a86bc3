/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chanlead: the goroutine that will end the waits of many others at channels when it goes on: it
 * sends the value, or closes the channel.
 *
 * It is told if it is the only one of those asked for which all of this holds. It has the channel
 * near: in a frame, or an object or two away (heap/nearby). The function of that frame, a caller
 * of it, or a closure that these make, sends to a channel or closes one (heap/chanops). And that
 * code does not come by again where it stands: a loop that serves others owes nothing to anybody.
 * If several goroutines wait at one channel, one value is not enough for all: then the code must
 * close it. Whether it does so on this channel is likely, not proved. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_CHANLEAD_H
#define PARKWATCH_HEAP_CHANLEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "census/census.h"
#include "heap/nearby.h"
#include "golang/goruntime.h"

#define CHANLEAD_NONE UINT32_MAX

struct chanlead {
	uint64_t chan;
	bool shared; /* several wait at it */
	uint32_t by; /* number in the census, or CHANLEAD_NONE */
};

struct chanlead_in {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *census;
	/* goroutines in it that may be the one; for a channel none of its waiters is */
	const uint32_t *gs;
	size_t nr;
	struct nearby *near; /* new; if its budget is not enough nothing is found */
};

/* v: by chan, no two alike; sets `by` of each. 0, or errors of nearby__ask(), -ESRCH, -ENOMEM. */
int chanleads_find(const struct chanlead_in *in, struct chanlead *v, size_t nr);

#endif
