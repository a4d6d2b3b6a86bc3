/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tickersites: where the program makes tickers and timers. The runtime does not remember it, but
 * the code has the calls, of most with the period, and where the caller keeps what it made.
 *
 * The program's code is read once, from its file: so no page of it becomes the target's. Each call
 * of time.NewTicker, time.Tick and the like, and of what they are made of, is looked at. Bounded in
 * calls, bytes and time; where a bound cuts it off, nothing is told. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_TICKERSITES_H
#define PARKWATCH_HEAP_TICKERSITES_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "base/deadline.h"
#include "golang/goimage.h"
#include "golang/goruntime.h"

#define TICKERSITES_MAX       1024 /* calls */
#define TICKERSITES_BYTES_MAX (1ull << 30)
#define TICKERSITES_MOST_NS   (2 * NS_PER_SEC)

struct tickersites;

/* image: of the runtime's program. 0 or -ENOMEM; what cannot be read is a hint less, no error. */
int tickersites__new(const struct addrspace *as, const struct goruntime *rt,
		     const struct goimage *image, struct tickersites **ret);
void tickersites__free(struct tickersites *s);
DEFINE_SCOPED(tickersites)

/*
 * How many calls may have made a ticker that has this period now: those that say so first, then
 * those that do not say which. At most max of them go into pcs. One: it has made it. 0: not known.
 * ret_say: how many say so.
 */
size_t tickersites__of(const struct tickersites *s, uint64_t period_ns, uint64_t *pcs, size_t max,
		       size_t *ret_say);

/*
 * The call that made the timer (address of a runtime.timer) of the channel, if the function of this
 * frame made it and still has it: pc, sp: of the frame. 0: it did not, or nobody knows.
 */
uint64_t tickersites__in_frame(const struct tickersites *s, uint64_t pc, uint64_t sp, uint64_t chan,
			       uint64_t timer);

/* Whether a function is one of package time. */
bool tickersites_is_time(const char *func);

#endif
