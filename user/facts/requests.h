/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * requests: which request each goroutine of a census works for, as far as that is a fact about
 * memory. The room requests reads them from a target; whoever tells of them reads this.
 *
 * Plain data: indexes, and texts of one arena. Texts are the target's: any bytes but NUL.
 */
#ifndef PARKWATCH_FACTS_REQUESTS_H
#define PARKWATCH_FACTS_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"

/* What a goroutine has to do with a request. */
enum grequest_relation {
	GREQUEST_NONE,
	GREQUEST_SERVES, /* it runs the handler of that request now */
	/* a live variable of it holds the request, or a context made from the request's own */
	GREQUEST_OF,
	/* that request waits for something that this goroutine has in hand: a channel, a WaitGroup */
	GREQUEST_AWAITED_BY,
	/* nothing in hand, but who serves that request made it, and serves no other */
	GREQUEST_MADE_IN,
};

enum grequest_kind {
	GREQUEST_UNKNOWN,
	GREQUEST_HTTP, /* HTTP/1 */
	GREQUEST_HTTP2,
	GREQUEST_GRPC,
	GREQUEST_OUTGOING, /* one that the program itself sent, over HTTP */
};

struct gtrace {               /* of a tracing library, or of the header traceparent */
	uint8_t trace_id[16]; /* all 0: none is known */
	uint8_t span_id[8];   /* of the innermost live span; all 0: none is known */
	const char *span;     /* its name; NULL: not known */
};

/* What the garbage collector has done to the memory of an object, as it was at some moment. */
struct gsweep {
	uint64_t span, start; /* address of its runtime.mspan; of the span's memory */
	uint32_t slot;        /* number of the object in it */
	uint32_t number;      /* of the last sweep */
	bool marked;          /* that one found it in use */
	bool known;
};

/*
 * The memory was not used for another object in between: nobody has swept it, or somebody has once, and found it
 * in use.
 */
static inline bool gsweep__follows(const struct gsweep *before, const struct gsweep *after)
{
	return before->known && after->known && before->span == after->span &&
	       before->start == after->start && before->slot == after->slot &&
	       (before->number == after->number ||
		(before->number + 2 == after->number && after->marked));
}

#define GREQUEST_SCHEME_GRPC "grpc" /* its host is the target that the program dialled */

struct grequest {     /* texts: NULL, not known; "" is an empty one */
	uint8_t kind; /* enum grequest_kind */
	bool over;    /* nobody serves it any more */
	bool left;    /* it is served, and its own context ended as GCONTEXT_CONNECTION says */
	bool has_deadline;
	uint64_t served_by; /* goid; 0: nobody */
	int64_t left_ns;    /* to its deadline, from when it was read; below 0: it has passed */
	const char *method;
	const char *path;  /* as it was asked for, without the query */
	const char *query; /* what followed the '?'; NULL: nothing, or nobody asked */
	const char *route; /* the pattern that it matched: "/quote/{id}" */
	const char *host, *peer;
	const char
		*scheme; /* of one that the program sent: "http", GREQUEST_SCHEME_GRPC; else NULL */
	int64_t age_ns;  /* since it began, from when it was read; below 0: not known */
	struct gtrace trace;
	/*
	 * Which one it is, from one look to the next: a goroutine that serves the same object at both
	 * serves the same request, and has served it all the while, if gsweep__follows().
	 */
	uint64_t object; /* address of the request's own context, or of its stream */
	struct gsweep sweep;
};

/*
 * Who has ended a context, where its chain tells: which one was the first to end. The request's: its
 * own, or one that this was made from.
 */
