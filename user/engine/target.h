/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * target: one process, opened, its Go runtimes found, each layout proved, ready to be read. Every
 * command begins with it.
 *
 * No probe, no kernel feature: memory is read, nothing else.
 */
#ifndef PARKWATCH_ENGINE_TARGET_H
#define PARKWATCH_ENGINE_TARGET_H

#include <stddef.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/deadline.h"
#include "names/factlog.h"
#include "names/namer.h"
#include "target/goproc.h"
#include "view/recording.h"

struct target { /* all owned */
	struct proc *proc;
	struct goproc *gp;
	struct namer namers[GOPROC_RUNTIMES_MAX];
	const char *versions[GOPROC_RUNTIMES_MAX]; /* "go1.26.8"; borrowed of gp */
	size_t nr;                                 /* runtimes */
};

/*
 * until: proc__limit(), borrowed until it is closed. Our own memory is bounded from here on
 * (engine/restraint). Errors as of proc__open(), goproc__open() and census_proof(), each with a
 * cause; then t has nothing that must be closed.
 */
int target__open(struct target *t, pid_t pid, struct deadline *until, struct cause *why);
/* Of one that is open already; p is t's from here on, whatever comes of it. */
int target__take(struct target *t, struct proc *p, struct deadline *until, struct cause *why);
void target__close(struct target *t); /* of one that is all zeros too */

/*
 * Begins a recording of it: of says which view, and the options; the rest is filled in. meta is
 * borrowed until *ret is freed. 0 or -ENOMEM.
 */
int target__log(const struct target *t, const struct factlog_of *of, const struct report_meta *meta,
		FILE *to, struct factlog **ret);

#endif
