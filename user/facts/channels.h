/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channels: what is known of the channels that the goroutines of a census wait on. heap/gchan
 * reads them from a target; whoever tells of them reads this.
 *
 * Plain data: arrays with indexes, and one pool of names. Memory: 72 bytes a channel. Not
 * thread-safe.
 */
#ifndef PARKWATCH_FACTS_CHANNELS_H
#define PARKWATCH_FACTS_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"

#define GCHAN_ELEMENTS   4           /* that are kept of one channel at most */
#define GCHAN_WORDS      4           /* of 8 bytes that are kept of one element at most */
#define GCHANS_WORDS_MAX (16u << 20) /* words of elements that are kept in all */

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
	/*
	 * of that type, as the target has it; "": not known. In gchans.names, or of what it was read
	 * from
	 */
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
	size_t unsettled;   /* channels that are not settled */
	struct arena names; /* each once */
};

void gchans__free(struct gchans *cs);
DEFINE_SCOPED(gchans)

/* NULL: nobody waits on it */
const struct gchan *gchans__get(const struct gchans *cs, uint64_t addr);

/* Whether a timer feeds the channel of a wait. */
struct chanfeed {
	uint32_t wait; /* index into census.waits: of a channel, not to send */
	bool fed;      /* by a timer that will fire, or by one that nothing is known of */
	bool stopped;  /* by one that does not fire any more */
	bool repeats;  /* by a ticker */
};

struct chanfeeds {
	struct chanfeed *v; /* by wait; those that no timer has to do with are not in it; owned */
	size_t nr;
};

void chanfeeds__free(struct chanfeeds *f);
DEFINE_SCOPED(chanfeeds)

/* NULL: no timer feeds or fed it, or nobody asked */
const struct chanfeed *chanfeeds__get(const struct chanfeeds *f, uint32_t wait);

#endif
