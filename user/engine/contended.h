/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contended: which stacks and waits are of Go's own block or mutex profile (golang/gocontention).
 *
 * BPF knows a wait by its reason, which semaphores of the runtime's own share with those of package sync, and an unlock by a
 * function that serves all semaphores: names decide. Fed with stacks before what has them; not thread-safe. Remembers
 * CONTENDED_MAX stacks that are left out; more would count.
 */
#ifndef PARKWATCH_ENGINE_CONTENDED_H
#define PARKWATCH_ENGINE_CONTENDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "census/census.h"
#include "model/profile.h"
#include "target/goproc.h"

#define CONTENDED_MAX 65536

struct contended;
/* event: PROFILE_BLOCK or PROFILE_MUTEX. gp is borrowed as long as it lives. 0 or -ENOMEM. */
int contended__new(struct goproc *gp, enum profile_event event, struct contended **ret);
void contended__free(struct contended *c);
DEFINE_SCOPED(contended)

/* A stack of runtime rt; pcs as in struct pw_stack. */
void contended__learn(struct contended *c, uint16_t rt, uint64_t stack_id, const uint64_t *pcs,
		      size_t nr);
/* What has this stack counts. */
bool contended__has(const struct contended *c, uint16_t rt, uint64_t stack_id);
/* A goroutine that waits: block has its wait; mutex: for a lock. */
bool contended__waits(const struct contended *c, uint16_t rt, const struct census *in,
		      const struct census_g *g);

#endif
