// SPDX-License-Identifier: BSD-2-Clause
#include "serve/lines.h"

#include <stdlib.h>

#include "base/clean.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/notes.h"

void lines_take(struct textbuf *to)
{
	uint64_t lost;
	size_t nr;
	const struct note *v = notes_kept(&nr, &lost);

	for (size_t i = 0; i < nr; i++)
		textbuf__format(to, "%d%s\n", (int)v[i].level, v[i].text);
	if (lost)
		textbuf__format(to, "%d%llu lines more\n", LOG_WARN, (unsigned long long)lost);
	notes_forget();
}

static void pass_on(const char *line, size_t len, const char *id)
{
	const int level = len ? line[0] - '0' : LOG_INFO;
	char text[NOTE_MAX];

	snprintf(text, sizeof(text), "%.*s", len > 1 ? (int)(len - 1) : 0, line + 1);
	clean_text(text);
	log_line(level == LOG_WARN || level == LOG_DEBUG ? (enum log_level)level : LOG_INFO,
		 "%s: %s", id, text);
}

void lines_pass_on(const char *bytes, size_t len, const char *id)
{
	const char *end = bytes + len;
	size_t nr = 0;

	while (bytes < end) {
		const char *at = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = at ? at : end;

		if (nr++ < LINES_MAX)
			pass_on(bytes, (size_t)(stop - bytes), id);
		bytes = at ? at + 1 : end;
	}
	if (nr > LINES_MAX)
		log_warn("%s: %zu more lines", id, nr - LINES_MAX);
}
