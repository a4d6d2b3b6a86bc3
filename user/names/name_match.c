// SPDX-License-Identifier: BSD-2-Clause
#include "names/name_match.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Go cmd/internal/objabi/path.go PathToPrefix, the other way round. false: there is nothing to
 * undo, or it is too long.
 */
static bool undo(const char *name, char *plain)
{
	size_t nr = 0;

	if (!strchr(name, '%') || strlen(name) >= NAME_PLAIN_MAX)
		return false;
	while (*name) {
		if (*name == '%' && isxdigit((unsigned char)name[1]) &&
		    isxdigit((unsigned char)name[2])) {
			const char hex[] = { name[1], name[2], '\0' };

			plain[nr++] = (char)strtoul(hex, NULL, 16);
			name += 3;
		} else {
			plain[nr++] = *name++;
		}
	}
	plain[nr] = '\0';
	return true;
}

unsigned int name_times(const char *text)
{
	uint64_t most = 1;

	for (const char *p = strchr(text, '{'); p && most <= NAME_TIMES_MAX;
	     p = strchr(p + 1, '{')) {
		char *end;
		const unsigned long least = strtoul(p + 1, &end, 10),
				    upto = *end == ',' ? strtoul(end + 1, NULL, 10) : 0;
		const unsigned long times = upto > least ? upto : least;

		most *= times > NAME_TIMES_MAX ? NAME_TIMES_MAX + 1 : times ? times : 1;
	}
	return most > NAME_TIMES_MAX ? NAME_TIMES_MAX + 1 : (unsigned int)most;
}

int name_regex(regex_t *re, const char *text)
{
	return name_times(text) > NAME_TIMES_MAX ? REG_ESPACE
						 : regcomp(re, text, REG_EXTENDED | REG_NOSUB);
}

bool name_match(const regex_t *re, const char *name)
{
	char plain[NAME_PLAIN_MAX];

	return !regexec(re, name, 0, NULL, 0) ||
	       (undo(name, plain) && !regexec(re, plain, 0, NULL, 0));
}

bool name_same(const char *printed, const char *other)
{
	char plain[NAME_PLAIN_MAX];

	return !strcmp(printed, other) || (undo(printed, plain) && !strcmp(plain, other));
}
