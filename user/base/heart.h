/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heart: the sign of life of this process, for the probe holder (probe/probe_holder): if there is
 * none, it takes the probes out.
 *
 * It beats where work goes on: a loop turned, memory of the target came, a record was taken, an
 * answer is waited for. Code that takes longer than HEART_MS between two of these, while there are
 * probes, must let it beat by itself. A beat costs one addition. There is one for the process, as
 * there is one signal flag, so that nobody has to hand it down. A thread that hangs in the kernel
 * gives no sign. Who works long between two waits can lend the thread at beats to who cannot wait.
 * Not thread-safe, except where a function says so.
 */
#ifndef PARKWATCH_BASE_HEART_H
#define PARKWATCH_BASE_HEART_H

#include <stdbool.h>
#include <stdint.h>

#define HEART_MS         40 /* a wait is cut into pieces of at most this length */
#define HEART_BETWEEN_MS 5

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

/*
 * Until heart__lend(NULL, NULL) the thread is lent: fn is called at a beat, at least
 * HEART_BETWEEN_MS after the last time. It may lend the thread in its turn, and must not touch what
 * the lender works on. Lenders do not nest otherwise.
 */
void heart__lend(void (*fn)(void *ctx), void *ctx);

extern bool heart_lent; /* for the next two only */
void heart__let_others(void);

static inline void heart__beat(void)
{
	heart->beats++;
	if (heart_lent)
		heart__let_others();
}

/*
 * Until there is something to read from fd, or its other end is closed; false: not within that
 * time.
 */
bool heart__wait_for(int fd, int ms);

#endif
