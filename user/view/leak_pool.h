/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_pool: who waits for a database connection waits behind those who never give theirs back:
 * transactions and rows that nobody ends.
 *
 * It is noted where the program has one sql.DB: then there is no other whose connections they could
 * have.
 */
#ifndef PARKWATCH_VIEW_LEAK_POOL_H
#define PARKWATCH_VIEW_LEAK_POOL_H

#include "view/leaks.h"

/* the entries are there, before leak_incident__join(). 0 or -ENOMEM */
int leak_pool__note(struct leaks *l);

#endif
