/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * top_screen: the terminal of `top`, by ncurses: lines out, keys in. There is one. While it is open
 * nothing else may be written to the terminal; Ctrl-Z restores it, and draws it anew afterwards.
 */
#ifndef PARKWATCH_CLI_TOP_SCREEN_H
#define PARKWATCH_CLI_TOP_SCREEN_H

#include <stddef.h>

#include "base/cause.h"
#include "view/top_table.h"

/* 0; -ENOTTY: it is no terminal, or one that ncurses does not know: with a cause. Changes nothing. */
int top_screen_check(struct cause *why);
/* After the check. 0 or -ENOTTY, with a cause. */
int top_screen_open(struct cause *why);
/* The terminal is as it was. Also where it is not open. */
void top_screen_close(void);

size_t top_screen_height(void);
void top_screen_begin(void);
void top_screen_put(void *ctx, size_t y, enum top_look look, const char *text); /* a top_put */
void top_screen_end(void);                                                      /* now it is seen */

enum top_key {
	TOP_KEY_NONE = -1, /* there is no more now */
	/* others: the byte, or */
	TOP_KEY_UP = 0x1000,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_BACK,
	TOP_KEY_ERASE,
	TOP_KEY_RESIZE,
	TOP_KEY_OTHER
};
int top_screen_key(void);

#endif
