/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gather: many small pieces of a target's memory, read in few system calls.
 *
 * Pieces are asked for first and read together. Those that lie close to each other are read as one stretch: a read costs by
 * the piece and the page, hardly by the byte, and goroutines, their stacks and their sudogs lie side by side. A stretch
 * that cannot be read whole is read piece by piece. Loop thread.
 */
#ifndef PARKWATCH_CENSUS_GATHER_H
#define PARKWATCH_CENSUS_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/own.h"

#define GATHER_PIECE_MAX  4096u
#define GATHER_PIECES_MAX 65536u

struct gather;
int gather__new(const struct addrspace *as, struct gather **ret); /* as: borrowed until free */
void gather__free(struct gather *g);
DEFINE_SCOPED(gather)

void gather__clear(struct gather *g);
/* The number of the piece, counted from 0 since it was cleared. -EINVAL: len is 0 or over the limit; -ENOSPC; -ENOMEM. */
int gather__want(struct gather *g, uint64_t addr, size_t len);
/* 0 also if some pieces cannot be read; -ESRCH: the process has ended; -ENOMEM. */
int gather__read(struct gather *g);
/* NULL: it cannot be read. Borrowed until the next call but this one. */
const uint8_t *gather__piece(const struct gather *g, size_t i);

#endif
