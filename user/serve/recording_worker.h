/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording_worker: the process that records one target for some seconds, once, for `parkwatch serve`:
 * births, exits, waits, allocations, what runs, or several of them at a time, as the command record does
 * (engine/session); what runs by the goroutine's labels, too, as Go's own CPU profile. It writes one frame for each event to standard output: what was counted by stack,
 * as a recording (serve/frame), whose view is the event's name.
 *
 * All events together cost the target at most RECORDING_OVERHEAD of its CPU time; what would cost more
 * is estimated. If this process crashes, hangs or is killed, its probe holder takes the probes out. It
 * ends by itself as a leak worker does, RECORDING_WORKER_LATE_S after its time at the latest, and with
 * who started it.
 */
#ifndef PARKWATCH_SERVE_RECORDING_WORKER_H
#define PARKWATCH_SERVE_RECORDING_WORKER_H

#include <stdint.h>

#define RECORDING_OVERHEAD      0.01
#define RECORDING_HZ            99 /* samples of what runs, a second: as record -F */
#define RECORDING_WORKER_LATE_S 60 /* opening and reports; each takes some 100 ms */
#define RECORDING_SLOT_NS                                                                          \
	(10 * 1000000000ULL) /* those of a target that are stored begin this far apart */

/* The numbers of stacks begin elsewhere in each slot: recordings of seven days can be read as one. */
#define RECORDING_STACKS (1u << 16)
static inline uint32_t recording_first_stack(uint64_t unix_ns)
{
	return (uint32_t)(unix_ns / RECORDING_SLOT_NS % RECORDING_STACKS) * RECORDING_STACKS;
}

/* argv as RECORDING_WORKER_COMMAND says. The exit status: 0, at least one event is told. */
int recording_worker_main(int argc, char **argv);

#endif
