/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clean.h"

static enum log_level current_level = LOG_INFO;

void log_set_level(enum log_level level)
{
	current_level = level;
}

enum log_level log_level(void)
{
	return current_level;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const words[] = { [LOG_QUIET] = "",
					     [LOG_ERROR] = "",
					     [LOG_WARN] = "warning: ",
					     [LOG_INFO] = "",
					     [LOG_DEBUG] = "debug: " };
	char text[1024];
	va_list ap;

	if (level > current_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean_text(text);
	fprintf(stderr, "parkwatch: %s%s\n", words[level], text);
}
