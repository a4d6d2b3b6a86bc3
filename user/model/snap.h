/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snap: a profile frozen for the renderers: rows in a fixed order, whatever order the records came
 * in.
 *
 * Still addresses, no names. Borrows stacks and texts from the profile: valid until the profile
 * changes or is freed. Or of a census, whose goroutines were counted into rows: then from what the
 * rows point to.
 */
#ifndef PARKWATCH_MODEL_SNAP_H
#define PARKWATCH_MODEL_SNAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/chain.h"
#include "model/profile.h"
#include "model/stackset.h"

enum snap_stack_state {
	SNAP_STACK_SEEN,
	/* could not be read, or the birth was not seen (then gopc says a little) */
	SNAP_STACK_NONE,
	SNAP_STACK_LOST, /* its record was lost or refused */
};

struct snap_stack {
	struct stack stack; /* nr 0 unless SEEN */
	enum snap_stack_state state;
};

struct snap_link { /* one creation of an ancestry */
	struct snap_stack made;
	uint64_t gopc, startpc;
};

/* innermost first: how a goroutine, its parent, its parent's parent ... was made */
struct snap_chain {
	const struct snap_link *links;
	uint32_t nr;
	bool truncated; /* there were more */
};

struct snap_made { /* births that were seen at one `go` statement */
	uint64_t gopc, count;
	struct snap_chain chain; /* of those born */
	uint16_t rt;
};

struct snap_row {
	uint16_t rt;
	/*
	 * blocked, sched, wall: where it parked, or what ran; alloc: from mallocgc or refill outward; births, exits:
	 * the creator's; goroutines: pcs are return addresses all
	 */
	struct snap_stack own;
	/* blocked and sched: as this runtime's Go version numbers it; wall: model/wall */
	uint32_t reason;
	/* alloc: name of the type, wall: the system call that it is in; "" not known; else NULL */
	const char *type;
	uint64_t object_bytes; /* alloc: of one object, or of the size class, as measure says */
	enum alloc_measure measure;
	const char *word;        /* goroutines: what it does, in Go's words; else NULL */
	uint64_t gopc, startpc;  /* births, exits; with PROFILE_ROOT_CREATED_BY gopc for all */
	struct snap_chain chain; /* async: of the goroutine; births, exits: of its parent */
	uint64_t goid;           /* PROFILE_ROOT_GOID, else 0 */
	/* PROFILE_ROOT_LABEL: "" for no labels; of requests: model/reqlabel; else NULL */
	const char *label;
	uint64_t count;
	uint64_t value; /* ns, bytes, or the count */
	/*
	 * Estimates: value +- error is a confidence interval, such that ten of them hold at once in
	 * 95 %; 0 also where it is not known. For it is the greatest that are looked at together.
	 */
	uint64_t error;
};

struct snap {
	enum profile_event event;
	enum profile_root root;
	uint64_t start_ns, end_ns;
	uint32_t windows;  /* that values are estimated from; 0: they are exact, or samples (cpu) */
	bool counts_least; /* counts are what was seen: there may be more */
	const struct snap_row *rows;
	size_t nr;
	uint64_t count, value; /* sums */
	uint64_t error;        /* of value: +- error is a 95 % confidence interval */
	/* wall: so many system calls were told one by one: their rows have no error; else looks saw them */
	bool calls_known;
	uint64_t calls;
	bool part;            /* of a recording of estimates: no error is known, of rows neither */
	uint64_t stacks_lost; /* sum of the counts of rows whose stack is LOST */
	const struct snap_made *made; /* PROFILE_ROOT_CREATED_BY */
	size_t nr_made;
};

/* Values are estimates. Of allocations the measure says it, by the row. */
static inline bool snap_is_estimated(const struct snap *s)
{
	return s->windows || s->event == PROFILE_CPU;
}

/*
 * The interval of a value that so many samples stand for: those that come by chance are as many as they
 * are, give or take the root of that (Poisson). of_ten: as snap_row.error, else as snap.error.
 */
uint64_t snap_error_of_samples(uint64_t count, uint64_t value, bool of_ten);

int snap__take(const struct profile *p, struct snap **ret);
/* What one row is about, without its numbers. It borrows from the profile, and from links. */
void snap__row(const struct profile *p, const struct row_key *k, struct snap_link links[CHAIN_MAX],
	       struct snap_row *ret);
/* No stack of it is lost: its own, and those of the chain. */
bool snap_row__is_known(const struct snap_row *row);
/*
 * Of rows that were counted elsewhere; *rows, from malloc(), becomes the snap's (and NULL) on
 * success. -ENOMEM.
 */
int snap__from_rows(enum profile_event event, enum profile_root root, struct snap_row **rows,
		    size_t nr, struct snap **ret);
void snap__free(struct snap *s);
DEFINE_SCOPED(snap)

#endif
