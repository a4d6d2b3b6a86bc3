/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * windows: recordings of some milliseconds each, which together stand for a longer time.
 *
 * A window is complete in itself: who waits when it begins is known from what runs in it (the BPF
 * programs walk the stack of who wakes) and from the goroutines that were looked at while it was
 * open and that nothing was seen of in it: they waited all the time. What is open at its end counts
 * up to there. A part of a job (engine/job): it never waits.
 */
#ifndef PARKWATCH_ENGINE_WINDOWS_H
#define PARKWATCH_ENGINE_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "engine/ingest.h"
#include "engine/probes.h"
#include "model/profile.h"
#include "target/goproc.h"

struct windows_opts { /* all borrowed */
	const struct proc *proc;
	struct goproc *gp;
	struct profile *profile;
	struct ingest *intake;
	struct probes *probes;
	unsigned int depth;
	struct deadline *until; /* of looks; NULL: none */
};

struct windows_seen { /* of one window */
	uint64_t begin_ns, end_ns;
	/* it takes so long to look at all goroutines: a window is no shorter */
	uint64_t look_ns;
	double hits_ns; /* what its hits cost */
	/* what those cost that came while the probes were there and recording was off */
	double around_ns;
};

struct windows;
int windows__new(const struct windows_opts *o, struct windows **ret);
void windows__free(struct windows *w);
DEFINE_SCOPED(windows)

/*
 * Attaches, and records at most so many hits from here on, until windows__end(). Looks at all
 * goroutines meanwhile. Errors of attaching, with a cause: then nothing is open.
 */
int windows__begin(struct windows *w, uint64_t width_ns, int64_t most_hits, struct cause *why);
/* When the one that is open is to end: after width_ns, or at once where its look failed. */
uint64_t windows__due_ns(const struct windows *w);
/*
 * Ends it: at any moment, as when the end is asked for. Detaches. The caller weighs the window.
 * -ESRCH: the target has ended; -ETIMEDOUT: its look was cut; else an error of census__read(), with
 * a cause.
 */
int windows__end(struct windows *w, struct windows_seen *ret, struct cause *why);

#endif
