/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chanfeed: the timers that feed the channels goroutines wait for.
 *
 * From Go 1.23 on the channel says what feeds it (hchan.timer), unless GODEBUG has
 * asynctimerchan=1, which Go 1.27 knows no more. Before, the stack of the goroutine that waits is
 * searched (census/gtimer): it costs a read a goroutine, so the caller says of which. Loop thread.
 */
#ifndef PARKWATCH_HEAP_CHANFEED_H
#define PARKWATCH_HEAP_CHANFEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "golang/goruntime.h"
#include "heap/gchan.h"

struct chanfeed {
	uint32_t wait; /* index into census.waits: of a channel, not to send */
	bool fed;      /* by a timer that will fire, or by one that nothing is known of */
	bool stopped;  /* by one that does not fire any more */
	bool repeats;  /* by a ticker */
};

struct chanfeeds {          /* read only for others */
	struct chanfeed *v; /* by wait; those that no timer has to do with are not in it */
	size_t nr;
};

/*
 * gs: indexes into census.gs. now_ns: CLOCK_MONOTONIC, when the census was read. 0 or -ENOMEM; a
 * timer that cannot be read is one that nothing is known of.
 */
int chanfeeds__read(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		    const struct gchans *chans, const uint32_t *gs, size_t nr, uint64_t now_ns,
		    struct chanfeeds **ret);
void chanfeeds__free(struct chanfeeds *f);
DEFINE_SCOPED(chanfeeds)

/* NULL: no timer feeds or fed it, or nobody asked */
const struct chanfeed *chanfeeds__get(const struct chanfeeds *f, uint32_t wait);

#endif
