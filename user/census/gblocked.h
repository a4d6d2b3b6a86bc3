/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gblocked: whether a goroutine is blocked in such a way that only one of the things it waits for
 * can let it go on.
 *
 * This is so at channels and at the locks of package sync, as in Go's own proof of leaks (Go 1.26
 * runtime/runtime2.go, isChanWait, isSyncWait), and for a coroutine of iter.Pull, at the coro that
 * switches to it. A goroutine that sleeps, waits for I/O or is in a system call goes on by itself.
 * The main goroutine and the runtime's own count as if they did, too: nobody calls them leaked,
 * and what they have stays in use. Pure.
 */
#ifndef PARKWATCH_CENSUS_GBLOCKED_H
#define PARKWATCH_CENSUS_GBLOCKED_H

#include <stdbool.h>
#include <stdint.h>

#include "census/census.h"
#include "golang/goruntime.h"

enum gblocked {
	GBLOCKED_NOT,     /* it may go on, or what it waits for is not known whole */
	GBLOCKED_ON,      /* on its waits, each of a kind that gblocked_object() knows */
	GBLOCKED_FOREVER, /* on nothing that exists: a nil channel, a select without cases */
};

/* rt->sym tells which goroutines are the runtime's own. */
enum gblocked gblocked_of(const struct goruntime *rt, const struct census *c,
			  const struct census_g *g);

/* The same, but main is like any other. */
enum gblocked gblocked_even_main(const struct goruntime *rt, const struct census *c,
				 const struct census_g *g);

/* The object that a wait is for: its address, and its size. false: none of these kinds. */
bool gblocked_object(int go_minor, const struct census_wait *w, uint64_t *ret_addr,
		     uint32_t *ret_size);

#endif
