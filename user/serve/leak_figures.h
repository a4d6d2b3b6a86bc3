/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_figures: a report of leaks in figures, for metrics: how many goroutines leak, where, and what
 * memory they keep. A leak worker works them out, and sends them beside its report: hostile input.
 *
 * Bounded: LEAK_SITES_MAX places, those with the most goroutines; the rest is one sum.
 */
#ifndef PARKWATCH_SERVE_LEAK_FIGURES_H
#define PARKWATCH_SERVE_LEAK_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/verdict.h"

#define LEAK_SITES_MAX 20
#define LEAK_NAME_MAX  160 /* bytes of a function's name, with NUL; a longer one loses its front */

struct leak_site {
	enum verdict_kind verdict;
	/* functions; "": not known */
	char created_by[LEAK_NAME_MAX], blocked_at[LEAK_NAME_MAX];
	uint64_t goroutines;
};

struct leak_figures {         /* a plain value */
	uint64_t leaking;     /* goroutines; suspects are none */
	uint64_t stack_bytes; /* of their stacks */
	uint64_t heap_bytes;  /* that only they keep, as far as it is known */
	struct leak_site sites[LEAK_SITES_MAX];
	size_t nr;
	uint64_t other; /* goroutines that leak elsewhere */
};

struct leaks;
struct leak_entry;
void leak_site_of(const struct leaks *l, const struct leak_entry *e, struct leak_site *ret);
bool leak_site__same(const struct leak_site *a, const struct leak_site *b); /* but for how many */
void leak_figures_of(const struct leaks *l, struct leak_figures *ret);      /* l: with entries */

/* As bytes of who may be mistaken. 0 or -EBADMSG. */
int leak_figures__unpack(const char *bytes, size_t len, struct leak_figures *ret);

/* One more place, or more goroutines at a known one. */
void leak_figures__add(struct leak_figures *f, const struct leak_site *s);

#endif
