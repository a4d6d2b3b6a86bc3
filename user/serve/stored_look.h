/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stored_look: which looks of a target go into the store, and as what.
 *
 *	every STORED_SUMS_NS	the goroutines counted by stack, creator and what they do, as the worker counted them:
 *				some kilobytes, of a million goroutines too. For `report --view goroutines`
 *	every STORED_WHOLE_NS	and the last one before the target ended: the look as it came, if it has at most STORED_WHOLE_BYTES. For
 *				`report --view dump`
 *	each report of leaks	as it came, if it fits in a segment (facts/pw_file). For
 *				`report --view leaks`
 *	each recording of a regular turn	as it came, likewise; its view is its event: `report --view births`
 *
 * Counting a look takes time: of a very large one it is done so seldom that it takes at most
 * 1/STORED_SHARE of a processor.
 */
#ifndef PARKWATCH_SERVE_STORED_LOOK_H
#define PARKWATCH_SERVE_STORED_LOOK_H

#include "base/clock.h"

#define STORED_SUMS_NS     (60 * NS_PER_SEC)
#define STORED_WHOLE_NS    (600 * NS_PER_SEC)
#define STORED_WHOLE_BYTES (256u << 10)
#define STORED_SHARE       50
#define STORED_LATE_NS     (300 * NS_PER_SEC) /* counted longer ago than that: not by this clock */

#define STORED_SUMS_VIEW  "record" /* as the recording calls its command */
#define STORED_WHOLE_VIEW "dump"
#define STORED_LEAKS_VIEW "leaks"

/* The numbers of stacks begin elsewhere in each minute: recordings of 45 days can be read as one. */
#define STORED_STACKS (1u << 16)
static inline uint64_t stored_minute(uint64_t unix_ns)
{
	return unix_ns / NS_PER_SEC / 60;
}
static inline uint32_t stored_first_stack(uint64_t unix_ns)
{
	return (uint32_t)(stored_minute(unix_ns) % STORED_STACKS) * STORED_STACKS;
}

struct store;
struct watched;
struct frame_bytes;
/*
 * look: has just come. sums: what came with it, of sums_unix_ns; empty: nothing. A first failure after
 * a success is a line of the log.
 */
void stored_look__keep(struct store *s, struct watched *w, struct frame_bytes look,
		       struct frame_bytes sums, uint64_t sums_unix_ns);
void stored_look__keep_last(struct store *s, const struct watched *w);      /* it has ended */
void stored_look__keep_leaks(struct store *s, const struct watched *w);     /* a new report of it */
void stored_look__keep_recording(struct store *s, const struct watched *w); /* one that just came */

#endif
