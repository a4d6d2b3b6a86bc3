/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notes: lines that the engine, and rooms below it, have to say of the target that they serve. They
 * do not print: a note becomes a fact of the recording (facts.proto, LogLines), and who runs the
 * engine may show it at once.
 *
 * A process serves one target, so there is one list for the process, as there is one heart. Text is
 * one clean line. At most NOTES_PER_S a second and NOTES_BYTES_MAX in all are kept until they are
 * forgotten; what is over is counted. Not thread-safe.
 */
#ifndef PARKWATCH_BASE_NOTES_H
#define PARKWATCH_BASE_NOTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

#define NOTES_MAX       1024
#define NOTES_PER_S     64
#define NOTES_BYTES_MAX (64u << 10)
#define NOTE_MAX        1024 /* bytes of a line; the rest of a longer one is left out */

struct note {
	uint64_t unix_ns;
	enum log_level level;
	const char *text; /* owned by the list */
};

/* A note of LOG_DEBUG is kept only where that is the level (base/log). */
void note_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define note_warn(...)  note_line(LOG_WARN, __VA_ARGS__)
#define note_info(...)  note_line(LOG_INFO, __VA_ARGS__)
#define note_debug(...) note_line(LOG_DEBUG, __VA_ARGS__)

/* Each note, whether it is kept or not, from now on. NULL, as at first: nobody sees them. */
void notes_show(void (*show)(enum log_level level, const char *text));
/* Borrowed until the next note. lost: that were not kept. */
const struct note *notes_kept(size_t *ret_nr, uint64_t *ret_lost);
void notes_forget(void); /* all that are kept, and those that were lost */

#endif
