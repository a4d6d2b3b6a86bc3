/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay: a recording as what views are made of: censuses, namers, labels, counts by stack, leaks. So a
 * report of it is the same, byte for byte, as the one that was shown when it was written.
 */
#ifndef PARKWATCH_VIEW_REPLAY_H
#define PARKWATCH_VIEW_REPLAY_H

#include <stdio.h>

#include "base/cause.h"
#include "facts/book.h"
#include "model/event_facts.h"
#include "model/snap_facts.h"
#include "model/timeline_facts.h"
#include "names/factlog.h"
#include "view/dump.h"
#include "view/leaks_facts.h"
#include "view/recording.h"
#include "view/refs_facts.h"

struct replay { /* read only for others */
	struct pw_read read;
	struct book *book;
	struct snap_facts *sums;
	struct event_facts *events;
	struct timeline_facts *timeline;
	struct refs_facts *refs;
	struct leaks_facts *leaks;
	struct namer namers[BOOK_RUNTIMES_MAX];
	bool has_meta;           /* the file has its end */
	struct report_meta meta; /* as far as it is told */
	bool in_sums;            /* stacks belong to them */
};

/*
 * All of the file. path: for the cause. -ENOENT, -EACCES ...: it cannot be opened; others as
 * pw_read(), book__end(). Each with a cause.
 */
int replay__open(const char *path, struct replay **ret, struct cause *why);
int replay__read(FILE *in, const char *path, struct replay **ret, struct cause *why);
/* One that is in memory; borrowed for the call. */
int replay__of_bytes(const char *bytes, size_t len, const char *name, struct replay **ret,
		     struct cause *why);
/* And those single events are counted, of a timeline that part is kept. filter: borrowed until free; NULL: none. */
int replay__open_events(const char *path, const struct event_filter *filter, struct replay **ret,
			struct cause *why);
int replay__read_events(FILE *in, const char *path, const struct event_filter *filter,
			struct replay **ret, struct cause *why);
void replay__free(struct replay *r);
DEFINE_SCOPED(replay)

/*
 * The last look, as what a dump is made of. It points into itself and into the replay: not to be
 * copied.
 */
struct replay_look {
	struct dump_input in;
	const struct census *censuses[BOOK_RUNTIMES_MAX];    /* one for each runtime */
	const struct grequests *requests[BOOK_RUNTIMES_MAX]; /* in.requests: all, or NULL */
};
bool replay__look(const struct replay *r, struct replay_look *ret); /* false: it has none */
/* The last one that was begun at most this long after the first. */
bool replay__look_until(const struct replay *r, uint64_t ns, struct replay_look *ret);

/* Of each recording: what is said of the whole, and what was said of the process (base/notes). */
void replay__write_end(struct factlog *f, const struct report_meta *m);

#endif
