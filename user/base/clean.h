/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clean: text from a target (or from a file of its user) becomes one line that does nothing to a
 * terminal, a log or a page.
 *
 * '?' stands for each character that would do more than be shown: control characters (C0, DEL,
 * C1), ends of lines and marks that turn the direction of writing (U+2028, U+2029, and the marks,
 * embeddings, overrides and isolates of bidirectional text). It stands for each byte that is not
 * part of valid UTF-8, too. Any room; no state.
 */
#ifndef PARKWATCH_BASE_CLEAN_H
#define PARKWATCH_BASE_CLEAN_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the character of valid UTF-8 at s (1 to 4), 0 if there is none. s ends with NUL. */
size_t utf8_length(const char *s);
/* The character of that length at s does something else than being shown. */
bool is_unseen(const char *s, size_t len);
/*
 * Whole characters only, at most size - 1 bytes. Returns their number. to may be from: it never
 * becomes longer.
 */
size_t clean(char *to, size_t size, const char *from);
/* In place. Returns the length. */
size_t clean_text(char *text);

#endif
