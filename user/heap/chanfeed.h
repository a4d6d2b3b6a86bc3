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
#include "census/census.h"
#include "facts/channels.h"
#include "golang/goruntime.h"

/*
 * gs: indexes into census.gs. now_ns: CLOCK_MONOTONIC, when the census was read. 0 or -ENOMEM; a
 * timer that cannot be read is one that nothing is known of.
 */
int chanfeeds__read(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		    const struct gchans *chans, const uint32_t *gs, size_t nr, uint64_t now_ns,
		    struct chanfeeds **ret);
#endif
