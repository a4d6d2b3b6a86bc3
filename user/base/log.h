/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log: what parkwatch says to a person, on standard error, one line a call, prefix "parkwatch: ".
 *
 * Called by serve and cli, and by the probe holder: the engine and rooms below it have notes
 * (base/notes). Level and format are set once, at the start: with the signal flag they are the
 * mutable globals of the program. Text from the target is cleaned of control characters.
 *
 * Where standard error is systemd's journal, a line begins with its priority, "<3>" for an error
 * (sd-daemon(3)), and has no prefix: the journal knows who says it.
 */
#ifndef PARKWATCH_BASE_LOG_H
#define PARKWATCH_BASE_LOG_H

enum log_level { LOG_QUIET, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_format {
	LOG_TEXT,   /* parkwatch: warning: no such thing */
	LOG_LOGFMT, /* time=2026-11-29T23:24:34.123Z level=warning msg="no such thing" */
	LOG_JSON, /* {"time":"2026-11-29T23:24:34.123Z","level":"warning","msg":"no such thing"} */
};

void log_set_format(enum log_format format);
enum log_format log_format(void);
/* stream: $JOURNAL_STREAM, the journal's end of a stream as DEVICE:INODE; NULL: there is none. */
void log_find_journal(const char *stream);
void log_set_level(enum log_level level);
enum log_level log_level(void);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "warning: ", or "" where lines of that level have no word; any number is fine. */
const char *log_word(unsigned int level);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
