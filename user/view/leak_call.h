/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_call: groups that one and the same call of the program into a library began, and that one
 * cure ends: a database has five goroutines. They are told as one entry: the group that costs most,
 * and the others with it.
 */
#ifndef PARKWATCH_VIEW_LEAK_CALL_H
#define PARKWATCH_VIEW_LEAK_CALL_H

#include "view/leaks.h"
#include "base/textbuf.h"

/* The entries have their words, and incidents are joined. 0 or -ENOMEM. */
int leak_call__join(struct leaks *l);
/* For the order, after leak_incident__sum(); again when the entries have moved. */
void leak_call__sum(struct leaks *l);

bool leak_call__is_folded(const struct leaks *l, const struct leak_entry *e, bool suspects);
void leak_call__text(const struct leaks *l, const struct leak_entry *e, bool suspects,
		     struct textbuf *to);

#endif
