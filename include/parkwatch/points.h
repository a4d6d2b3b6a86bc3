/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * points: the places in the Go runtime that are probed, one row each. docs/architecture.md says
 * what is in hand at each of them.
 *
 * Columns:
 *	NAME, name	PW_POINT_NAME; the program pw_name, and what doctor prints
 *	uses		enum pw_use: which recordings probe it
 *	function	of the runtime, where it is; NULL: probe/mallocfns has the names
 *	before, since	what is probed up to the release that brought the fact `since` (golang/gofacts); NULL, 0: the same always
 *	ask		ask_...() of probe/plan: what must be in hand at the instruction
 *	missing		the point is left out where there is no such function, and this is why there may be none; NULL: it is needed
 *	class		INSN_...: which instruction of the calibration's child stands for it (probe/calibrate)
 *	like, times	the point whose program is measured for it, and how many times its work it is
 *
 * docs/howto-probe.md lists the steps to a new one.
 */
#ifndef PARKWATCH_POINTS_H
#define PARKWATCH_POINTS_H

#ifndef __bpf__ /* the BPF side has these types from vmlinux.h */
#include <linux/types.h>
#endif

/* what a point is probed for */
enum pw_use {
	PW_FOR_BIRTHS = 1,
	/* births and exits: an exit is told by where its goroutine was made */
	PW_FOR_LIVES = 2,
	PW_FOR_WAITS = 4,    /* from park to run */
	PW_FOR_SCHED = 8,    /* from ready to run */
	PW_FOR_PARKS = 16,   /* who parks: no record */
	PW_FOR_SINGLES = 32, /* each allocation */
	PW_FOR_REFILLS = 64, /* spans and large objects */
	/* what the spans of a P have left, where the runtime does not count */
	PW_FOR_RELEASES = 128,
	PW_FOR_SAMPLES = 256,  /* the runtime's own */
	PW_FOR_WAKES = 512,    /* from park over ready, whose caller ends the wait, to run */
	PW_FOR_BLOCKS = 1024,  /* from park to ready, as Go's block profile */
	PW_FOR_MUTEXES = 2048, /* who waits for a lock, and who gives it up */
	PW_FOR_CALLS = 4096,   /* system calls, and C: from their begin to their end */
};

/* clang-format off */
#define PW_POINTS_OF_GOROUTINES(PW_POINT) \
	/* newg is made and not yet in a run queue */ \
	PW_POINT(BIRTH, birth, PW_FOR_BIRTHS | PW_FOR_LIVES, \
		 "runtime.newproc.func1", NULL, 0, birth, NULL, NOP5, BIRTH, 1) \
	/* after newproc1: coroutine of iter.Pull. No calibration needs a stepped instruction, and it is dear */ \
	PW_POINT(COBIRTH, cobirth, PW_FOR_BIRTHS | PW_FOR_LIVES, \
		 "runtime.newcoro.func1", NULL, 0, cobirth, "this program makes no coroutines (iter.Pull is not linked)", \
		 STEPPED, BIRTH, 1) \
	PW_POINT(EXIT, exit, PW_FOR_LIVES, \
		 "runtime.gdestroy", "runtime.goexit0", GO_GDESTROY, arg, NULL, NOP, EXIT, 1) \
	PW_POINT(PARK, park, PW_FOR_WAITS | PW_FOR_PARKS | PW_FOR_WAKES | PW_FOR_BLOCKS, \
		 "runtime.gopark", NULL, 0, park, NULL, PUSH, PARK, 1) \
	PW_POINT(READY, ready, PW_FOR_SCHED | PW_FOR_WAKES | PW_FOR_BLOCKS, \
		 "runtime.ready", NULL, 0, arg, NULL, CALL, READY, 1) \
	PW_POINT(RUN, run, PW_FOR_WAITS | PW_FOR_SCHED | PW_FOR_WAKES, \
		 "runtime.execute", NULL, 0, arg, NULL, BRANCH, RUN, 1) \
	/* under the lock of the root, before it is in the queue */ \
	PW_POINT(QUEUE, queue, PW_FOR_MUTEXES, \
		 "runtime.(*semaRoot).queue", NULL, 0, queue, NULL, NOP5, PARK, 1) \
	/* the same: the first is still in it */ \
	PW_POINT(DEQUEUE, dequeue, PW_FOR_MUTEXES, \
		 "runtime.(*semaRoot).dequeue", NULL, 0, dequeue, NULL, NOP5, PARK, 2)

