/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recorder: which target is recorded now, in its regular turn or because somebody asked over HTTP and
 * waits; and who gets the answer.
 *
 * A target has one recording at a time. Who asks for the same seconds of it before it begins shares it.
 * Who asked comes first. A regular turn begins only while no leaks are watched for in the target, and
 * none are due. Bounded by RECORDER_WAITS_MAX, and by the time that a recording may take.
 */
#ifndef PARKWATCH_SERVE_RECORDER_H
#define PARKWATCH_SERVE_RECORDER_H

#include "serve/http.h"
#include "serve/reading.h"
#include "serve/watched.h"

#define RECORDER_WAITS_MAX  64
#define RECORDER_SECONDS    60 /* of one that is asked for, at most */
#define RECORDER_EVENTS_MAX 6  /* of one: they share what it may cost; others wait for the next */
#define RECORDER_LATE_NS    (90 * NS_PER_SEC) /* after its time; the worker ends by itself before */

struct readers;
struct store;

struct recorder_asked { /* what somebody asks for, and how it is to be told */
	enum reading_kind
		kind; /* READING_GO_RECORDING, READING_RECORDING; READING_CHANS, of RECORDING_CHANS */
	struct debug_pprof pprof; /* as a reading has it */
	const char *format;       /* a literal, the same */
	uint32_t seconds;
};

struct recorder {
	struct recording_turns turns;
	struct recorder_wait {
		char target[WATCHED_ID_MAX];
		struct recorder_asked of;
		bool begun;
		struct http_later *later;
	} waits[RECORDER_WAITS_MAX];
	size_t nr;
};

/*
 * later: of who asks, and waits from here on: 0. Or the status of an answer at once, with its text: the target's level and
 * allow_jobs do not allow it, nobody has looked at it yet, too many wait.
 */
unsigned int recorder__ask(struct recorder *r, const struct watched *w, bool allow_jobs,
			   const struct recorder_asked *of, struct http_later *later,
			   const char **ret_why);

/* How a recording worker is asked for; false: not now. */
struct recorder_start {
	bool (*ask)(void *ctx, const struct watched *w, uint32_t seconds, uint32_t events);
	void *ctx;
};
/* Now and then: what hangs is over; one more begins, if any may. leaks: as they have their turns. */
void recorder__tick(struct recorder *r, struct watched *const *targets, size_t nr,
		    const struct leak_turns *leaks, const struct recorder_start *start,
		    uint64_t now_ns);
/* Its pipe, taken over; -1: it could not be started. */
void recorder__attach(struct recorder *r, struct watched *w, int fd);
/* Its pipe has something. readers: make answers of it. s: what a regular one brings goes there; NULL: nowhere. */
void recorder__read(struct recorder *r, struct watched *w, struct store *s, struct readers *readers,
		    uint64_t now_ns);
/* It ended, or is watched no more: who waits for it hears that. */
void recorder__forget(struct recorder *r, const struct watched *w);

#endif
