/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gtimer: the timers of the target that feed channels: when one fires, and whether it does again
 * and again.
 *
 * Source: Go runtime/time.go (timer), time/sleep.go and tick.go, Go 1.15 to 1.27. Not thread-safe.
 */
#ifndef PARKWATCH_CENSUS_GTIMER_H
#define PARKWATCH_CENSUS_GTIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "census/census.h"
#include "golang/goruntime.h"

struct gtimer {
	int64_t when_ns;   /* CLOCK_MONOTONIC */
	int64_t period_ns; /* 0: it fires once */
	bool stopped;      /* it does not fire (again): it was stopped, or has fired once */
};

/*
 * addr: of a runtime.timer, as hchan has it from Go 1.23 on, unless GODEBUG says asynctimerchan=1.
 * false: there is none, it cannot be read, or it makes no sense.
 */
bool gtimer_read(const struct addrspace *as, const struct goruntime *rt, uint64_t addr,
		 struct gtimer *ret);

/*
 * What feeds the channel at chan: the timer that the channel itself names, else the Timer or Ticker
 * at `ticker` (0: none is known).
 * false: nothing does at now_ns, or it is not known. ret_addr: of the runtime.timer.
 */
bool gtimer_feeds(const struct addrspace *as, const struct goruntime *rt, uint64_t chan,
		  uint64_t ticker, uint64_t now_ns, struct gtimer *ret, uint64_t *ret_addr);

/*
 * It fires again and again; now_ns: when it was read. What is no timer hardly says that it is due
 * within one period.
 */
bool gtimer_repeats(const struct gtimer *t, uint64_t now_ns);

/*
 * The same of the time.Timer or time.Ticker that feeds the channel at chan. It is for channels that
 * do not say what feeds them. g waits for the channel; if it does so in a loop, or stops the timer
 * later, its stack refers to the timer. Looks at GTIMER_STACK_MAX bytes of it.
 */
#define GTIMER_STACK_MAX 4096
bool gtimer_on_stack(const struct addrspace *as, const struct goruntime *rt,
		     const struct census_g *g, uint64_t chan, struct gtimer *ret);

#endif
