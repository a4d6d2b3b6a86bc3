/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * births: how the goroutines of a watch were made: by whom, and what the stack was.
 *
 * Fed with records of births, exits and stacks, and with the goroutines of a census. Of these there
 * may be a million, and hardly any is asked for: they are only noted, one behind the other, until
 * one is. What goes beyond the bounds of gtable, stackset and chainset is not known. Not thread-safe
 * only.
 */
#ifndef PARKWATCH_MODEL_BIRTHS_H
#define PARKWATCH_MODEL_BIRTHS_H

#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

#include "base/cleanup.h"
#include "golang/goroutine.h"
#include "model/chain.h"
#include "model/gtable.h"
#include "model/stackset.h"

#define BIRTHS_MAX        524288      /* goroutines; those that ended make room */
#define BIRTHS_BEFORE_MAX 2097152     /* goroutines of a census: 40 bytes each */
#define BIRTHS_BYTES_MAX  (32u << 20) /* of stacks */
/* different stacks at `go` statements that are counted */
#define BIRTHS_WAYS_MAX 16384

struct births;
int births__new(struct births **ret);
void births__free(struct births *b);
DEFINE_SCOPED(births)

/* a checked record; other kinds are passed over */
void births__record(struct births *b, const struct pw_hdr *h);
/*
 * It was there before; once for each is enough. 0 for parent: unknown. What a record says of it
 * stays.
 */
void births__before(struct births *b, uint16_t rt, const struct goroutine *g);

/* NULL: unknown; borrowed until the next call */
const struct gorigin *births__of(struct births *b, uint16_t rt, uint64_t goid);
/* 0 and the ancestry, as far as it was known when it was asked for first; -ENOENT. */
int births__chain(struct births *b, uint16_t rt, uint64_t goid, struct chain *ret);
/* 0 or -ENOENT */
int births__stack(const struct births *b, uint64_t stack_id, struct stack *ret);
/*
 * Of those whose birth at this `go` statement was seen, one whose stack was the commonest: its
 * goid; 0: none was seen.
 */
uint64_t births__commonest(const struct births *b, uint16_t rt, uint64_t gopc);

#endif
