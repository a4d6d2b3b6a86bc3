/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * looker: a child of ours that looks again and again, for `top`: at all Go processes (serve/discover),
 * or at the goroutines of one (serve/worker). It tells by frames (serve/frame) through a pipe.
 *
 * Programs are hostile input, and a page of theirs may be one that nobody answers for: so who draws and
 * reads keys never looks. What a looker tells is hostile input too. Not thread-safe.
 */
#ifndef PARKWATCH_SERVE_LOOKER_H
#define PARKWATCH_SERVE_LOOKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/clock.h"
#include "serve/frame.h"
#include "view/processes.h"

/* That it may be silent beyond its pace: then it hangs. */
#define LOOKER_SILENT_NS     (30 * NS_PER_SEC)
#define LOOKER_PROCESSES_MAX 4096 /* more are left out: those with the fewest goroutines */
/* A process where looking came to no end is looked at again after that. */
#define LOOKER_REST_NS (60 * NS_PER_SEC)

struct looker {
	pid_t child; /* 0: none */
	int said;    /* a memfd: its standard error; -1 */
	struct frame_reader from;
};

void looker__init(struct looker *l);
/*
 * pid 0: at all processes, and asks daemon (serve/ask; NULL: none) what it knows of them. The first
 * look is at once. 0 or negative errno.
 */
struct ask_whom;
int looker__start(struct looker *l, pid_t pid, uint64_t pace_ns, const struct ask_whom *daemon);
void looker__stop(struct looker *l);
/* After -EPIPE of reading: waits for its end. true: its target has ended; else why says what was wrong. */
bool looker__ended(struct looker *l, struct cause *why);
/* A frame of all processes; daemon: the URL that looker__start() had. 0, -EBADMSG, -ENOMEM. */
int looker__processes(const struct looker *l, const char *daemon, struct processes *ret);

#endif
