/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leads: of groups of a watch that grow and wait at channels, who would end these waits:
 * singleflight's DoChan, a channel that is closed when something is ready. If that one hangs they
 * are told behind it (view/leak_incident).
 */
#ifndef PARKWATCH_ENGINE_LEADS_H
#define PARKWATCH_ENGINE_LEADS_H

#include "engine/snapshot.h"
#include "view/leaks.h"

#define LEADS_BUDGET_NS (2 * NS_PER_SEC)

/*
 * After the last look, with its censuses, before leaks__finish(). What cannot be read says nothing.
 * 0 or -ENOMEM.
 */
int leads_note(struct leaks *l, const struct snapshot *t);

#endif
