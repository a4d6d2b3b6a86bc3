/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heart: the sign of life of this process, for the probe holder (probe/probe_holder): if there is
 * none, it takes the probes out.
 *
 * It beats where work goes on: a loop turned, memory of the target came, a record was taken, an
 * answer is waited for. Code that takes longer than HEART_MS between two of these, while there are
 * probes, must let it beat by itself. A beat costs one addition. There is one for the process, as
 * there is one signal flag, so that nobody has to hand it down. A thread that hangs in the kernel
 * gives no sign. Not thread-safe, except where a function says so.
 */
#ifndef PARKWATCH_BASE_HEART_H
#define PARKWATCH_BASE_HEART_H

#include <stdbool.h>
#include <stdint.h>

#define HEART_MS 40 /* a wait is cut into pieces of at most this length */

struct heart {
	volatile uint64_t beats;
	/* 1: probes must be out, for we will stop; the signal handler's */
	volatile uint32_t paused;
	volatile uint32_t holding; /* probe holders that have probes in; theirs */
	/* silence of this length is too long (probe/master); 0: as usual */
	volatile uint64_t late_ns;
};

extern struct heart *heart; /* never NULL; nobody else sees it until heart__share() */

/* It beats in the memory of fd from here on; borrowed. 0 or negative errno. */
int heart__share(int fd);
/* In another process, which was given fd: what beats is that one's heart from here on. */
int heart__join(int fd);

static inline void heart__beat(void)
{
	heart->beats++;
}

/*
 * Until there is something to read from fd, or its other end is closed; false: not within that
 * time.
 */
bool heart__wait_for(int fd, int ms);

#endif
