/* SPDX-License-Identifier: BSD-2-Clause */
/* pass_state: what a pass has gathered: for requests/pass, pass_tell and done_chans only. */
#ifndef PARKWATCH_REQUESTS_PASS_STATE_H
#define PARKWATCH_REQUESTS_PASS_STATE_H

#include "base/arena.h"
#include "base/u64map.h"
#include "requests/contexts.h"
#include "requests/hands.h"
#include "requests/liveslots.h"
#include "requests/pass.h"
#include "requests/prover.h"
#include "requests/serving.h"

#define CLAIM_UNCLEAR UINT64_MAX /* two requests claim it: it is nobody's */

struct pass_g { /* a goroutine that has something in hand, waits on channels, or serves */
	uint64_t addr, goid, print, sp;
	size_t hands_at, chans_at;
	uint32_t nr_hands, nr_chans;
	uint32_t serves; /* index into served + 1; 0: it does not */
	uint8_t stops;
};

struct served {
	size_t g; /* index into gs */
	struct serving_request request;
	uint32_t context; /* of the request */
	uint64_t own;     /* address of that, if it is the request's own; else 0 */
};

struct pass {
	struct pass_of of;
	struct prover *prover;
	struct contexts *contexts;
	struct pass_g *gs;
	size_t nr_gs, gs_room;
	struct hand *hands;
	size_t nr_hands, hands_room;
	uint64_t *chans;
	size_t nr_chans, chans_room;
	struct served *served;
	size_t nr_served, served_room;
	uint64_t *servers;
	size_t nr_servers, servers_room;
	size_t unread;
	bool complete; /* who serves is known of each goroutine that can */
	/* address of a cancelCtx, of a Done channel: index into served + 1, or CLAIM_UNCLEAR */
	struct u64map claims, done;
	struct u64map done_context; /* Done channel to the number of its context */
	struct finding *findings;
	size_t nr_findings, findings_room;
	struct arena texts;
};

/* From what was gathered to findings. 0, -ENOMEM, -ENOSPC. */
int pass__tell(struct pass *p);
/* Fills p->done and p->done_context, from p->claims. 0, -ENOMEM, -ENOSPC. */
int pass__done_chans(struct pass *p);

#endif
