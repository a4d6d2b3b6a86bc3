/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walkmemo: results of walks from one pc, for other goroutines whose memory says the same.
 *
 * A walk depends only on what it begins with and on the words of memory that it reads. If a
 * thousand goroutines wait for one lock, these are the same for all, except for where their stacks
 * lie: so addresses in the stack are compared as distances from the frame's sp. Not thread-safe.
 */
#ifndef PARKWATCH_LOCKS_WALKMEMO_H
#define PARKWATCH_LOCKS_WALKMEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "locks/lockwalk.h"

#define WALKMEMOS_MAX 4 /* of one pc; the oldest goes */
/* kept ones that nobody could use, after which no more are kept */
#define WALKMEMO_FUTILE 64

struct walkmemo;

/* Of one pc; all 0: none. */
struct walkmemos {
	struct walkmemo *v[WALKMEMOS_MAX]; /* owned */
	uint32_t next;                     /* that goes */
	uint32_t futile;
};
void walkmemos__done(struct walkmemos *ms);
size_t walkmemos__memory_bytes(const struct walkmemos *ms);

/* Whether it is worth it to have the reads of the next walk noted, for walkmemos__keep(). */
bool walkmemos__wants(const struct walkmemos *ms);

/* What a walk begins with, besides memory. All borrowed for the call. */
struct walk_start {
	const struct gofn *callee;   /* that the frame waits in; NULL: of the innermost */
	const struct lock_use *kept; /* locks that it has then */
	size_t nr_kept;
	int64_t unknown; /* as lockpath.unknown */
};

/*
 * Fills p's locks and w's given, sema, lost and *ret_exits as the walk would. false: it must be
 * walked.
 */
bool walkmemos__recall(struct walkmemos *ms, struct lockwalk *w, const struct walk_start *start,
		       struct lockpath *p, int *ret_exits);

/*
 * After a walk that came to p, while w->mem noted what it read. Not what cannot be told from one
 * stack to another.
 */
void walkmemos__keep(struct walkmemos *ms, const struct lockwalk *w, const struct walk_start *start,
		     const struct lockpath *p, int exits);

#endif
