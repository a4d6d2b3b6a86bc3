/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * book: what a recording tells of a process, as plain data: who it is, its code, goroutines of each
 * look, labels, what descriptors are connected to.
 *
 * Filled fact by fact (facts/pw_reader), from a file that is hostile input: what does not fit
 * together is -EBADMSG, and everything that grows is bounded. Facts of other kinds are not for it.
 */
#ifndef PARKWATCH_FACTS_BOOK_H
#define PARKWATCH_FACTS_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "base/textpool.h"
#include "facts/chan_watch.h"
#include "facts/codebook.h"
#include "facts/goroutines.h"
#include "facts/labelbook.h"
#include "facts/pw_reader.h"
#include "facts/requests.h"
#include "facts/resource.h"
#include "facts/waits.h"

#define BOOK_RUNTIMES_MAX 8
#define BOOK_LOOKS_MAX    4096
#define BOOK_OPTIONS_MAX  256
#define BOOK_PEERS_MAX    65536
#define BOOK_LINES_MAX    65536

/* Channels and locks of one runtime. All are there, or none: nobody asked. Owned. */
struct book_waits {
	struct gchans *chans;
	struct glocks *locks;
	struct gholds *holds;
	struct waitgraph *graph;
	size_t chans_room, words_room, locks_room, holds_room, edges_room, steps_room, cycles_room;
	struct book_goid {
		uint64_t goid;
		uint32_t g; /* row of the census */
	} * goids;          /* by goid */
	size_t nr_goids;
	bool cycle_gone; /* the cycle that is read has a goroutine that is not there */
};

struct book_requests {
	struct grequests *rs; /* owned; its texts are those of the pool. NULL: nobody asked */
	size_t room;
};

struct book_look {
	uint32_t number;
	uint64_t unix_ns;
	struct census *censuses[BOOK_RUNTIMES_MAX]; /* by rt; NULL: it has none */
	struct labelbook *labels;
	struct book_waits waits[BOOK_RUNTIMES_MAX];       /* by rt */
	struct book_requests requests[BOOK_RUNTIMES_MAX]; /* by rt */
};

struct book_peer {
	uint32_t fd;
	const char *text;
};

struct book_line { /* that parkwatch had to say */
	uint64_t unix_ns;
	uint32_t level; /* enum log_level */
	const char *text;
};

/* Read only for others. Texts are those of the pool: clean. */
struct book {
	struct textpool *texts;
	struct codebook *code;
	const char *parkwatch, *view;
	const char *options[BOOK_OPTIONS_MAX], *values[BOOK_OPTIONS_MAX];
	size_t nr_options;
	uint32_t pid;
	const char *comm, *exe, *build_id;
	uint64_t text_start, text_end;
	struct resource resource; /* what it says of itself */
	struct {
		const char *version;
		int minor;
	} runtimes[BOOK_RUNTIMES_MAX];
	size_t nr_runtimes;
	struct book_look *looks;
	size_t nr_looks, looks_room;
	struct book_peer *peers; /* by fd, after book__end() */
	size_t nr_peers, peers_room;
	struct book_line *lines;
	size_t nr_lines, lines_room;
	uint64_t lines_lost;
	struct chan_watch *watch; /* of channels over some time; NULL: there was none */
	size_t lives_room, bursts_room, sites_room; /* of it */
	struct book_open *open;                     /* the look that is read */
};

int book__new(struct book **ret); /* 0 or -ENOMEM */
void book__free(struct book *b);
DEFINE_SCOPED(book)

/* 1: it was for the book; 0: it is of another kind; -EBADMSG, -ENOMEM with a cause. */
int book__fact(struct book *b, const Pw__Fact *f, const struct pw_names *names, struct cause *why);
/* That was the last one. 0, -EBADMSG: it tells of no process; -ENOMEM; with a cause. */
int book__end(struct book *b, struct cause *why);
const struct book_look *book__last_look(const struct book *b); /* NULL: it has none */
/* false: nobody asked for the channels and locks of that runtime. Borrows from the look. */
bool book_look__waits(const struct book_look *l, uint16_t rt, struct chans_source *ret);
/* NULL: nobody asked for the requests of that runtime, or they could not be read. Borrowed. */
const struct grequests *book_look__requests(const struct book_look *l, uint16_t rt);
const char *book__peer(const struct book *b, int fd); /* "" for one that is not there */

/* --- pieces --- */

/*
 * Columns are as long as their rows are many, or empty. One that says how much there is to keep is
 * never empty: a few bytes of a file must not ask for much memory.
 */
static inline bool column_fits(size_t n, size_t rows)
{
	return !n || n == rows;
}
#define COLUMN_AT(m, name, i) ((m)->n_##name ? (m)->name[i] : 0)

int book__look(struct book *b, const Pw__Look *l, struct cause *why);
int book__stacks(struct book *b, const Pw__Stacks *s, struct cause *why);
int book__labels(struct book *b, const Pw__Labels *l, const struct pw_names *names,
		 struct cause *why);
int book__goroutines(struct book *b, const Pw__Goroutines *g, struct cause *why);
struct book_look *book__open_look(struct book *b, uint16_t *ret_rt); /* NULL: none is read */
int book__channels(struct book *b, const Pw__Channels *f, const struct pw_names *names,
		   struct cause *why);
int book__locks(struct book *b, const Pw__Locks *f, struct cause *why);
int book__holders(struct book *b, const Pw__Holders *f, struct cause *why);
int book__waits_for(struct book *b, const Pw__WaitsFor *f, struct cause *why);
int book__requests(struct book *b, const Pw__Requests *f, const struct pw_names *names,
		   struct cause *why);
int book__requests_of(struct book *b, const Pw__RequestsOf *f, const struct pw_names *names,
		      struct cause *why);
int book__channel_watch(struct book *b, const Pw__ChannelWatch *f, struct cause *why);
int book__channel_life(struct book *b, const Pw__ChannelLife *f, const struct pw_names *names,
		       struct cause *why);
void book_waits__done(struct book_waits *w);
int book__close_look(struct book *b, struct cause *why);
int book__bad(struct cause *why, const char *what); /* -EBADMSG */

#endif
