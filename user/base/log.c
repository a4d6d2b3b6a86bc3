/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/json_writer.h"
#include "base/textbuf.h"

static enum log_level current_level = LOG_INFO;
static enum log_format current_format = LOG_TEXT;
static bool in_journal;

void log_set_level(enum log_level level)
{
	current_level = level;
}

enum log_level log_level(void)
{
	return current_level;
}

void log_set_format(enum log_format format)
{
	current_format = format;
}

enum log_format log_format(void)
{
	return current_format;
}

/* systemd.exec(5): a program that was started with the variable may have put a file there since. */
void log_find_journal(const char *stream)
{
	uintmax_t dev, ino;
	struct stat st;

	in_journal = stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 &&
		     !fstat(STDERR_FILENO, &st) && st.st_dev == dev && st.st_ino == ino;
}

/* RFC 3339, UTC, with milliseconds. */
static void put_time(char *to, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t at;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	at = strftime(to, size, "%FT%T", &tm);
	snprintf(to + at, size - at, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

static void put_json(struct textbuf *to, const char *time, const char *level, const char *text)
{
	struct json_writer w;

	jsonw_init(&w, to);
	jsonw_start_object(&w);
	jsonw_string_field(&w, "time", time);
	jsonw_string_field(&w, "level", level);
	jsonw_string_field(&w, "msg", text);
	jsonw_end_object(&w);
	jsonw_end(&w);
}

static void put_logfmt(struct textbuf *to, const char *time, const char *level, const char *text)
{
	textbuf__format(to, "time=%s level=%s msg=\"", time, level);
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			textbuf__bytes(to, "\\", 1);
		textbuf__bytes(to, text, 1);
	}
	textbuf__text(to, "\"\n");
}

const char *log_word(unsigned int level)
{
	return level == LOG_WARN ? "warning: " : level == LOG_DEBUG ? "debug: " : "";
}

static void put_line(struct textbuf *to, enum log_level level, const char *text)
{
	static const struct {
		const char *name;
		char priority; /* syslog(3) */
	} of[] = { [LOG_QUIET] = { "error", '3' },
		   [LOG_ERROR] = { "error", '3' },
		   [LOG_WARN] = { "warning", '4' },
		   [LOG_INFO] = { "info", '6' },
		   [LOG_DEBUG] = { "debug", '7' } };
	char time[40];

	if (in_journal)
		textbuf__format(to, "<%c>", of[level].priority);
	put_time(time, sizeof(time));
	switch (current_format) {
	case LOG_JSON: put_json(to, time, of[level].name, text); break;
	case LOG_LOGFMT: put_logfmt(to, time, of[level].name, text); break;
	default:
		textbuf__format(to, "%s%s%s\n",
				in_journal ? "" : "parkwatch: ", in_journal ? "" : log_word(level),
				text);
	}
}

void log_line(enum log_level level, const char *fmt, ...)
{
	struct textbuf line;
	char text[1024];
	va_list ap;

	if (level > current_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean_text(text);
	textbuf__init(&line, NULL);
	put_line(&line, level, text);
	if (line.err)
		fprintf(stderr, "parkwatch: %s\n", text);
	else
		fwrite(line.v, 1, line.nr, stderr);
	textbuf__done(&line);
}
