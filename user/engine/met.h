/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * met: the goroutines of which the probes saw something since a moment, by the map of waits: they
 * parked or ran.
 *
 * Who waited when it was looked at, and was not met, waited all the time. Fed in one walk over the
 * map, for there may be a million; put in order once, then asked. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_MET_H
#define PARKWATCH_ENGINE_MET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

struct met {
	uint64_t since_ns;
	uint64_t *gs; /* their addresses */
	size_t nr, room;
	int err; /* -ENOMEM: not all are in it, or none */
};

void met__begin(struct met *m, uint64_t since_ns); /* empty; zeros at first */
void met__done(struct met *m);
void met__see(struct met *m, uint64_t g, const struct pw_gstate *s); /* an entry of the map */
void met__order(struct met *m);                                      /* all were seen */
bool met__has(const struct met *m, uint64_t g);

#endif
