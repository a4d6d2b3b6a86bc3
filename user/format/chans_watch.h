/* SPDX-License-Identifier: BSD-2-Clause */
/* chans_watch: what a watch of channels told, for the formats of chans. Errors go into the textbuf. */
#ifndef PARKWATCH_FORMAT_CHANS_WATCH_H
#define PARKWATCH_FORMAT_CHANS_WATCH_H

#include "base/json_writer.h"
#include "base/textbuf.h"
#include "view/watched_chans.h"

/* Of all of them, most in the way first. */
void chans_watch__text(const struct watched_chans *c, struct textbuf *to);
/* "watch": how they were watched */
void chans_watch__json_head(const struct chan_watch *w, struct json_writer *j);
/* "watched": one of them; NULL: null */
void chans_watch__json(const struct chan_watch *w, const struct chan_life *l,
		       struct json_writer *j);

#endif
