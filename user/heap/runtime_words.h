/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime_words: words in the heap and among the variables that look like a reference of the
 * program and are none.
 *
 * The runtime's records of goroutines, threads and processors lie in the heap as well. They are
 * full of old values, of addresses that are not pointers, and of which goroutine waits for what:
 * that is the question, not the answer. Each of them is known by a record that points back at it,
 * so no word of the program's own is taken for one. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_RUNTIME_WORDS_H
#define PARKWATCH_HEAP_RUNTIME_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "heap/grefs.h"
#include "heap/wordscan.h"
#include "heap/goheap.h"
#include "golang/goruntime.h"

#define GOWN_M_BYTES_MAX 2304u /* of a runtime.m */

struct runtime_words { /* all borrowed */
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct goheap *heap;
	const struct grefs *refs;
	bool no_timers; /* nor what the runtime's timers refer to counts */
};

/* The word at `at`, in the object at base of span s; p: the memory around it as it was read. */
bool runtime_words_is_in_heap(const struct runtime_words *o, const struct gospan *s, uint64_t base,
			      uint64_t at, const struct wordpiece *p);

/*
 * Which part of the object at base may refer to something: [*from, *to), which lies in it; p: the
 * object as it was read.
 */
void runtime_words_stretch(const struct runtime_words *o, const struct gospan *s, uint64_t base,
			   const struct wordpiece *p, uint64_t *from, uint64_t *to);
/*
 * Whether objects of this size may be such records at all: else runtime_words_stretch() need not be
 * asked.
 */
bool runtime_words_may_be_in(const struct runtime_words *o, const struct gospan *s);
/*
 * Whether all objects of this span are gs: no part of them refers to anything, so nobody need read
 * it.
 */
bool runtime_words_has_only_gs(const struct runtime_words *o, const struct gospan *s);
/* Whether objects of this span have the size of a runtime.m. */
bool runtime_words_fits_m(const struct gospan *s);

/*
 * Whether the object at obj of span s is the runtime's record of a processor: what it refers to, a
 * timer does.
 */
bool runtime_words_is_processor(const struct runtime_words *o, const struct gospan *s,
				uint64_t obj);

/* The word at `at` among the variables of a module: the compiler says that it is no pointer. */
bool runtime_words_is_number(const struct runtime_words *o, const struct gomodule *m, uint64_t at);

#endif
