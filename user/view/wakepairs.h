/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wakepairs: the graph of who waits for whom, of a recording of wakeups: rows by the line of the one
 * who waits, the line of the one who ended the wait, and what was waited for; the longest first.
 *
 * Lines are as view/place has them. Texts are of the merged rows, which must live as long.
 */
#ifndef PARKWATCH_VIEW_WAKEPAIRS_H
#define PARKWATCH_VIEW_WAKEPAIRS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "view/merged.h"
#include "view/place.h"

struct wakepair {
	struct place waiter;
	struct place waker; /* func NULL: no goroutine ended it, or nobody knows */
	enum waker_kind kind;
	const char *reason;
	uint64_t count, blocked_ns;
	double error; /* half of the 95 % confidence interval of blocked_ns; 0: exact */
};

struct wakepairs {
	struct wakepair *v;
	size_t nr;
};
int wakepairs__init(struct wakepairs *w, const struct merged *m); /* 0 or -ENOMEM */
void wakepairs__done(struct wakepairs *w);

#endif
