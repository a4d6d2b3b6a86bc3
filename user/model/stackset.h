/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stackset: stack id to pcs, for one process.
 *
 * Fed with PW_STACK records and with stacks of the census; read when a snapshot is taken, so a
 * stack may come after the events that name it. Memory is bounded: what goes beyond is refused and
 * counted, nothing is evicted.
 */
#ifndef PARKWATCH_MODEL_STACKSET_H
#define PARKWATCH_MODEL_STACKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

#include "base/cleanup.h"

#define STACKSET_BYTES_DEFAULT (128u << 20)

struct stack {
	uint32_t nr;    /* pcs, 1 .. PW_STACK_MAX */
	bool truncated; /* there were more frames */
	/* innermost first; [0] is the pc itself, the rest return addresses */
	const uint64_t *pcs;
};

struct stackset;
int stackset__new(size_t max_bytes, struct stackset **ret);
void stackset__free(struct stackset *s);
DEFINE_SCOPED(stackset)

/*
 * A stack under its id, as BPF made it (or under a reserved id: -EINVAL). Known ids are passed
 * over. -ENOSPC: refused and counted; -EINVAL: nr out of range; -EEXIST: the id is there with other
 * pcs, counted as refused too.
 */
int stackset__add(struct stackset *s, uint64_t id, const uint64_t *pcs, size_t nr, bool truncated);
/*
 * A stack that has no id yet: gets one, the same for an equal one. Longer ones are cut at
 * PW_STACK_MAX. Errors as above.
 */
int stackset__intern(struct stackset *s, const uint64_t *pcs, size_t nr, bool truncated,
		     uint64_t *ret_id);
/* 0 and *ret, whose pcs are borrowed until free; -ENOENT. */
int stackset__get(const struct stackset *s, uint64_t id, struct stack *ret);

size_t stackset__nr(const struct stackset *s);
uint64_t stackset__refused(const struct stackset *s);

#endif
