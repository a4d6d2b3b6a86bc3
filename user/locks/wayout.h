/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wayout: whether a function can come to its end from where it stands (`for { time.Sleep(d); ...
 * }` cannot), and whether it comes by again.
 *
 * Its code tells: a return, a jump to another function, or an instruction that is not known, is a
 * way out. A panic is none, although a function ends if it recovers from one. Time is linear in
 * the function's code. Not thread-safe.
 */
#ifndef PARKWATCH_LOCKS_WAYOUT_H
#define PARKWATCH_LOCKS_WAYOUT_H

#include "locks/gofn.h"

/* bits */
enum wayout {
	WAYOUT_OUT = 1,   /* there is a way out of the function, or nobody knows */
	WAYOUT_AGAIN = 2, /* and one back to the call that is going on */
};

/*
 * Of code of the program: of the runtime's own nothing is known. bits of enum wayout, or -ENOMEM.
 * is_return: pc is a return address.
 */
int wayout_from(struct gofns *fns, uint64_t pc, bool is_return);

#endif
