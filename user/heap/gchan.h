/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gchan: the channels that the goroutines of a census wait on: how full, closed or not, and who
 * waits which way.
 *
 * The channel is read after the census, twice with its queues in between, until both readings
 * agree. It counts as read only if one of its queues holds the very sudog that the census saw:
 * memory that was a channel then may be something else by now. What does not settle keeps its
 * waiters and is counted; its numbers are not told. Queues are walked once, so a list that runs in
 * a circle ends. Memory: 72 bytes a channel and 40 a wait, while it is read as much again. Loop
 * thread.
 * Source: Go runtime/chan.go (hchan, waitq), runtime/runtime2.go (sudog), Go 1.15 to 1.27.
 */
#ifndef PARKWATCH_HEAP_GCHAN_H
#define PARKWATCH_HEAP_GCHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "golang/goruntime.h"
#include "heap/typenames.h"

#define GCHAN_ELEMENTS   4           /* that are read of one channel at most */
#define GCHAN_WORDS      4           /* of 8 bytes that are read of one element at most */
#define GCHANS_WORDS_MAX (16u << 20) /* words of elements that are kept in all */
/* sudogs that the census did not see and that are read for a walk */
#define GCHANS_STRANGERS_MAX 65536

struct gchan {
	uint64_t addr; /* of the hchan */
	/* runtime.timer that feeds it: time.After, time.Ticker; 0: none; told from Go 1.23 on */
	uint64_t timer;
	bool settled; /* all that follows is known */
	bool closed;
	/* its elements are protected by package runtime/secret, and not read */
	bool secret;
	uint8_t nr_elements;   /* that were read: the oldest, at most GCHAN_ELEMENTS */
	uint8_t element_words; /* kept of each: at most GCHAN_WORDS */
	uint16_t elem_size;    /* bytes */
	uint64_t elem_type;    /* address of its type */
	/* of that type, as the target has it; "": not known. Lives as long as the gchans */
	const char *elem_name;
	uint64_t len, cap;
	uint64_t words_at; /* index into gchans.words: nr_elements times element_words */
};

struct gchans {
	struct gchan *v; /* by address; owned */
	size_t nr;
	/* little endian, the last of an element filled up with zeros; owned */
	uint64_t *words;
	size_t nr_words;
	size_t unsettled;        /* channels that are not settled */
	struct typenames *types; /* owned */
};

/*
 * Reads each channel of a CENSUS_WAIT_CHAN once, and sets the way of each such wait that is found
 * in a queue: of select cases the census itself does not know it. elements: the oldest buffered
 * ones too. -EOPNOTSUPP: where fields lie is not known for this Go; -ESRCH: the process has ended;
 * -ENOMEM.
 */
int gchans__read(const struct addrspace *as, const struct goruntime *rt, struct census *c,
		 bool elements, struct gchans **ret);
void gchans__free(struct gchans *cs);
DEFINE_SCOPED(gchans)

/* NULL: nobody waits on it */
const struct gchan *gchans__get(const struct gchans *cs, uint64_t addr);

#endif
