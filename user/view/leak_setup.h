/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_setup: groups that grow because the program is still being set up: the first goroutine makes
 * them one after the other, and has each in a variable of its own stack. Few and slow, for nobody
 * sets up by the hundred: then it is no leak as far as is known.
 */
#ifndef PARKWATCH_VIEW_LEAK_SETUP_H
#define PARKWATCH_VIEW_LEAK_SETUP_H

#include "view/leaks.h"

/* After the last search, before leakset__finish(). 0 or -ENOMEM. */
int leak_setup__note(struct leaks *l);

#endif
