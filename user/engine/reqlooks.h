/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reqlooks: which request what a recording counts was for, told by looks at moments of it (requests/requests):
 * nothing is read at an event, and the target pays nothing.
 *
 *	a wait		has the request that its goroutine had in hand at a look that began and ended in that very
 *			wait: in it a goroutine runs no code
 *	who is met	by a look that counts goroutines: what that look says of it
 *	a CPU sample,	has the request that its goroutine served at the looks before and after, if it is the same
 *	an allocation	one: which is known while its memory was not swept (facts/requests), and of HTTP/2, where
 *			a goroutine serves one request. So it is kept until then
 * Else it has none, and the reason takes its place (model/reqlabel): never a guess. To have something in hand is
 * not enough for these: a worker may have had a job of another request in between.
 *
 * Rows are kept apart by route; or by trace, or by span and all. Bounded: REQLOOKS_HELD_MAX samples are kept, and so many
 * different allocations; 64 bytes a goroutine. Not thread-safe; but while a look goes on, all but reqlooks__look() may be called.
 */
#ifndef PARKWATCH_ENGINE_REQLOOKS_H
#define PARKWATCH_ENGINE_REQLOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "base/deadline.h"
#include "facts/goroutines.h"
#include "model/profile.h"
#include "target/goproc.h"

#define REQLOOKS_HELD_MAX 262144
#define REQLOOKS_MOST_NS  (5 * NS_PER_SEC)  /* that a look may take */
#define REQLOOKS_LEAST_NS (100 * NS_PER_MS) /* from one look to the next, on average */
#define REQLOOKS_PART     0.05              /* of a processor, that looks may take */

struct reqlooks_opts { /* all borrowed as long as it lives */
	const struct proc *proc;
	struct goproc *gp;
	struct profile *profile;
	const volatile sig_atomic_t *stop;
	bool apart; /* by all that is known of a request; else by what the profile's root asks for */
};

struct reqlooks;
int reqlooks__new(const struct reqlooks_opts *o, struct reqlooks **ret);
void reqlooks__free(struct reqlooks *l);
DEFINE_SCOPED(reqlooks)

/*
 * Looks at all goroutines now, if it is time for it; part: of a processor, that looks may take from here on.
 * A look that fails or is cut short tells nothing.
 */
void reqlooks__look(struct reqlooks *l, double part);
/*
 * Between looks, if it is time for it: whether those who serve serve the same request still, as far as the garbage
 * collector tells it: its collections follow each other faster than looks. Looks do so by themselves.
 */
void reqlooks__follow(struct reqlooks *l, double part);
uint64_t reqlooks__due_ns(const struct reqlooks *l);
/* The recording will end then: a look before that is due, if there is time for it: it meets what waits still. */
void reqlooks__ends(struct reqlooks *l, uint64_t at_ns);
/* The requests of a census that was taken by somebody else. -ETIMEDOUT: it was cut; errors of reading, -ENOMEM. */
int reqlooks__take(struct reqlooks *l, uint16_t rt, const struct census *c, struct cause *why);

/* The same of what was read of it, from begin_ns to end_ns; both are borrowed for the call only. */
struct grequests;
int reqlooks__told(struct reqlooks *l, uint16_t rt, const struct census *c,
		   const struct grequests *rs, uint64_t begin_ns, uint64_t end_ns);

/* Labels for the profile. */
uint32_t reqlooks__wait(const struct reqlooks *l, uint16_t rt, uint64_t goid, uint64_t start_ns,
			uint64_t end_ns);
/* g: of a census; of one that was not given to reqlooks__take() it is not known. */
uint32_t reqlooks__met(const struct reqlooks *l, uint16_t rt, const struct census *c,
		       const struct census_g *g);

/* A sample goes into the profile, now or later: profile__cpu(), of event wall profile__ran(). */
void reqlooks__cpu(struct reqlooks *l, const struct pw_cpu *r, uint64_t stack_id, bool is_wanted);
/*
 * An allocation goes there, now or later: many alike, of up to a tenth of a second, as one.
 */
typedef void reqlooks_alloc_fn(void *ctx, const struct pw_alloc *a, uint32_t label);
void reqlooks__allocs(struct reqlooks *l, reqlooks_alloc_fn *put, void *ctx); /* once, before */
void reqlooks__alloc(struct reqlooks *l, const struct pw_alloc *a);
/* The recording is over: those that are kept still go where they belong. */
void reqlooks__end(struct reqlooks *l);

struct reqlooks_stats {
	uint32_t looks;
	uint64_t cpu_ns; /* of ours, that reading requests took */
};
const struct reqlooks_stats *reqlooks__stats(const struct reqlooks *l);

#endif