#define PW_POINTS_OF_CALLS(PW_POINT) \
	PW_POINT(CALL, call, PW_FOR_CALLS, \
		 "runtime.reentersyscall", NULL, 0, call, NULL, NOP5, PARK, 1) \
	PW_POINT(BACK, back, PW_FOR_CALLS, \
		 "runtime.exitsyscall", NULL, 0, back, NULL, NOP5, RUN, 1)

#define PW_POINTS_OF_ALLOCATIONS(PW_POINT) \
	PW_POINT(MALLOC, malloc, PW_FOR_SINGLES, \
		 "runtime.mallocgc", NULL, 0, malloc, NULL, PUSH, MALLOC, 1) \
	/* mallocgcSmallNoScanSC3 and its kind: called by compiled code from Go 1.27, and by mallocgc */ \
	PW_POINT(SIZED, sized, PW_FOR_SINGLES, \
		 NULL, NULL, 0, malloc, "all allocations pass mallocgc", NOP5, MALLOC, 1) \
	/* when it has its new span */ \
	PW_POINT(REFILL, refill, PW_FOR_REFILLS, \
		 "runtime.(*mcache).refill", NULL, 0, refill, NULL, NOP5, MALLOC, 1) \
	PW_POINT(LARGE, large, PW_FOR_REFILLS, \
		 "runtime.(*mcache).allocLarge", "runtime.largeAlloc", GO_ALLOC_LARGE, large, NULL, NOP5, MALLOC, 1) \
	/* a P gives up the spans that it allocates from. It reads what each has left: seen with the kernel's own statistics */ \
	PW_POINT(RELEASE, release, PW_FOR_RELEASES, \
		 "runtime.(*mcache).releaseAll", NULL, 0, release, NULL, NOP5, MALLOC, 40) \
	/* the runtime's own samples */ \
	PW_POINT(SAMPLE, sample, PW_FOR_SAMPLES, \
		 "runtime.profilealloc", NULL, 0, sample, NULL, NOP5, MALLOC, 1)

#define PW_POINTS(PW_POINT) \
	PW_POINTS_OF_GOROUTINES(PW_POINT) PW_POINTS_OF_CALLS(PW_POINT) PW_POINTS_OF_ALLOCATIONS(PW_POINT)
/* clang-format on */

enum pw_point {
#define PW_POINT(NAME, ...) PW_POINT_##NAME,
	PW_POINTS(PW_POINT)
#undef PW_POINT
		PW_POINT_MAX
};

#define PW_POINT_ONE(...) +1
/* points from here on are of system calls, and from there on of allocations */
#define PW_POINT_CALLS  (0 PW_POINTS_OF_GOROUTINES(PW_POINT_ONE))
#define PW_POINT_ALLOCS (PW_POINT_CALLS PW_POINTS_OF_CALLS(PW_POINT_ONE))

#define PW_POINTS_ROOM 16 /* the room of knobs and counters */
_Static_assert(PW_POINT_MAX <= PW_POINTS_ROOM, "a point has no room");

/* The points (1 << enum pw_point) that are probed for one of these uses. */
static inline __u32 pw_points_for(__u32 uses)
{
	__u32 points = 0;

#define PW_POINT(NAME, name, of, ...) points |= (of)&uses ? 1u << PW_POINT_##NAME : 0;
	PW_POINTS(PW_POINT)
#undef PW_POINT
	return points;
}

#endif
