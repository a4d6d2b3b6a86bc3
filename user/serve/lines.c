/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/lines.h"

#include "base/log.h"

void lines_pass_on(const struct book *b, const char *id)
{
	const size_t nr = b->nr_lines < LINES_MAX ? b->nr_lines : LINES_MAX;
	const uint64_t more = b->nr_lines - nr + b->lines_lost;

	for (size_t i = 0; i < nr; i++) {
		const uint32_t level = b->lines[i].level;

		log_line(level == LOG_WARN || level == LOG_DEBUG ? (enum log_level)level : LOG_INFO,
			 "%s: %s", id, b->lines[i].text);
	}
	if (more)
		log_warn("%s: %llu more lines", id, (unsigned long long)more);
}
