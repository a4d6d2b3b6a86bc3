/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stayers: goroutines that waited when all were looked at, kept until it is known who of them
 * waited all the time.
 *
 * There may be a million: 56 bytes each. As many as the census has (CENSUS_G_MAX). Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_STAYERS_H
#define PARKWATCH_ENGINE_STAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "golang/goroutine.h"

struct addrspace;
struct deadline;
struct goruntime;
struct met;

struct stayer {
	uint64_t addr; /* of its g */
	struct goroutine who;
	uint64_t stack_id; /* of the profile, as the label */
	uint32_t label;
	uint8_t reason, stops; /* as in struct census_g */
};

struct stayers { /* zeros at first */
	struct stayer *v;
	size_t nr, room;
};

int stayers__add(struct stayers *s, const struct stayer *one); /* 0 or -ENOMEM */
size_t stayers__nr(const struct stayers *s);
/*
 * Those that were not met, by address, each once whatever the target's list says. m: in order. 0 or
 * -ENOMEM.
 */
int stayers__each(const struct stayers *s, const struct met *m,
		  void (*fn)(void *ctx, const struct stayer *one), void *ctx);
/*
 * Where the probes may have met more than they could say: those go whose g is another goroutine's
 * by now or has run, as far as that is known (up to Go 1.16: if it runs just now), or that cannot
 * be read, or not in time.
 */
void stayers__check(struct stayers *s, const struct addrspace *as, const struct goruntime *rt,
		    struct deadline *until);
void stayers__drop(struct stayers *s); /* empty, as new */

#endif
