/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sites: where goroutines were made (gopc) and what they run (startpc, or what the wrapper there
 * calls), each place named once.
 */
#ifndef PARKWATCH_NAMES_SITES_H
#define PARKWATCH_NAMES_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "names/framer.h"
#include "names/filter.h"

#define SITES_MAX  262144 /* of more goroutines nobody says where they were made */
#define SITES_NONE UINT32_MAX

enum site_kind {
	SITE_MADE,  /* pc: of a go statement */
	SITE_START, /* pc: where a goroutine begins */
	/* pc: where one is, in a function that is inlined into a wrapper that it began in */
	SITE_INLINED,
	SITE_KINDS
};

struct site {
	uint64_t pc;
	uint16_t rt;
	uint8_t kind; /* enum site_kind */
	bool known;   /* else func is the address as a number */
	bool shown;   /* made: tracebacks say so */
	bool own;     /* made: the line is of the program's own code */
	bool system;  /* start: of the runtime's own goroutines */
	bool wrapper; /* start: the compiler's own, and no table says of what */
	/* start: of the runtime, but it calls the user's finalizers and cleanups */
	bool runs_users;
	uint32_t line; /* 0 unknown */
	/* made: of the function that the line is in; 0 unknown, as before Go 1.20 */
	uint32_t start_line;
	const char *func, *file; /* texts of the framer; start: of the wrapped function */
	uint64_t offset;         /* made: of pc in func; 0 at its entry */
	uint64_t hits;           /* made: of filter__hits() */
};

struct sites { /* read only for others */
	struct site *v;
	size_t nr;
	struct sites_index *index;
};

/* f: borrowed until free; namers: those of f, for the Go versions. */
int sites__new(struct framer *f, const struct namer *namers, struct sites **ret);
void sites__free(struct sites *s);
DEFINE_SCOPED(sites)

/*
 * Index of the site, SITES_NONE for pc 0 or where there is no room. filter, which may be NULL, is
 * asked when a site is new.
 */
uint32_t sites__of(struct sites *s, uint16_t rt, enum site_kind kind, uint64_t pc,
		   const struct filter *filter);
/* The start that f, a frame of a stack, is. SITES_NONE where there is no room. */
uint32_t sites__of_frame(struct sites *s, uint16_t rt, const struct frame *f);

#endif
