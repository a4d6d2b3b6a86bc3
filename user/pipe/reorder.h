/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reorder: puts records of per-processor buffers back in order of time.
 *
 * Each buffer is ordered in itself. In one round all buffers are drained, one after the other.
 * Records that were written during round N may be missing from it, but none that is older than the
 * newest record of round N - 1. So after each round all records up to that mark go out, sorted.
 * Holds at most REORDER_BYTES_MAX: at the bound all records go out at once and are counted in
 * `forced`: the order may then be wrong, but nothing is lost.
 */
#ifndef PARKWATCH_PIPE_REORDER_H
#define PARKWATCH_PIPE_REORDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define REORDER_BYTES_MAX (32u << 20)

typedef void (*reorder_fn)(void *ctx, const void *data, size_t len);

struct reorder;
int reorder__new(reorder_fn fn, void *ctx, struct reorder **ret);
void reorder__free(struct reorder *o);
DEFINE_SCOPED(reorder)

/*
 * Copies one record in. It begins with its time, as struct pw_hdr does; shorter than that, it goes
 * out first. 0 or -ENOMEM.
 */
int reorder__add(struct reorder *o, const void *data, size_t len);
void reorder__round(struct reorder *o); /* all buffers were drained */
void reorder__flush(struct reorder *o); /* nothing more will come */
uint64_t reorder__forced(const struct reorder *o);

#endif
