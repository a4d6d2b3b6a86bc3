/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * readv_batch: many small pieces of a target's memory, read in few system calls.
 *
 * Pieces are asked for first and read together. Those that lie close to each other are read as one
 * stretch: a read costs by the piece and the page, hardly by the byte, and goroutines, their stacks
 * and their sudogs lie side by side. A stretch that cannot be read whole is read piece by piece.
 * Not thread-safe.
 */
#ifndef PARKWATCH_CENSUS_READV_BATCH_H
#define PARKWATCH_CENSUS_READV_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"

#define READV_PIECE_MAX  4096u
#define READV_PIECES_MAX 65536u

struct readv_batch;
/* as: borrowed until free */
int readv_batch__new(const struct addrspace *as, struct readv_batch **ret);
void readv_batch__free(struct readv_batch *g);
DEFINE_SCOPED(readv_batch)

void readv_batch__clear(struct readv_batch *g);
/*
 * The number of the piece, counted from 0 since it was cleared. -EINVAL: len is 0 or over the
 * limit; -ENOSPC; -ENOMEM.
 */
int readv_batch__want(struct readv_batch *g, uint64_t addr, size_t len);
/* 0 also if some pieces cannot be read; -ESRCH: the process has ended; -ENOMEM. */
int readv_batch__read(struct readv_batch *g);
/* NULL: it cannot be read. Borrowed until the next call but this one. */
const uint8_t *readv_batch__piece(const struct readv_batch *g, size_t i);

#endif
