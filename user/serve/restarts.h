/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restarts: which target is an earlier one that was started again: the same program (path, and build id where there
 * is one) in the same container, which had ended before this one was started.
 *
 * Nothing is guessed. Two that lived at the same time are two. Where several have ended that it could be, those with
 * its arguments and control group count; where that leaves more than one, it is told as a restart of none, and so is
 * whoever comes next in place of them. A container has another ID after each start of it by the kubelet: there the
 * pod's UID and the container's name say that it is the same.
 *
 * Of the supervisor. Holds at most RESTARTS_PAST_MAX that have ended; the oldest goes for a newer one. Not thread-safe.
 */
#ifndef PARKWATCH_SERVE_RESTARTS_H
#define PARKWATCH_SERVE_RESTARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "serve/watched.h"

#define RESTARTS_PAST_MAX 1024
/* That the launcher may hear late of an end, on a busy machine. */
#define RESTARTS_LATE_NS  (100 * NS_PER_MS)
#define RESTARTS_SAVE_NS  (10 * NS_PER_SEC)
#define RESTARTS_BOOT_MAX 40

/* Why it is taken for the same program, and when it lived. All of it is written to disk as it is here. */
struct past {
	char id[WATCHED_ID_MAX];
	char exe[PROCESS_EXE_MAX], build_id[PROCESS_BUILD_ID_MAX];
	char container[72], pod[40], container_name[64];
	char restart_of[WATCHED_ID_MAX];
	uint64_t how; /* a hash of its arguments and its control group */
	uint64_t
		ended_ns; /* not later than that, CLOCK_BOOTTIME; 0: before the machine was started */
	uint32_t restarts;
	uint32_t
		lives; /* it did when the daemon before us wrote this; then ended_ns says nothing */
};

struct restarts {       /* zeroed: nothing is known */
	struct past *v; /* owned; the one that ended first is first */
	size_t nr, room;
	bool changed; /* since it was written */
	uint64_t saved_ns;
	char boot
		[RESTARTS_BOOT_MAX]; /* which start of the machine this is; "": not known, nothing is written */
};
void restarts__done(struct restarts *r);

/*
 * A word about w came: is it a restart? Says so in w->restarted, once; true: it has just been found to be one. Not
 * while its program, or in a pod its container's name, is not known yet.
 */
bool restarts__look(struct restarts *r, struct watched *w);
/* It ended, not later than ended_ns. Without memory it is forgotten. */
void restarts__ended(struct restarts *r, const struct watched *w, uint64_t ended_ns);
/* All processes of this machine are known: of those that lived when the daemon before us wrote, the rest has ended. */
void restarts__all_known(struct restarts *r, uint64_t now_ns);

/*
 * What an earlier daemon wrote into this folder, for this start of the machine or one before. What is no such file,
 * is not whole or of another version is as if it were not there.
 */
void restarts__read(struct restarts *r, int dir, const char *boot);
/* All that have ended, and those that live. 0, -ENOMEM or an errno of writing: then the file of before is there. */
int restarts__write(const struct restarts *r, int dir, struct watched *const *live, size_t nr);
/* The same, if something changed, at most every RESTARTS_SAVE_NS; now: as soon as that. */
void restarts__save(struct restarts *r, int dir, struct watched *const *live, size_t nr,
		    uint64_t now_ns, bool now);
void restarts_boot(char ret[RESTARTS_BOOT_MAX]); /* of this machine; "": not known */

/* The parts of w that tell what it is. */
void past_of(const struct watched *w, struct past *ret);

#endif
