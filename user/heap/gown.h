/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gown: words in the heap and among the variables that are no reference of the program, though they look like one.
 *
 * The runtime's records of goroutines, threads and processors lie in the heap as well, and are full of what was,
 * of addresses that are not pointers, and of who waits for what, which is the question and not the answer. Each is
 * known by a record that points back at it, so nothing of the program's own is ever taken for one. Loop thread.
 */
#ifndef PARKWATCH_HEAP_GOWN_H
#define PARKWATCH_HEAP_GOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "heap/grefs.h"
#include "heap/wordscan.h"
#include "heap/goheap.h"
#include "golang/goruntime.h"

#define GOWN_M_BYTES_MAX 2304u	/* of a runtime.m */

struct gown {			/* all borrowed */
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct goheap *heap;
	const struct grefs *refs;
	bool no_timers;		/* nor what the runtime's timers refer to counts */
};

/* The word at `at`, in the object at base of span s; p: the memory around it as it was read. */
bool gown_is_in_heap(const struct gown *o, const struct gospan *s, uint64_t base, uint64_t at, const struct wordpiece *p);

/* Which part of the object at base may refer to something: [*from, *to), which lies in it; p: the object as it was read. */
void gown_stretch(const struct gown *o, const struct gospan *s, uint64_t base, const struct wordpiece *p, uint64_t *from, uint64_t *to);
/* Whether objects of this size may be such records at all: else gown_stretch() need not be asked. */
bool gown_may_be_in(const struct gown *o, const struct gospan *s);
/* Whether all objects of this span are gs: no part of them refers to anything, so nobody need read it. */
bool gown_has_only_gs(const struct gown *o, const struct gospan *s);
/* Whether objects of this span have the size of a runtime.m. */
bool gown_fits_m(const struct gospan *s);

/* Whether the object at obj of span s is the runtime's record of a processor: what it refers to, a timer does. */
bool gown_is_processor(const struct gown *o, const struct gospan *s, uint64_t obj);

/* The word at `at` among the variables of a module: the compiler says that it is no pointer. */
bool gown_is_number(const struct gown *o, const struct gomodule *m, uint64_t at);

#endif
