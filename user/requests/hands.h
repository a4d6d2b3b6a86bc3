/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hands: the contexts, requests and spans that a goroutine has in hand: its live variables hold
 * them, or the closures that these hold.
 *
 * A live word is looked at together with the word before it: a table of methods there says of what
 * type the memory behind it is. The word before may be a left-over, so the memory is proved all the
 * same (requests/prover); where it says nothing, the few types that matter are tried. Of a closure
 * the words that it captured count, of a variable that several closures share the value; nothing
 * else is followed: the fields of a struct are not in hand. What frameworks put back into a pool is
 * passed over: it is another request's by now; so are the frames in which the runtime waits for it:
 * what they have is the runtime's, but for what is on the stack of others. Bounded: HANDS_MAX of a goroutine, and HANDS_STEPS
 * words. Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_HANDS_H
#define PARKWATCH_REQUESTS_HANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/u64map.h"
#include "requests/contexts.h"
#include "requests/liveslots.h"
#include "requests/prover.h"
#include "requests/spans.h"
#include "requests/webtypes.h"

#define HANDS_MAX   64u
#define HANDS_STEPS 200000u
#define HANDS_FOUND 16u /* objects that are sought; with more of them nothing is known */

struct hand {
	uint64_t request; /* address of a net/http.Request; 0: a context, or a span */
	uint32_t context; /* number; of a request that it has; 0: none */
	uint32_t frame;   /* from the innermost; LIVESLOT_DEFER */
	uint32_t span;    /* number; 0: it is none */
};

struct hands;
/* All borrowed until free. -ENOMEM. */
int hands__new(const struct goruntime *rt, struct prover *p, const struct webtypes *w,
	       struct contexts *c, struct spans *spans, struct hands **ret);
void hands__free(struct hands *h);
DEFINE_SCOPED(hands)

/*
 * Of the goroutine that r has read last: ret[0 .. *ret_nr - 1], each once, the innermost frame
 * first. -ENOSPC: there are more, or it was too much to look at: nothing is known.
 */
int hands__of(struct hands *h, const struct liveslots_reader *r, const struct liveslots *s,
	      struct hand ret[HANDS_MAX], size_t *ret_nr);

/*
 * From here on the words in hand are also looked up: addresses of objects, borrowed, and a number of
 * each; NULL: no more.
 */
void hands__seek(struct hands *h, const struct u64map *objects);
struct hand_object {
	uint64_t addr, number;
};
/* Those that the goroutine has that was looked at last. Borrowed until the next one is. */
const struct hand_object *hands__found(const struct hands *h, size_t *ret_nr);

#endif
