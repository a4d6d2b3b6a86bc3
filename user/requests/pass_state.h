/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pass_state: what a pass has gathered: for requests/pass, pass_tell, pass_trace, done_chans and
 * awaited only.
 */
#ifndef PARKWATCH_REQUESTS_PASS_STATE_H
#define PARKWATCH_REQUESTS_PASS_STATE_H

#include "base/arena.h"
#include "base/u64map.h"
#include "requests/calling.h"
#include "requests/contexts.h"
#include "requests/hands.h"
#include "requests/liveslots.h"
#include "requests/pass.h"
#include "requests/prover.h"
#include "requests/routes.h"
#include "requests/serving.h"
#include "requests/spans.h"

#define CLAIM_UNCLEAR UINT64_MAX /* two requests claim it: it is nobody's */

struct pass_g { /* a goroutine that has something in hand, waits on channels, or serves */
	uint64_t addr, goid, print, sp;
	size_t hands_at, chans_at;
	uint32_t nr_hands, nr_chans;
	uint32_t serves; /* index into served + 1; 0: it does not */
	uint8_t stops;
	bool unclear;     /* what it serves, or has in hand, is not known whole */
	uint8_t relation; /* AWAITED_BY or MADE_IN, of the request `related`; else 0 */
	uint32_t related; /* index into served */
	uint64_t object;  /* that both have in hand; 0: none */
	uint64_t startpc, parent;
	struct calling calling;
};

struct pass_idle { /* a goroutine that has nothing of all that */
	uint64_t addr, print, startpc, parent;
};

struct served {
	size_t g; /* index into gs */
	struct serving_request request;
	uint32_t context; /* of the request */
	uint64_t own;     /* address of that, if it is the request's own; else 0 */
	struct routes_pooled pooled[ROUTES_POOLED_MAX]; /* that its goroutine has in hand */
	uint8_t nr_pooled;
	bool route_known;
	const char *route; /* of a router; NULL: of none */
};

enum whose {
	NOBODYS, /* no request is known that it was made from */
	SERVED,  /* of one that is served */
	OVER,    /* of one that nobody serves any more */
	UNCLEAR, /* of one of which nobody knows who serves it, or whose it is */
};

struct owner {
	enum whose whose;
	size_t served; /* index: of SERVED */
	uint64_t own;  /* address of the request's own context */
};

struct pass {
	struct pass_of of;
	struct prover *prover;
	struct spans *spans;
	struct contexts *contexts;
	struct pass_g *gs;
	size_t nr_gs, gs_room;
	struct pass_idle *idle;
	size_t nr_idle, idle_room;
	struct hand *hands;
	size_t nr_hands, hands_room;
	uint64_t *chans;
	size_t nr_chans, chans_room;
	struct served *served;
	size_t nr_served, served_room;
	uint64_t *servers;
	size_t nr_servers, servers_room;
	size_t unread;
	int64_t now_ns; /* since 1970: when it began */
	bool complete;  /* who serves is known of each goroutine that can */
	/* address of a cancelCtx, of a Done channel: index into served + 1, or CLAIM_UNCLEAR */
	struct u64map claims, done;
	struct u64map done_context; /* Done channel to the number of its context */
	struct u64map streams;      /* of a client: index into gs + 1, or CLAIM_UNCLEAR */
	struct finding *findings;
	size_t nr_findings, findings_room;
	struct arena texts;
};

/* Whose a context is, from p->claims. n 0: nobody's. */
struct owner pass__owner(const struct pass *p, uint32_t n);
/* A copy of the Go string at addr. NULL: it makes no sense, then *ok is false; or no memory. */
const char *pass__text(struct pass *p, uint64_t addr, bool *ok);
/* The trace of what g has in hand of a request. own: as above; 0: of no request. */
void pass__trace(struct pass *p, const struct pass_g *g, uint64_t own, struct finding *f);
/* Of who serves, and since when; with no span of it, that of the request's header. */
void pass__trace_of_server(struct pass *p, const struct served *s, struct finding *f);
void pass__trace_of_header(struct pass *p, uint64_t request, const struct webtypes_request *of,
			   struct finding *f);
/* The pattern that a router has matched; NULL: none is known. */
const char *pass__route_of_router(struct pass *p, struct served *s);
/* Fills p->claims, and what follows from them: whose each context is. 0, -ENOMEM, -ENOSPC. */
int pass__claim(struct pass *p);
/* From what was gathered to findings. 0, -ENOMEM, -ENOSPC. */
int pass__tell(struct pass *p);
/* Whether it has nothing of any request in hand. */
bool pass__has_none(const struct pass *p, const struct pass_g *g);
/* Fills p->done and p->done_context, from p->claims. 0, -ENOMEM, -ENOSPC. */
int pass__done_chans(struct pass *p);

#endif
