/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pick: which goroutines are wanted. Pure: it is asked about one described goroutine at a time.
 *
 * All filters must hold; one that is given several times, or has several values (`18,19`), holds if one of them does. A
 * negated one keeps out what it matches. Filters by name:
 *
 *	state		a word of Go's: waiting, running, runnable, syscall, ...; several with commas
 *	wait		the reason in the newest Go's words, whole ("chan receive"), or the beginning of it ("chan*")
 *	older		has waited at least this long, as far as anybody knows
 *	goid, p		numbers; several with commas
 *	func		POSIX extended regular expression, anywhere in the name of any frame of the stack
 *	created-by	the same, in the name of the function with the `go` statement
 *	label		k=v, or k: has that label
 */
#ifndef PARKWATCH_NAMES_PICK_H
#define PARKWATCH_NAMES_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/own.h"
#include "names/labels.h"

#define PICK_CLAUSES_MAX 64	/* filters given */
#define PICK_NUMBERS_MAX 4096	/* of one goid or p */
#define PICK_UNKNOWN	 UINT64_MAX

enum pick_kind {
	PICK_STATE, PICK_WAIT, PICK_OLDER, PICK_GOID, PICK_P, PICK_FUNC, PICK_CREATED_BY, PICK_LABEL, PICK_KINDS,
};

struct pick_subject {
	uint64_t goid;
	const char *status;		/* "waiting" */
	const char *reason;		/* "chan receive"; NULL: it does not wait */
	uint64_t wait_ns;		/* PICK_UNKNOWN */
	int p;				/* -1: none */
	uint64_t func_hits, created_by_hits;	/* of pick__hits() over its functions */
	const struct label_set *labels;	/* needed if pick__asks(PICK_LABEL) */
};

struct pick;
int pick__new(struct pick **ret);
void pick__free(struct pick *p);
DEFINE_SCOPED(pick)

/*
 * -EINVAL, and the cause says in one line what is wrong with it; -ENOSPC with a cause: too many. older takes nanoseconds as
 * digits: units are the command line's affair.
 */
int pick__add(struct pick *p, const char *name, const char *value, bool negate, struct cause *why);

bool pick__asks(const struct pick *p, enum pick_kind kind);	/* there is such a filter */
/* The regular expressions of PICK_FUNC or PICK_CREATED_BY that name matches, as bits. */
uint64_t pick__hits(const struct pick *p, enum pick_kind kind, const char *name);
bool pick__takes(const struct pick *p, const struct pick_subject *s);

#endif
