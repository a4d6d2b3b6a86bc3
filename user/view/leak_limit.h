/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_limit: who has the places of a channel that is used as a limit: `limit <- struct{}{}` waits,
 * for it is full.
 *
 * Nothing in memory says who sent what. But who took a place stands, further on, in the function
 * that waits to send, or was made by it; and if there are just as many of these as the channel has
 * places, it is they. Then who waits for a place waits for them, if all of them stand.
 */
#ifndef PARKWATCH_VIEW_LEAK_LIMIT_H
#define PARKWATCH_VIEW_LEAK_LIMIT_H

#include <stdint.h>

#include "view/chans.h"
#include "view/leaks.h"

#define LEAK_LIMITS_MAX 64 /* channels that are looked at */

/* With the channels of runtime rt at the last look. 0 or -ENOMEM. */
int leak_limit__note(struct leaks *l, uint16_t rt, const struct chans_source *src);

#endif
