/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug_pprof: /debug/pprof/NAME?target=ID[&seconds=N][&debug=1|2], as net/http/pprof answers it, for
 * programs that have no such pages: for `go tool pprof`, Parca, Alloy and Pyroscope.
 *
 *	goroutine	of the newest look
 *	goroutineleak	of the newest watch for leaks
 *	profile, block, mutex	what runs; who waits for others; who gives up locks: of a recording of `seconds` that is made for it
 *			(serve/recorder), where the target's level or --allow-jobs allows that; as Go's own profile, of 30 if nobody says
 *	allocs		with seconds: the same. Without: of the newest regular recording
 *
 * debug 0 is pprof, 1 its text form (format/go_text), 2 of goroutines their tracebacks, of others as 1. A profile has pprof
 * alone, as Go's own.
 * An error is one line of text.
 */
#ifndef PARKWATCH_SERVE_DEBUG_PPROF_H
#define PARKWATCH_SERVE_DEBUG_PPROF_H

#include <stdbool.h>

#include "model/profile.h"
#include "serve/http.h"

#define DEBUG_PPROF           "/debug/pprof/"
#define DEBUG_PPROF_PROFILE_S 30 /* net/http/pprof's own */
#define DEBUG_PPROF_FRESH_NS                                                                       \
	(180 * NS_PER_SEC) /* age of a regular recording that is still an answer */

struct api_in;
struct reading;

struct debug_pprof {              /* which one, and how */
	const char *name;         /* a literal */
	enum profile_event event; /* that is recorded for it */
	unsigned int debug;
	bool plain; /* pprof without gzip: for who translates it */
};

/* The path begins with DEBUG_PPROF. */
void debug_pprof_get(const struct api_in *in, const struct http_request *q, struct http_answer *a);
/* In a process of its own (serve/reading). */
void debug_pprof_read_goroutines(const struct reading *r, struct http_answer *a);
void debug_pprof_read_leaks(const struct reading *r, struct http_answer *a);
void debug_pprof_read_recording(const struct reading *r, struct http_answer *a);
/* What Go calls its profile of that event; "": it has none. */
const char *debug_pprof_name(enum profile_event event);
/* One line. */
void debug_pprof_refuse(struct http_answer *a, unsigned int status, const char *text);

#endif
