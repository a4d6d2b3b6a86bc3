/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watched_chans: channels that were watched (facts/chan_watch), in the order in which a person wants
 * them: those that are surely full, or where goroutines surely queue to send, for the largest part of the time
 * first. Channels of one type and size at which goroutines queue at the same places are a fold.
 */
#ifndef PARKWATCH_VIEW_WATCHED_CHANS_H
#define PARKWATCH_VIEW_WATCHED_CHANS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "facts/chan_watch.h"

struct chans;

struct watched_fold {
	uint32_t first, nr; /* of watched_chans.v */
};

struct watched_chans {
	const struct chan_watch *w; /* borrowed */
	const struct chan_life **v; /* in the order of the folds; owned */
	size_t nr;
	struct watched_fold *folds; /* owned */
	size_t nr_folds;
};

/* only NULL: all; else those that somebody waits for there. Borrowed. 0 or -ENOMEM. */
int watched_chans__new(const struct chan_watch *w, const struct chans *only,
		       struct watched_chans **ret);
void watched_chans__free(struct watched_chans *c);
DEFINE_SCOPED(watched_chans)

/* What a share may be, at least and at most. */
static inline double chan_share_least(const struct chan_share *s)
{
	return s->is > s->error ? s->is - s->error : 0;
}

static inline double chan_share_most(const struct chan_share *s)
{
	return s->is + s->error < 1 ? s->is + s->error : 1;
}

#endif
