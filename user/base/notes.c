/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/clock.h"

static struct {
	struct note v[NOTES_MAX];
	char bytes[NOTES_BYTES_MAX];
	size_t nr, used;
	uint64_t lost;
	uint64_t second;    /* CLOCK_MONOTONIC, of the last one */
	unsigned int in_it; /* how many came in it */
	void (*show)(enum log_level level, const char *text);
} notes;

static void notes__keep(enum log_level level, const char *text)
{
	const uint64_t second = clock_now_ns() / NS_PER_SEC;
	const size_t bytes = strlen(text) + 1;

	notes.in_it = second == notes.second ? notes.in_it : 0;
	notes.second = second;
	if (notes.nr == NOTES_MAX || notes.in_it == NOTES_PER_S ||
	    bytes > NOTES_BYTES_MAX - notes.used) {
		notes.lost++;
		return;
	}
	notes.in_it++;
	memcpy(notes.bytes + notes.used, text, bytes);
	notes.v[notes.nr++] = (struct note){ .unix_ns = clock_ns(CLOCK_REALTIME),
					     .level = level,
					     .text = notes.bytes + notes.used };
	notes.used += bytes;
}

void note_line(enum log_level level, const char *fmt, ...)
{
	char text[NOTE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean_text(text);
	if (level < LOG_DEBUG || log_level() >= LOG_DEBUG)
		notes__keep(level, text);
	if (notes.show)
		notes.show(level, text);
}

void notes_show(void (*show)(enum log_level level, const char *text))
{
	notes.show = show;
}

const struct note *notes_kept(size_t *ret_nr, uint64_t *ret_lost)
{
	*ret_nr = notes.nr;
	*ret_lost = notes.lost;
	return notes.v;
}

void notes_forget(void)
{
	notes.nr = notes.used = 0;
	notes.lost = 0;
}
