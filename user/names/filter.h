/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter: which goroutines are wanted. Pure: it is asked about one described goroutine at a time.
 *
 * All filters must hold; one that is given several times, or has several values (`18,19`), holds if
 * one of them does. A negated one keeps out what it matches. Filters by name:
 *
 *	state		a word of Go's: waiting, running, runnable, syscall, ...; several with commas
 *	wait		the reason in the newest Go's words, whole ("chan receive"), or the beginning of it ("chan*")
 *	older		has waited at least this long (30s, 2m), as far as anybody knows
 *	goid, p		numbers; several with commas
 *	func		POSIX extended regular expression, anywhere in the name of any frame of the stack
 *	created-by	the same, in the name of the function with the `go` statement
 *	label		k=v, or k: has that label
 *	not		FILTER=VALUE: keeps out what that filter takes
 */
#ifndef PARKWATCH_NAMES_FILTER_H
#define PARKWATCH_NAMES_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "names/labels.h"

#define FILTER_CLAUSES_MAX 64   /* filters given */
#define FILTER_NUMBERS_MAX 4096 /* of one goid or p */
#define FILTER_UNKNOWN     UINT64_MAX

enum filter_kind {
	FILTER_STATE,
	FILTER_WAIT,
	FILTER_OLDER,
	FILTER_GOID,
	FILTER_P,
	FILTER_FUNC,
	FILTER_CREATED_BY,
	FILTER_LABEL,
	FILTER_KINDS,
};

struct filter_subject {
	uint64_t goid;
	const char *status;                  /* "waiting" */
	const char *reason;                  /* "chan receive"; NULL: it does not wait */
	uint64_t wait_ns;                    /* FILTER_UNKNOWN */
	int p;                               /* -1: none */
	uint64_t func_hits, created_by_hits; /* of filter__hits() over its functions */
	const struct label_set *labels;      /* needed if filter__asks(FILTER_LABEL) */
};

struct filter;
int filter__new(struct filter **ret);
void filter__free(struct filter *p);
DEFINE_SCOPED(filter)

/* -EINVAL, and the cause says in one line what is wrong with it; -ENOSPC with a cause: too many. */
int filter__add(struct filter *p, const char *name, const char *value, bool negate,
		struct cause *why);

bool filter__asks(const struct filter *p, enum filter_kind kind); /* there is such a filter */
/* The regular expressions of FILTER_FUNC or FILTER_CREATED_BY that name matches, as bits. */
uint64_t filter__hits(const struct filter *p, enum filter_kind kind, const char *name);
bool filter__takes(const struct filter *p, const struct filter_subject *s);
/* What the filters of this kind alone say: false: whatever else it is, it is not taken. */
bool filter__allows(const struct filter *p, enum filter_kind kind, const struct filter_subject *s);

/* The texts, or the numbers, of the filters of a kind, one after the other; false: there are no more. */
bool filter__text(const struct filter *p, enum filter_kind kind, size_t i, const char **ret);
bool filter__numbers(const struct filter *p, enum filter_kind kind, size_t i, const uint64_t **ret,
		     size_t *ret_nr);

#endif
