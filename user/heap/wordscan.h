/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wordscan: which words of a stretch of memory point into one of a few pages. It goes through
 * gigabytes at the speed of memory.
 *
 * Memory is read in pieces of WORDSCAN_PIECE bytes, many stretches in one call, and nothing is
 * kept. Each word is compared with the range of all that is looked for. A word in the range is
 * looked up in one bit for its page, and if that is set in one bit for its 64 bytes. A word that
 * passes may still be something else: the caller decides. Takes 5 MB. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_WORDSCAN_H
#define PARKWATCH_HEAP_WORDSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"

#define WORDSCAN_PIECE (256u << 10)

/* Memory that has just been read. */
struct wordpiece {
	uint64_t addr; /* of bytes[0] */
	size_t len;
	const uint8_t *bytes;
	int kind; /* the caller's, as is what */
	const void *what;
};

/* A word that passed: its value and its address in the piece. < 0: an error that ends the scan. */
typedef int (*wordscan_hit)(void *ctx, const struct wordpiece *piece, uint64_t value, uint64_t at);

struct wordscan;
/* as: borrowed until free. -ENOMEM. */
int wordscan__new(const struct addrspace *as, struct wordscan **ret);
void wordscan__free(struct wordscan *s);
DEFINE_SCOPED(wordscan)

/* What is looked for: nothing; also what lies in [from, to). */
void wordscan__clear(struct wordscan *s);
void wordscan__look_for(struct wordscan *s, uint64_t from, uint64_t to);
/* Whether a word passes. */
bool wordscan__passes(const struct wordscan *s, uint64_t value);

/* hit is called with ctx. It gives up at deadline_ns (CLOCK_MONOTONIC), or after max_bytes. */
void wordscan__begin(struct wordscan *s, wordscan_hit hit, void *ctx, uint64_t deadline_ns,
		     uint64_t max_bytes);
/*
 * Adds a stretch, from and to multiples of 8; a stretch of at most WORDSCAN_PIECE bytes is told in
 * one piece. What is read may be told now, or at the end. 0; -ETIME: over one of the limits;
 * -ESRCH; an error of hit.
 */
int wordscan__add(struct wordscan *s, uint64_t from, uint64_t to, int kind, const void *what);
int wordscan__end(struct wordscan *s);

uint64_t wordscan__bytes(const struct wordscan *s); /* read so far */
/*
 * Bytes that could not be read since wordscan__begin(); which is no error: the target gives memory
 * back.
 */
uint64_t wordscan__unread(const struct wordscan *s);

#endif
