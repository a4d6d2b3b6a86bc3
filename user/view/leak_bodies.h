/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_bodies: HTTP connections whose reader waits until somebody has read the response's body, and
 * nobody does.
 *
 * What refers to such a connection says nothing: the Transport's own table does, until the body is
 * read to its end, which is what never comes. But who reads a body stands in it. Those that stand
 * there and are older than --min-age are more than there are readers: so many are unread, at least.
 */
#ifndef PARKWATCH_VIEW_LEAK_BODIES_H
#define PARKWATCH_VIEW_LEAK_BODIES_H

#include "view/leaks.h"

bool leak_bodies__waits(const struct leaks *l, const struct leak_group *g); /* such a group */
/* After the last look, before leakset__finish(). 0 or -ENOMEM. */
int leak_bodies__note(struct leaks *l);

#endif
