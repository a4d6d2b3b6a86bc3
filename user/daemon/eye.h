/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eye: probes that are worth having, but not at any price: a watch goes on without them, and says why.
 *
 * Plain value of the watch; loop thread only.
 */
#ifndef PARKWATCH_DAEMON_EYE_H
#define PARKWATCH_DAEMON_EYE_H

#include <stdint.h>

#include "base/cause.h"
#include "daemon/probes.h"
#include "daemon/snapshot.h"

struct eye {
	struct probes *probes; /* owned; NULL: none, or no more */
	struct cause why;      /* why there are none */
	uint64_t hits;	       /* at the last eye__measure() */
	double cost_ns;
};

void eye__open(struct eye *e, const struct probes_opts *o, const struct snapshot *t, ring_fn fn, void *ctx);
void eye__start(struct eye *e);	  /* links, and recording begins */
/* Gives up if its probes are out: parkwatch was stopped, or what keeps them was killed. */
void eye__check(struct eye *e);
void eye__measure(struct eye *e); /* what it has cost */
void eye__close(struct eye *e);	  /* recording ends; the rest of the ring is handed over */
/* Without them from here on; what they have cost stays known. */
void eye__give_up(struct eye *e, const char *why);

#endif
