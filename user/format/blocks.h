/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blocks: pieces of text by number, each made once: what a million goroutines print alike (a stack,
 * where they were made).
 *
 * A cache: beyond BLOCKS_BYTES all pieces are forgotten and made again as they are asked for.
 */
#ifndef PARKWATCH_FORMAT_BLOCKS_H
#define PARKWATCH_FORMAT_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/textbuf.h"

#define BLOCKS_BYTES (64u << 20)

struct block {
	size_t at, nr;  /* in the text */
	uint32_t round; /* valid if it is that of the blocks; 0 never */
};

struct blocks {
	struct block *v; /* owned */
	size_t nr;       /* numbers are below it */
	uint32_t round;
	struct textbuf text;
};

int blocks__init(struct blocks *b, size_t nr); /* -ENOMEM */
void blocks__done(struct blocks *b);

/*
 * Puts piece i to the end of `to`, made by make(ctx, i, text) if it is not there yet. make only
 * adds to text.
 */
void blocks__put(struct blocks *b, size_t i, struct textbuf *to,
		 void (*make)(void *ctx, size_t i, struct textbuf *text), void *ctx);

#endif