enum gcontext_end {
	GCONTEXT_END_UNKNOWN,
	GCONTEXT_OWN_DEADLINE,
	GCONTEXT_PARENT_DEADLINE, /* of a context between it and the request's */
	GCONTEXT_REQUEST_DEADLINE,
	GCONTEXT_OWN_CANCEL, /* somebody called its cancel function */
	GCONTEXT_PARENT_CANCEL,
	GCONTEXT_PROGRAM_CANCEL, /* one of these two: the request's lives */
	GCONTEXT_REQUEST_CANCEL,
	/* the server cancelled the request's own while the handler runs: no client waits for it */
	GCONTEXT_CONNECTION,
	GCONTEXT_END_MAX = GCONTEXT_CONNECTION,
};

struct grequest_of {      /* a goroutine */
	uint32_t request; /* index into requests.v + 1; 0: none is said */
	/* with no request said: that it has in hand, if there are several; else 0 */
	uint32_t in_hand;
	uint8_t relation; /* enum grequest_relation */
	/* who serves the request made it, or made who made it; known from Go 1.21 on */
	bool made_by_it;
	bool cancelled; /* the context that it has in hand was, or its deadline has passed */
	bool has_deadline;
	int64_t left_ns;  /* of that context, as above */
	uint8_t ended_by; /* enum gcontext_end, of the innermost context that it has in hand */
	const char *cause_type; /* of its cause: "*errors.errorString"; NULL: none was given */
	const char *cause;      /* the text of that; NULL: not known, or nobody asked */
	/*
	 * index + 1 of the outgoing request that it sends, or whose answer it waits for; of
	 * goroutines of net/http's client also until the answer has been read; 0: of none
	 */
	uint32_t calls;
	struct gtrace trace; /* of what it has in hand itself */
};

struct grequests {
	struct grequest *v; /* those that are served, then those that are over; owned */
	size_t nr;
	struct grequest_of *of; /* by goroutine of the census; owned */
	size_t nr_of;
	size_t moved;   /* goroutines of which nothing is said, because they moved meanwhile */
	bool cut;       /* the time was up: nothing is said of any */
	bool no_server; /* the program has none that is known, so nothing can ever be said */
	struct arena texts;
};

void grequests__free(struct grequests *rs);
DEFINE_SCOPED(grequests)

bool gtrace_is_known(const struct gtrace *t);
/* Its ids in hexadecimal digits, as they are written everywhere; "": not known. */
#define GTRACE_DIGITS 32
struct gtrace_text {
	char trace_id[GTRACE_DIGITS + 1], span_id[GTRACE_DIGITS / 2 + 1];
};
struct gtrace_text gtrace_text_of(const struct gtrace *t);
/* Whether its trace id begins with these digits, small or capital. */
bool gtrace_begins_with(const struct gtrace *t, const char *digits);
/* What the goroutine is in, else what its request is in. NULL: neither is known. */
const struct gtrace *grequests__trace(const struct grequests *rs, const struct grequest_of *of);

/* What was read is still so, this much later: ages and deadlines move. */
void grequests__later(struct grequests *rs, uint64_t ns);
/*
 * What clients say of themselves and of what they ask for is forgotten: paths, hosts, addresses.
 * The host of a request that the program itself sent stays.
 */
void grequests__routes_only(struct grequests *rs);

/* What is told of what clients asked for. */
enum grequest_detail {
	GREQUEST_PATHS,  /* paths without queries, the host, the client's address */
	GREQUEST_ROUTES, /* grequests__routes_only() */
	GREQUEST_QUERIES,
};
/* The rest is forgotten. */
void grequests__keep(struct grequests *rs, enum grequest_detail detail);

/* Its context was cancelled, or a deadline of one that it has in hand has passed. */
static inline bool grequest_of__ended(const struct grequest_of *of)
{
	return of->request && (of->cancelled || (of->has_deadline && of->left_ns < 0));
}

/* "serves", "of"; NULL of GREQUEST_NONE. */
const char *grequest_relation_word(enum grequest_relation r);
const char *grequest_kind_word(enum grequest_kind k); /* "http"; NULL: not known */
const char *gcontext_end_word(enum gcontext_end e);   /* "own deadline"; NULL: not known */

#endif
