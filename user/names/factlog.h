/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * factlog: what is known of a process becomes facts of a .pw file, with names.
 *
 * Facts that belong together are a group: factlog__group() begins one, and begins a new segment
 * where the last one is full. It writes what the rows refer to (names, code, stacks) before them,
 * once a segment. Not thread-safe.
 */
#ifndef PARKWATCH_NAMES_FACTLOG_H
#define PARKWATCH_NAMES_FACTLOG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "base/notes.h"
#include "facts/chan_watch.h"
#include "facts/goroutines.h"
#include "facts/labelbook.h"
#include "facts/pw_writer.h"
#include "facts/requests.h"
#include "facts/resource.h"
#include "facts/waits.h"
#include "names/framer.h"

struct factlog_of {                                 /* all borrowed until free */
	const char *view;                           /* "dump" */
	const char *const *options, *const *values; /* as facts.proto, Command */
	size_t nr_options;
	int pid;
	const char *comm, *exe, *build_id;
	uint64_t text_start, text_end;
	const struct resource *resource; /* what it says of itself; NULL: not told */
	const struct namer *namers;      /* by rt */
	const char *const *versions;     /* by rt: "go1.26.8" */
	size_t nr;
};

struct factlog;
int factlog__new(FILE *out, const struct factlog_of *of, struct factlog **ret); /* 0 or -ENOMEM */
void factlog__free(struct factlog *f);
DEFINE_SCOPED(factlog)

/* A look at one runtime: all of c. number: of the look. labels NULL: nobody asked. 0 or -ENOMEM. */
int factlog__look(struct factlog *f, uint32_t number, uint16_t rt, uint64_t unix_ns,
		  const struct census *c, const struct labelbook *labels);
/*
 * Of that look, after factlog__look() and before another one: channels, locks and who waits for
 * whom. 0 or -ENOMEM.
 */
int factlog__waits(struct factlog *f, uint32_t number, uint16_t rt, uint64_t unix_ns,
		   const struct census *c, const struct chans_source *s);
/* Of that look, too: which request each goroutine works for. 0 or -ENOMEM. */
int factlog__requests(struct factlog *f, uint32_t number, uint16_t rt, uint64_t unix_ns,
		      const struct census *c, const struct grequests *rs);
/* Channels over some time. */
void factlog__watch(struct factlog *f, const struct chan_watch *w);
/* What these descriptors are connected to; text(i): "" is left out. */
int factlog__peers(struct factlog *f, const int *fds, size_t nr,
		   const char *(*text)(void *ctx, int fd), void *ctx);
/* What is said of the process (base/notes). */
void factlog__notes(struct factlog *f, const struct note *v, size_t nr, uint64_t lost);
/* What went wrong first, with a cause; nothing is written afterwards. */
int factlog__end(struct factlog *f, struct cause *why);

/* --- pieces, for those who write facts of their own --- */

uint32_t factlog__group(struct factlog *f); /* the segment's number; a new one knows nothing */
/* A look, and how far it is told; borrowed. */
struct factlog_of_look {
	struct factlog *f;
	const struct census *c;
	uint64_t unix_ns;
	uint32_t number, segment; /* segment: of the last fact */
	uint16_t rt;
};
/* The look that the next facts are of. */
void factlog__begin_look(struct factlog_of_look *l);
/* Before each of these facts: where a new segment begins, the look is told there again. */
struct pw_writer *factlog__in_look(struct factlog_of_look *l);
struct pw_writer *factlog__writer(struct factlog *f);
/* What is there will be told by the next factlog__code(). pc 0 is passed over. */
void factlog__pc(struct factlog *f, uint16_t rt, uint64_t pc, bool is_return);
void factlog__start(struct factlog *f, uint16_t rt, uint64_t pc); /* where a goroutine starts */
void factlog__pcs(struct factlog *f, uint16_t rt, const uint64_t *pcs, size_t nr, bool all_return);
/* Where a goroutine that stands in this stack may have begun: what it runs, past wrappers. */
void factlog__roots(struct factlog *f, uint16_t rt, const uint64_t *pcs, size_t nr);
void factlog__code(struct factlog *f);
void factlog__fail(struct factlog *f, int err);

/* A column whose rows are all 0 is left out. */
void column_u32(size_t *n, uint32_t **to, uint32_t *v, size_t nr);
void column_u64(size_t *n, uint64_t **to, uint64_t *v, size_t nr);
void column_s64(size_t *n, int64_t **to, int64_t *v, size_t nr);

#endif
