// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* maps: every map and variable: what it holds, its size, who writes, who reads. Their types are in
 * parkwatch.bpf.h. */
#include "parkwatch.bpf.h"

/* Records to user space. One of the two is made, by knobs.transport; size: an option. Written by
 * pw_send(). */
struct pw_map_ring pw_ring SEC(".maps");
struct pw_map_perf pw_perf SEC(".maps");

/* Counters, by enum pw_stat. Written by pw_count(), summed over processors by user space. */
struct pw_map_stats pw_stats SEC(".maps");

/*
 * Goroutines that parked or ran, by address of the g. Written by park and ready, closed by run,
 * read by user space at the end: of whom nothing is here, nothing was seen. Size: twice the
 * goroutines there are, at least PW_GS_DEFAULT. Emptied by user space before the next recording.
 */
struct pw_map_gs pw_gs SEC(".maps");

/*
 * The last park of each goroutine, by address of the g. Written by park, read by user space at the
 * end. Size as pw_gs. Never deleted from.
 */
struct pw_map_parks pw_parks SEC(".maps");

/* The goid filter. Written by user space before recording, read by all points. */
struct pw_map_goids pw_goids SEC(".maps");

/*
 * What the other filters say, as far as it is known: 1: wanted, 0: not. Sites by gopc, those of the
 * program's own `go` statements from the start on, and stacks by id, when user space has their
 * names. Of one that is not there user space decides. Labels and Ps: those that are wanted.
 * Written by user space, read by all points.
 */
struct pw_map_kept_sites pw_kept_sites SEC(".maps");
struct pw_map_kept_stacks pw_kept_stacks SEC(".maps");
struct pw_map_kept_labels pw_kept_labels SEC(".maps");
struct pw_map_kept_ps pw_kept_ps SEC(".maps");

/* Stack ids, each plus pw_turn, whose record was accepted by the transport. An id that drops out is
 * sent again: harmless. */
struct pw_map_seen pw_seen SEC(".maps");

/*
 * One stack record under construction per thread id. Those of threads that ended drop out first:
 * one in use was just looked up. Size: four times the threads, a reserve, and what each processor
 * sets aside (Linux kernel/bpf/bpf_lru_list.c, LOCAL_FREE_TARGET).
 */
struct pw_map_scratch pw_scratch SEC(".maps");

/* One sample under construction per processor: a clock's program runs through. */
struct pw_map_cpu_rooms pw_cpu_rooms SEC(".maps");

/*
 * Waits, latencies and unlocks, by stack, who made the goroutine, and reason. Written by run, ready and dequeue, read by user
 * space when recording has ended, and emptied before the next.
 */
struct pw_map_waits pw_waits SEC(".maps");

/*
 * The same by who ended the wait too; and who ended the last wait of each goroutine, by address of the
 * g. The second is written by ready and run, read by ready for those whom the goroutine wakes; size as
 * pw_gs. Both are of a recording of wake-ups.
 */
struct pw_map_wakes pw_wakes SEC(".maps");
struct pw_map_wakers pw_wakers SEC(".maps");

/*
 * Semaphores that somebody waits for, by address. Written by queue and dequeue, which deletes what nobody waits for any more.
 */
struct pw_map_semas pw_semas SEC(".maps");

/*
 * The round of each goroutine that goes on, by address of the g, and the g that each thread ran last,
 * by thread id. Written by birth, ready, run and exit; sizes: as pw_gs, and the threads that there can
 * be. Both are of a recording of rounds.
 */
struct pw_map_rounds pw_rounds SEC(".maps");
struct pw_map_threads pw_threads SEC(".maps");

/*
 * Allocations, by stack, root, type and size. Written by the alloc points, read by user space when
 * recording has ended. Never deleted from.
 */
struct pw_map_allocs pw_allocs SEC(".maps");

/*
 * Slots by span class that were counted at a refill but given back unused. Written by release,
 * read by user space when recording has ended.
 */
struct pw_map_given_back pw_given_back SEC(".maps");

/* Empty: see pw_keep_stack(). */
struct pw_map_never pw_never SEC(".maps");

/* Set before load, frozen after. */
PW_RODATA struct pw_knobs pw_knobs = {};

/* As large as the largest value of a map that begins with zeros, one of pw_rounds. */
PW_RODATA struct pw_round pw_zeros = {};

/* 1 while recording. Written by user space through the mapped .bss. */
volatile __u32 pw_on = 0;

/* 1 while single allocations are counted: a part of the time that pw_on is. As above. */
volatile __u32 pw_exact = 0;

/*
 * What is recorded now (enum pw_want), and how waits are: 1: waits and latencies are summed in
 * pw_waits, but in windows; those below the minimum are counted and dropped. Written by user space:
 * with jobs that share the programs it changes while they run.
 */
volatile __u32 pw_want = 0;
volatile __u32 pw_sums = 0;
volatile __u64 pw_min_wait_ns = 0;

/*
 * Points (1 << enum pw_point) that nobody records: what several jobs share goes on for some of them
 * while it has ended, or not begun, for others. Their hits count as off. Written by user space.
 */
volatile __u32 pw_muted = 0;

/*
 * Goes up when another job begins to listen: the ids in pw_seen are of a turn, so it is sent all
 * stacks too. Written by user space.
 */
volatile __u64 pw_turn = 0;

/*
 * 0, or the moment at which the stretch or window that is being recorded began: what pw_gs holds
 * from before is of another one, and of goroutines that wait since before only the part in it
 * counts.
 * pw_window: 1 in a window: each wait is a record, though pw_sums. Both written by user space.
 */
volatile __u64 pw_begin_ns = 0;
volatile __u32 pw_window = 0;

/*
 * Points (1 << enum pw_point) whose hits are limited: by one job. Those that may still be dealt with:
 * when they are used up recording ends, at pw_spent_ns, but for the points that go on, for others.
 * pw_cut_ns: when it ended for all, for nobody is there. Written by user space and by pw_take_hit().
 */
volatile __u32 pw_limited = 0;
volatile __u32 pw_goes_on = 0;
volatile __s64 pw_left = 0;
volatile __u64 pw_spent_ns = 0;
volatile __u64 pw_cut_ns = 0;

/* The time that a sample stands for: 1 / how often the clock ticks. Written by user space. */
volatile __u64 pw_cpu_ns = 0;

/*
 * When the probe holder was last there, written by it many times a second. 0: it does not say. See
 * pw_take_hit().
 */
volatile __u64 pw_beat_ns = 0;

/*
 * The probe holder to user space, no program reads it: when parkwatch was last found stopped (or,
 * with probes in, without a sign of life), and the probes were taken out; 0: it never was. CPU time
 * that the target had used then; 0: not known.
 */
volatile __u64 pw_absent_ns = 0;
volatile __u64 pw_absent_cpu_ns = 0;
volatile __u32 pw_absent_stopped = 0; /* 1: it was stopped, else it was late */
