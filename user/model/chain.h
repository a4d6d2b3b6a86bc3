/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chain: who made a goroutine, who made that one, and so on: a list of creations, innermost first.
 *
 * Chains are interned: goroutines with the same ancestry share one, so a program that lives for
 * weeks has as many chains as it has ways to get to a `go` statement. A chain longer than CHAIN_MAX
 * keeps its innermost links and is marked truncated; that makes ancestries that repeat themselves
 * (each goroutine starts the next) converge.
 */
#ifndef PARKWATCH_MODEL_CHAIN_H
#define PARKWATCH_MODEL_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define CHAIN_MAX    16    /* links of a chain */
#define CHAINSET_MAX 65536 /* different chains; more are refused and counted */
#define CHAIN_NONE   0     /* id: nothing is known of the ancestry */

struct chain_link { /* no padding: links are compared as bytes */
	/* of the creator when it ran the `go` statement; PW_STACK_ID_NONE: not seen, only gopc */
	uint64_t stack_id;
	uint64_t gopc;
	uint64_t startpc;
};

struct chain {
	uint32_t nr; /* links, 1 .. CHAIN_MAX */
	bool truncated;
	const struct chain_link *links; /* [0]: how the goroutine itself was made */
};

struct chainset;
int chainset__new(struct chainset **ret);
void chainset__free(struct chainset *cs);
DEFINE_SCOPED(chainset)

/*
 * The id of the chain that begins with link and goes on with chain `parent` (CHAIN_NONE: ends
 * there). CHAIN_NONE if refused.
 */
uint32_t chainset__extend(struct chainset *cs, const struct chain_link *link, uint32_t parent);
/* 0 and *ret, links borrowed until free; -ENOENT. */
int chainset__get(const struct chainset *cs, uint32_t id, struct chain *ret);
uint64_t chainset__refused(const struct chainset *cs);

#endif
