/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static char said[2048];

/* What one line of log_warn() is on standard error; stream: $JOURNAL_STREAM, "own": the right one. */
static const char *line_of(enum log_format format, const char *stream, const char *text)
{
	scoped_fd int fd = memfd_create("log", MFD_CLOEXEC);
	scoped_fd int before = dup(STDERR_FILENO);
	char own[64];
	struct stat st;
	ssize_t n;

	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	fstat(STDERR_FILENO, &st);
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	log_find_journal(stream && !strcmp(stream, "own") ? own : stream);
	log_set_format(format);
	log_warn("%s", text);
	fflush(stderr);
	log_find_journal(NULL);
	log_set_format(LOG_TEXT);
	dup2(before, STDERR_FILENO);
	n = pread(fd, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	return said;
}

Test(log, a_line_for_a_person)
{
	cr_expect_str_eq(line_of(LOG_TEXT, NULL, "no 'x'"), "parkwatch: warning: no 'x'\n");
	cr_expect_str_eq(line_of(LOG_TEXT, "own", "no 'x'"), "<4>no 'x'\n");
	cr_expect_str_eq(line_of(LOG_TEXT, "1:2", "no"), "parkwatch: warning: no\n",
			 "standard error is another file");
	cr_expect_str_eq(line_of(LOG_TEXT, "x", "no"), "parkwatch: warning: no\n");
	cr_expect_str_eq(line_of(LOG_TEXT, NULL, "a\nb\x1b"), "parkwatch: warning: a?b?\n");
}

Test(log, a_line_for_a_program)
{
	const char *json = line_of(LOG_JSON, NULL, "say \"no\" \\ \n");
	struct json_object *o = json_tokener_parse(json), *at = NULL;
	int y, m, d, h, min, s, ms, end = 0;

	cr_assert(o, "%s", json);
	cr_expect(json_object_object_get_ex(o, "msg", &at));
	cr_expect_str_eq(json_object_get_string(at), "say \"no\" \\ ?");
	cr_expect(json_object_object_get_ex(o, "level", &at));
	cr_expect_str_eq(json_object_get_string(at), "warning");
	cr_expect(json_object_object_get_ex(o, "time", &at));
	cr_expect_eq(sscanf(json_object_get_string(at), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &y, &m,
			    &d, &h, &min, &s, &ms, &end),
		     7, "%s", json);
	cr_expect_eq(end, 24);
	json_object_put(o);

	cr_expect_eq(strncmp(line_of(LOG_LOGFMT, "own", "say \"no\" \\"), "<4>time=2", 9), 0, "%s",
		     said);
	cr_expect(strstr(said, "Z level=warning msg=\"say \\\"no\\\" \\\\\"\n"), "%s", said);
}
