/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gospecial: what belongs to heap objects and is not in the heap: finalizers, cleanups, weak
 * pointers.
 *
 * The runtime keeps them in a list for each span, in memory of its own. Its garbage collector
 * takes them for roots: the function of a finalizer or cleanup may still run, and everything that
 * an object with a finalizer leads to may still be used. An object with a weak pointer to it may
 * be used again. Source: Go runtime/mheap.go special, runtime/mgcmark.go markrootSpans. Not
 * thread-safe.
 */
#ifndef PARKWATCH_HEAP_GOSPECIAL_H
#define PARKWATCH_HEAP_GOSPECIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "heap/goheap.h"
#include "golang/goruntime.h"

#define GOSPECIALS_MAX      (1u << 20) /* read at most */
#define GOSPECIALS_LIST_MAX 65536u     /* of one span */

struct gospecial_word { /* that a finalizer or cleanup has in its record */
	uint64_t value;
	uint64_t object; /* address in the object that it hangs on */
};

struct gospecials {
	/* addresses in objects that may come to life again, sorted; owned */
	uint64_t *objects;
	size_t nr_objects;
	/* addresses of objects that package runtime/secret protects (Go 1.26), sorted; owned */
	uint64_t *secrets;
	size_t nr_secrets;
	struct gospecial_word *words; /* those that lie in the heap; owned */
	size_t nr_words;
	/* lists that were cut, or records that could not be read: not all is known */
	size_t lost;
};

/* 0; -ESRCH, -ENOMEM; -EBADMSG: this Go's layout is not known. */
int gospecials__read(const struct addrspace *as, const struct goruntime *rt,
		     const struct goheap *heap, struct gospecials **ret);
void gospecials__free(struct gospecials *s);
DEFINE_SCOPED(gospecials)

/* Whether one of objects lies in [addr, addr + size). */
bool gospecials__revives(const struct gospecials *s, uint64_t addr, uint64_t size);
/* Whether one of secrets does. */
bool gospecials__secret(const struct gospecials *s, uint64_t addr, uint64_t size);

#endif
