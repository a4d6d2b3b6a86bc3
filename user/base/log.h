/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log: what parkwatch says to a person, on standard error, one line a call, prefix "parkwatch: ".
 *
 * Called by probe, engine and cli only (log_debug by any room). The level is one of the two mutable
 * globals of the program. Text from the target is cleaned of control characters.
 */
#ifndef PARKWATCH_BASE_LOG_H
#define PARKWATCH_BASE_LOG_H

enum log_level { LOG_QUIET, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
