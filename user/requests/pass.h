/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pass: the memory of a target read once, and what it says of each goroutine and its request.
 *
 * The target runs on meanwhile, so a pass may see what never was: a goroutine is said to have a
 * request only if two passes find the very same, and it has not moved in between
 * (requests/requests). Who serves is found first; a request is told by the address of the context
 * that net/http made for it alone. An address that two requests claim is nobody's.
 */
#ifndef PARKWATCH_REQUESTS_PASS_H
#define PARKWATCH_REQUESTS_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "base/deadline.h"
#include "facts/requests.h"
#include "golang/goruntime.h"
#include "golang/gotypes.h"
#include "heap/goheap.h"
#include "requests/libtypes.h"
#include "requests/outgoing.h"
#include "requests/rows.h"
#include "requests/webtypes.h"

#define PASS_HANDS_MAX 8000000u  /* contexts and requests in hand, of all goroutines */
#define PASS_CHANS_MAX 16000000u /* channels that they wait on */

struct finding { /* of one goroutine; texts: of the pass, NULL: not known */
	uint64_t g, goid, print;
	uint64_t sp;      /* where it stands */
	uint64_t own;     /* address of the request's own context: which request it is */
	uint64_t request; /* address of the net/http.Request that tells of it; 0: none */
	uint64_t server;  /* address of the g that serves it; 0: nobody does */
	uint64_t server_goid;
	uint32_t in_hand;
	uint8_t relation; /* enum grequest_relation */
	uint8_t kind;     /* enum grequest_kind */
	uint8_t stops;    /* as struct gview */
	bool over, cancelled, has_deadline, left;
	int64_t deadline_ns; /* since 1970 */
	uint8_t ended_by;    /* enum gcontext_end */
	const char *cause_type, *cause;
	int64_t began_ns; /* of what serves: the request; 0: not known */
	const char *method, *path, *query, *route, *host, *peer;
	struct gtrace trace;
	uint64_t object; /* of AWAITED_BY: what the request waits for, and this has in hand */
	uint64_t call; /* address of the net/http.Request, or call of gRPC, that it sent; 0: none */
	uint64_t caller; /* address of the g that tells which that is; 0: itself */
	struct outgoing calls;
};

struct pass_of { /* all borrowed until the pass is freed */
	const struct addrspace *as;
	const struct goruntime *rt;
	struct gotypes *types;
	const struct webtypes *web;
	const struct libtypes *libs;
	struct liveslots_code *code;
	const struct goheap *heap;
	const uint64_t *gs; /* addresses of the g structs that are looked at */
	size_t nr_gs;
	struct rows *rows;      /* of the census, which was read before: what they wait for */
	struct deadline *until; /* NULL: no end */
};

struct pass;
/* -ETIMEDOUT: the deadline came before the end; -ESRCH; -ENOSPC: over a bound; -ENOMEM. */
int pass__take(const struct pass_of *of, struct pass **ret);
void pass__free(struct pass *p);
DEFINE_SCOPED(pass)

/* In the order of gs; those of which nothing is found are not in it. Borrowed. */
const struct finding *pass__findings(const struct pass *p, size_t *ret_nr);
/* Those that serve connections, whatever they do: addresses of g structs. Borrowed. */
const uint64_t *pass__servers(const struct pass *p, size_t *ret_nr);
/* Goroutines that could not be read, because they ran or moved. */
size_t pass__unread(const struct pass *p);

#endif
