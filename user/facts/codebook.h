/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * codebook: what is at addresses of a program's code, as a recording tells it (facts.proto, Code).
 *
 * Texts are those of its textpool: clean, equal ones have equal pointers. What is told once more is
 * passed over. At most CODEBOOK_PCS_MAX; what is beyond counts as not known. Not thread-safe.
 */
#ifndef PARKWATCH_FACTS_CODEBOOK_H
#define PARKWATCH_FACTS_CODEBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/textpool.h"

#define CODEBOOK_PCS_MAX (1u << 22)

struct code_frame {
	const char *func, *file;
	uint32_t line, start_line; /* 0: not known */
	bool inlined, wrapper, own;
};

enum code_kind { CODE_HERE, CODE_RETURN, CODE_START }; /* as facts.proto, Code.kind */

struct code_at {                         /* what is at a pc */
	uint64_t entry, size;            /* of the function that is really there; 0: not known */
	uint64_t start;                  /* CODE_START: what a goroutine runs that starts there */
	const struct code_frame *frames; /* innermost first; borrowed until the next put */
	size_t nr;                       /* 0: no table of the program knows the pc */
};

struct codebook;
int codebook__new(struct textpool *texts,
		  struct codebook **ret); /* texts: borrowed. 0 or -ENOMEM */
void codebook__free(struct codebook *b);
DEFINE_SCOPED(codebook)

/* The texts of frames are taken into the pool. 0 or -ENOMEM. */
int codebook__put(struct codebook *b, uint16_t rt, uint64_t pc, enum code_kind kind,
		  const struct code_at *c);
bool codebook__get(const struct codebook *b, uint16_t rt, uint64_t pc, enum code_kind kind,
		   struct code_at *ret);
/* Whether a function of the program is its own; as some frame told it. */
bool codebook__owns(const struct codebook *b, const char *func, const char *file);
size_t codebook__nr(const struct codebook *b); /* pcs that are known */

#endif
