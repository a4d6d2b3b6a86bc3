/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stored_sums: the goroutines that a store has of a target and a time, counted by stack: the mean of
 * the looks of that time (serve/stored_look), as a recording of one look.
 */
#ifndef PARKWATCH_SERVE_STORED_SUMS_H
#define PARKWATCH_SERVE_STORED_SUMS_H

#include "base/cause.h"
#include "serve/store_read.h"

#define STORED_ONLY_MAX 128

struct format;
struct replay;
struct http_answer;
struct http_request;
struct reading;

/* only: which looks, for people; lives as long as *ret. 0, or negative errno with a cause. */
int stored_sums__of(const struct store_found *f, const char *target, char only[STORED_ONLY_MAX],
		    struct replay **ret, struct cause *why);

/* Seconds since 1970 as ns; 0: it is no such time, or NULL. */
uint64_t stored_unix_ns(const char *text);
/* That time out of a query: two seconds since 1970. False: it is none, or it ends before it begins. */
bool stored_asked(const struct http_request *q, const char *target, const char *from,
		  const char *to, struct store_asked *ret);
/* What is stored of that time; store: folder of the segments; blocked: goroutines that wait, times its length. As stored_sums__of(). */
int stored_sums__read(int store, const struct store_asked *asked, bool is_blocked,
		      char only[STORED_ONLY_MAX], struct replay **ret, struct cause *why);
/* What recordings of that event saw in that time. As stored_sums__recorded(). */
int stored_sums__read_recorded(int store, const struct store_asked *of, const char *event,
			       char only[STORED_ONLY_MAX], struct replay **ret, struct cause *why);
/* The same of recordings of one event, which are not scaled to the time between them: what they saw, together. */
int stored_sums__recorded(const struct store_found *f, const char *target,
			  char only[STORED_ONLY_MAX], struct replay **ret, struct cause *why);

/*
 * GET /api/v1/targets/ID/profile?view=VIEW&from=UNIX&to=UNIX&format=folded|pprof|html|json. births, exits, alloc, cpu and
 * blocked are what recordings saw. goroutines: of at most PROFILE_LOOKS looks of that time. blocked, where nothing was recorded: an estimate by these looks, goroutines that wait times the length of the
 * time; in ns, as folded stacks only.
 */
#define PROFILE_LOOKS 120
void profile_read(const struct reading *of, struct http_answer *a);

#endif
