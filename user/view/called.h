/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * called: the line of the program's own code that led to a `go` statement of a library (own:
 * golang/gomain).
 *
 * By what is certain first: the stack at the birth, if that was seen, and those of its creators;
 * the stack of the creator, if it still is in the function with the `go` statement; births of
 * others there; where the creator, or who made that, is now; where that was made. The compiler
 * inlines no function with a `go` statement (Go 1.15 to 1.27 cmd/compile inl.go).
 */
#ifndef PARKWATCH_VIEW_CALLED_H
#define PARKWATCH_VIEW_CALLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/births.h"
#include "view/dump.h"
#include "view/place.h"
#include "base/json_writer.h"
#include "base/textbuf.h"

#define CALLED_ASKED 64 /* goroutines of a group */

enum called_how {
	/*
	 * the `go` statement itself is the program's own, or nobody knows where it is: nothing to
	 * say
	 */
	CALLED_OWN,
	CALLED_BIRTH,
	CALLED_CREATOR,
	CALLED_OTHERS,
	CALLED_STANDS,
	CALLED_ANCESTOR,
	/* the birth was seen, and nothing of the program's own was on the stack */
	CALLED_LIBRARY,
	CALLED_UNSEEN,
	CALLED_UNWATCHED, /* the same, and it may have been born in the watch */
};

struct called {
	enum called_how how;
	struct place place; /* from CALLED_BIRTH to CALLED_ANCESTOR; else "?" */
	uint64_t goid;      /* CALLED_CREATOR, CALLED_STANDS: who is there */
};

struct callers { /* all borrowed */
	struct dump *d;
	struct births *births; /* NULL: nobody watched */
	bool watched;          /* births has all of the watch */
	/* false: it is not there */
	bool (*find)(const void *ctx, uint16_t rt, uint64_t goid, struct dump_row *ret);
	const void *ctx;
};

/*
 * Of goroutines that were made at one `go` statement; of many only the first CALLED_ASKED are
 * asked. 0 or -ENOMEM.
 */
int called_of(const struct callers *c, const struct dump_row *const *rows, size_t nr,
	      struct called *ret);

static inline bool called__known(const struct called *c) /* there is a place */
{
	return c->how >= CALLED_BIRTH && c->how <= CALLED_ANCESTOR;
}

const char *called__how(const struct called *c); /* "birth", "creator", ..., "not seen" */
/* "main.connect /srv/main.go:49", or why nobody knows; "" for CALLED_OWN. */
void called__text(const struct called *c, struct textbuf *to);
/* an object; null for CALLED_OWN */
void called__json(const struct called *c, struct json_writer *w);

#endif
