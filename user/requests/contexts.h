/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contexts: the contexts that goroutines have in hand, and what each was made from, up to the root.
 *
 * A context is a node, told by address, with the number of the one above it. Nodes of package
 * context are known by their types; a type of anybody else counts only if it embeds a
 * context.Context, and then nothing is said of its deadline and its end, which may be its own. What
 * is above it is still that. Nodes are kept: a chain that is met a thousand times is read once. A
 * chain is followed for CONTEXTS_CHAIN_MAX steps; each step is proved (requests/prover). Not
 * thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_CONTEXTS_H
#define PARKWATCH_REQUESTS_CONTEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "requests/prover.h"
#include "requests/spans.h"
#include "requests/webtypes.h"

#define CONTEXTS_CHAIN_MAX 256u
#define CONTEXTS_MAX       1000000u /* nodes */

enum context_end { /* how a context has ended */
		   CONTEXT_LIVES,
		   CONTEXT_CANCELLED,     /* context.Canceled */
		   CONTEXT_TOO_LATE,      /* context.DeadlineExceeded */
		   CONTEXT_END_NOT_KNOWN, /* what another's context has said */
};

struct context {
	uint64_t addr;
	const struct gotype *type;
	uint32_t up;     /* number of the one that it was made from; 0: not known, or none */
	uint64_t cancel; /* address of its cancelCtx; 0: it has none */
	bool own_ways;   /* its deadline and its end are not those above it */
	bool cancelled;  /* its own cancelCtx, or its deadline, has ended it */
	uint8_t end;     /* enum context_end */
	bool is_first;   /* what it was made from is a root, as context.Background() */
	/* why it was cancelled, if somebody has said so, and an error: its type; NULL: nothing said */
	const struct gotype *cause;
	uint64_t cause_at;   /* and the second word of that */
	bool is_timer;       /* a context.timerCtx */
	bool has_deadline;   /* and its deadline is known */
	int64_t deadline_ns; /* since 1970 */
	bool is_local_addr;  /* a value that net/http gives each connection */
	bool is_server;      /* and the other one */
	uint64_t stream;     /* address of the call of gRPC that it has as its value; 0: none */
	/* what value it has, and where, if that is memory of a type; NULL: none that is known */
	const struct gotype *held;
	uint64_t value;
	uint32_t span; /* number of the span that it is; 0: it is none */
};

struct contexts;
/* All borrowed until free. -ENOMEM. */
int contexts__new(struct prover *p, const struct webtypes *w, struct spans *spans,
		  struct contexts **ret);
void contexts__free(struct contexts *c);
DEFINE_SCOPED(contexts)

/* The number of the context of this type at addr; 0: it is none. */
uint32_t contexts__at(struct contexts *c, const struct gotype *t, uint64_t addr);
/* Of the one that an interface context.Context at addr holds. */
uint32_t contexts__of_interface(struct contexts *c, uint64_t addr);
/* n: not 0. Borrowed until the next one is looked up. */
const struct context *contexts__get(const struct contexts *c, uint32_t n);
size_t contexts__nr(const struct contexts *c); /* numbers are 1 to nr */

/* The earliest deadline that holds for it. false: it has none that is known. */
bool contexts__deadline(const struct contexts *c, uint32_t n, int64_t *ret_ns);
/* Whether it, or what it was made from, was cancelled, as far as that is known. */
bool contexts__cancelled(const struct contexts *c, uint32_t n);
/*
 * Its cause: the type's name, "*errors.errorString", and where that says it, the text. false: it
 * has none. Texts are put into `texts`.
 */
bool contexts__cause(struct contexts *c, uint32_t n, struct arena *texts, const char **ret_type,
		     const char **ret_text);
/* The call of gRPC that it, or what it was made from, has as a value; 0: none. */
uint64_t contexts__stream(const struct contexts *c, uint32_t n);
/* The first cancelCtx on the way up from n; 0: there is none. */
uint64_t contexts__cancel(const struct contexts *c, uint32_t n);
/* The channel of Done of a cancelCtx; 0: nobody has asked for it. */
uint64_t contexts__done(struct contexts *c, uint64_t cancel);

/*
 * Whether it is the cancelCtx that net/http makes for one request, by what it was made from (Go
 * net/http/server.go conn.serve, readRequest; h2_bundle.go http2serverConnBaseContext,
 * newStream). HTTP/1: from the connection's, which was made from the value of its local address.
 * HTTP/2 up to Go 1.26: from the values of the server and of the local address, and they from the
 * connection's; later as HTTP/1.
 */
bool contexts__is_of_request(const struct contexts *c, uint32_t n);

#endif
