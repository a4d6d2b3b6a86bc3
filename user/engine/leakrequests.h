/* SPDX-License-Identifier: BSD-2-Clause */
/* leakrequests: which requests the goroutines of leaks work for, read once, when a watch is judged. */
#ifndef PARKWATCH_ENGINE_LEAKREQUESTS_H
#define PARKWATCH_ENGINE_LEAKREQUESTS_H

#include "base/deadline.h"
#include "engine/snapshot.h"
#include "view/leaks.h"

/* that it may take, and at most half of what is left until the deadline of the target */
#define LEAKREQUESTS_NS (10 * NS_PER_SEC)

/*
 * l: of the last censuses of t, after leaks__finish(). 0 or -ENOMEM. What could not be read is no
 * error: why is then not empty.
 */
int leakrequests_note(struct leaks *l, struct snapshot *t, struct deadline *until,
		      enum grequest_detail detail, struct cause *why);

#endif
