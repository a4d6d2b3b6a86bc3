/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chanlook: channels one by one, again and again: how full each is now, who queues, and whether it
 * is still the one that it was.
 *
 *	chanlook__meet()	channels that a census and the stacks of its goroutines lead to
 *	chanlook__read()	how these are now, cheaply: a few hundred bytes each
 *
 * A channel is known by its address and by what no channel ever changes: type and size of its
 * elements, buffer. A freed one may have been followed by another at the same address with the same
 * of all that: a function that makes a channel for each request does so. What tells is the
 * allocator: a bit for each object of a span says whether it outlived the last sweep, and the bits
 * of the mark phase become those of the next one (Go runtime/mgcsweep.go sweep). So of a channel
 * that was there, and whose span was swept once at most since, it is certain whether it is the same.
 * If the span was swept more often in between, it is not certain, and is said.
 *
 * Nothing is stopped; a channel is read in one piece, so what it says was true at one moment. The
 * target's memory is hostile: what is no channel by all that can be checked is none. Bounded in
 * channels, bytes of stacks, queues. Not thread-safe.
 * Source: Go runtime/chan.go (hchan, makechan), runtime/mheap.go (mspan), Go 1.15 to 1.27.
 */
#ifndef PARKWATCH_HEAP_CHANLOOK_H
#define PARKWATCH_HEAP_CHANLOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cause.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "golang/goruntime.h"

#define CHANLOOK_STACK_MAX  (32u << 10)  /* bytes of one stack that are looked through */
#define CHANLOOK_STACKS_MAX (128u << 20) /* of all, at one search */
#define CHANLOOK_WORDS_MAX  (1u << 20)   /* different addresses that may be of channels */
#define CHANLOOK_CHANS_MAX  65536        /* found at one search */
#define CHANLOOK_QUEUE_MAX  4096         /* goroutines that are counted in one queue */
#define CHANLOOK_STEPS_MAX  16384        /* in all queues, at one look */

enum chanlook_same {
	CHANLOOK_GONE,   /* freed, or another one */
	CHANLOOK_SAME,   /* for certain */
	CHANLOOK_UNSURE, /* as far as can be told */
	CHANLOOK_UNREAD, /* it could not be read just now */
};

struct chanlook_chan {
	uint64_t addr;
	/* what stays */
	uint64_t elem_type, buf, cap;
	const char *elem_name; /* "" not known; lives as long as the chanlook */
	uint16_t elem_bytes;
	uint64_t record;                 /* of its span */
	uint64_t span_start, span_bytes; /* of one object */
	/* what the span had when it was read last */
	uint64_t allocbits, markbits;
	/* as it was read last */
	uint64_t len, timer;
	bool closed;
	uint32_t senders, receivers;
	bool cut;     /* more may queue */
	uint8_t same; /* enum chanlook_same */
};

struct chanlook;
/* as, rt: borrowed until free. -EOPNOTSUPP: where fields lie is not known for this Go; -ENOMEM. */
int chanlook__new(const struct addrspace *as, const struct goruntime *rt, struct chanlook **ret);
void chanlook__free(struct chanlook *l);
DEFINE_SCOPED(chanlook)

/*
 * Channels that goroutines of c wait for, and those with a buffer to which a word of a stack
 * refers, by address; *ret is the caller's, their elements are read by the next chanlook__read().
 * *ret_cut: a bound was met. c was read just now. Errors of goheap__read(), -ESRCH, -ENOMEM.
 */
int chanlook__meet(struct chanlook *l, const struct census *c, struct chanlook_chan **ret,
		   size_t *ret_nr, bool *ret_cut, struct cause *why);
/* All of v, which is by address. 0; -ESRCH: the process has ended; -ENOMEM. */
int chanlook__read(struct chanlook *l, struct chanlook_chan *v, size_t nr);

#endif
