/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording_chans: the channels of a target over some seconds, as a part of a recording worker: what `chans -d` tells, as a recording.
 * Memory is read, nothing else; of the target's CPU time it may take as much as an event.
 */
#ifndef PARKWATCH_SERVE_RECORDING_CHANS_H
#define PARKWATCH_SERVE_RECORDING_CHANS_H

#include "base/deadline.h"
#include "engine/chanwatch.h"
#include "engine/contention.h"
#include "serve/tell.h"

struct recording_chans { /* all zero: it is not watched */
	struct deadline until;
	struct snapshot *t;             /* owned */
	struct chanwatch *w;            /* owned */
	struct contentions contentions; /* of the end */
};

/* 0, or negative errno with a cause. recording_chans__done() in any case. */
int recording_chans__open(struct recording_chans *c, pid_t pid, uint64_t duration_ns,
			  double max_overhead, struct cause *why);
void recording_chans__done(struct recording_chans *c);
/* When its job (chanwatch__job()) is over without an error. alive: for what takes long. The same. */
int recording_chans__tell(struct recording_chans *c, const struct jobs_opts *alive,
			  struct told *ret, struct cause *why);

#endif
