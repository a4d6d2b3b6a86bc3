/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grefs: what all goroutines of a census refer to (heap/glive), and afterwards which of them ran
 * meanwhile.
 *
 * Goroutines are read twice, before and after a look at the heap: first for what each one has,
 * then to find those that have run since, or were born. Up to Go 1.16 a goroutine does not count
 * how often it runs. There it counts as having run if it refers to something else. Not
 * thread-safe.
 */
#ifndef PARKWATCH_HEAP_GREFS_H
#define PARKWATCH_HEAP_GREFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "heap/glive.h"
#include "golang/goruntime.h"

#define GREFS_WORDS_MAX (16u << 20)

struct grefs {
	struct glive_words words; /* of all goroutines */
	uint32_t *first;          /* of goroutine i: words first[i] .. first[i + 1] - 1; owned */
	bool *moved;              /* it is not as the census saw it; owned */
	bool *elsewhere;          /* ... nor at the same place again; owned */
	uint64_t *prints;         /* what it was like; owned */
	/*
	 * pairs, by the address of a g: that, and the number of its goroutine; owned; NULL: nobody
	 * asked yet
	 */
	uint64_t *by_addr;
	size_t next;  /* number of the goroutine that is asked for next, as a rule */
	uint64_t *gs; /* addresses of all g, dead ones included, sorted; owned */
	size_t nr_gs;
	size_t unread; /* goroutines whose stack could not be read: not all is known */
	/* borrowed */
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *c;
	struct glive *live;
};

/*
 * Of words in [lo, hi). All but lo and hi are borrowed until free. 0; -EBADMSG: this Go's layout is
 * not known; -EFAULT, -ESRCH, -ENOMEM.
 */
int grefs__read(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		uint64_t lo, uint64_t hi, struct grefs **ret);
void grefs__free(struct grefs *r);
DEFINE_SCOPED(grefs)

bool grefs__is_g(const struct grefs *r, uint64_t addr);
/* All of these nr addresses, step bytes apart. */
bool grefs__are_gs(const struct grefs *r, uint64_t first, uint64_t step, size_t nr);

/*
 * One goroutine that ran: its number in the census or CENSUS_G_MAX if it is not in it, and what it
 * refers to now. < 0 ends the look.
 */
typedef int (*grefs_ran)(void *ctx, uint32_t number, uint64_t goid,
			 const struct glive_words *words);
/* As grefs__read(); or what `ran` returned. */
int grefs__again(struct grefs *r, grefs_ran ran, void *ctx);

#endif
