/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idle: of a recording of event wall, goroutines that wait for work and hold up nobody.
 *
 * Idle is who waits in a listener, in a connection between two requests, in a connection of a client's
 * pool (view/leak_names: by functions of Go's own packages); and who waits for a channel, in a select or
 * for a sync.Cond in the very function that it was started with: a worker of a pool between two pieces of
 * work, the loop of a ticker. What a worker waits for within its work is called from there, and is not
 * idle.
 */
#ifndef PARKWATCH_VIEW_IDLE_H
#define PARKWATCH_VIEW_IDLE_H

#include <stdint.h>

#include "view/recording.h"

/*
 * r without them; rows borrow from its snap, which must live as long. *ret_left: how much that left
 * out. 0 or -ENOMEM.
 */
struct idle_left {
	uint64_t ns;
	double error; /* ns +- error is a 95 % confidence interval; of a part of a recording it is not known */
};
int idle_leave_out(const struct report *r, struct snap **ret, struct idle_left *ret_left);

#endif
