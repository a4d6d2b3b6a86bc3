/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * callsites: the line of the program's own code behind each `go` statement of a library, where
 * goroutines are told by their creation site
 * alone: `--root created-by`.
 *
 * By the births that were seen there (snap.made), and by what one census says of those that were
 * there before (view/called). One statement may be reached by several lines: then the commonest is
 * told, another one, and how many others there are. What goes beyond CALLSITES_MAX is not known.
 * Not thread-safe.
 */
#ifndef PARKWATCH_VIEW_CALLSITES_H
#define PARKWATCH_VIEW_CALLSITES_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "facts/goroutines.h"
#include "model/snap.h"
#include "view/called.h"
#include "names/namer.h"

#define CALLSITES_MAX 16384 /* `go` statements */

struct callsites;
/* namers: borrowed until free. */
int callsites__new(const struct namer *namers, size_t nr, struct callsites **ret);
void callsites__free(struct callsites *cs);
DEFINE_SCOPED(callsites)

/* censuses: one for each namer; all borrowed for the call. 0 or -ENOMEM. */
int callsites__census(struct callsites *cs, const struct census *const *censuses);
int callsites__births(struct callsites *cs, const struct snap *s);

struct callsite {
	struct called called;
	uint32_t others;    /* lines besides that one; 0 unless its place is known */
	struct place other; /* the commonest of them */
};

/*
 * made: the stack at the statement, if this one is known; NULL: of all that it made. Texts live as
 * long as the callsites. 0 or
 * -ENOMEM.
 */
int callsites__at(struct callsites *cs, uint16_t rt, uint64_t gopc, const struct snap_stack *made,
		  struct callsite *ret);

#endif
