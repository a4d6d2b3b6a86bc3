/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prover: whether memory is a value of a Go type, told from the memory alone.
 *
 * An address alone says nothing of what lies there. It is a T if it is the begin of an object of
 * the size class that T has, with pointers if T has some; if the object's header, where there is
 * one, names T; and if each field has what its type can have: a bool is 0 or 1, a pointer leads
 * into an object with room for what it points to, a string lies in its object, an interface has a
 * table of methods for the very interface. Objects that are no heap's may be variables of the
 * program. A table of methods (itab) is known by itself: its interface and its type are
 * descriptors, the hash is that type's, its first method is code; one that was made at run time has
 * no hash, is no variable, and all its methods are code (Go runtime/iface.go, 1.15 to 1.27).
 *
 * A prover reads memory once and remembers it: it is of one moment, and of one only if nothing
 * changes meanwhile. What rests on it is to be proved twice (requests/requests). Bounded in what it
 * remembers. Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_PROVER_H
#define PARKWATCH_REQUESTS_PROVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "golang/goruntime.h"
#include "golang/gotypes.h"
#include "heap/goheap.h"

#define PROVER_MEMORY_MAX (128u << 20) /* bytes of pages that are remembered */
#define PROVER_FACTS_MAX  4000000u     /* answers that are remembered */
#define PROVER_TEXT_MAX   1024u        /* bytes of a string; longer ones are cut */

struct prover;
/* All borrowed until free. -ENOMEM. */
int prover__new(const struct addrspace *as, const struct goruntime *rt, struct gotypes *types,
		const struct goheap *heap, struct prover **ret);
void prover__free(struct prover *p);
DEFINE_SCOPED(prover)

const struct goheap *prover__heap(const struct prover *p);
struct gotypes *prover__types(struct prover *p);
/* What went wrong with all that it reads: -ESRCH, -ENOMEM, -ENOSPC; 0: nothing. */
int prover__err(const struct prover *p);

/* A word of memory; 0 where it cannot be read. */
uint64_t prover__word(struct prover *p, uint64_t addr);
uint8_t prover__byte(struct prover *p, uint64_t addr);
/* A Go string at addr, cut to size - 1 bytes. false: it makes no sense. Any bytes but NUL. */
bool prover__string(struct prover *p, uint64_t addr, char *buf, size_t size);

/* A time.Time at addr, since 1970. false: it is none, or of no year that a program lives in. */
bool prover__time(struct prover *p, uint64_t addr, int64_t *ret_ns);

/* Whether a whole object of this type, a struct, begins at addr. t NULL: no type that there is. */
bool prover__is(struct prover *p, uint64_t addr, const struct gotype *t);
/* As prover__is() of memory inside an object that is proved otherwise: its fields only. */
bool prover__fits(struct prover *p, uint64_t addr, const struct gotype *t);

/* The type of which an itab is, and *ret_interface; NULL: it is none. */
const struct gotype *prover__itab(struct prover *p, uint64_t addr,
				  const struct gotype **ret_interface);
/*
 * What an interface with this first word (an itab, or of interface{} a type) holds in data: the
 * type of the memory that data leads to. NULL: nothing, or no pointer to something.
 */
const struct gotype *prover__held(struct prover *p, uint64_t first);

#endif
