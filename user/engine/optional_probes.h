/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * optional_probes: probes that are worth having, but not at any price: a watch goes on without
 * them, and says why.
 *
 * Plain value of the watch; not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_OPTIONAL_PROBES_H
#define PARKWATCH_ENGINE_OPTIONAL_PROBES_H

#include <stdint.h>

#include "base/cause.h"
#include "engine/probes.h"
#include "engine/snapshot.h"

#define OPTIONAL_PROBES_TOO_DEAR "they would cost the program more than --max-overhead"

struct optional_probes {
	struct probes *probes; /* owned; NULL: none, or no more */
	struct cause why;      /* why there are none */
	uint64_t hits;         /* at the last optional_probes__measure() */
	double cost_ns;
};

void optional_probes__open(struct optional_probes *e, const struct probes_opts *o,
			   const struct snapshot *t, ring_fn fn, void *ctx);
void optional_probes__start(struct optional_probes *e); /* links, and recording begins */
/* Gives up if its probes are out: parkwatch was stopped, or what keeps them was killed. */
void optional_probes__check(struct optional_probes *e);
void optional_probes__measure(struct optional_probes *e); /* what it has cost */
/* recording ends; the rest of the ring is handed over */
void optional_probes__close(struct optional_probes *e);
/* Without them from here on; what they have cost stays known. */
void optional_probes__give_up(struct optional_probes *e, const char *why);

#endif
