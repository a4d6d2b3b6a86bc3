// SPDX-License-Identifier: BSD-2-Clause
#include "report/name_match.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Go cmd/internal/objabi/path.go PathToPrefix, the other way round. false: there is nothing to undo, or it is too long. */
static bool undo(const char *name, char *plain)
{
	size_t nr = 0;

	if (!strchr(name, '%') || strlen(name) >= NAME_PLAIN_MAX)
		return false;
	while (*name) {
		if (*name == '%' && isxdigit((unsigned char)name[1]) && isxdigit((unsigned char)name[2])) {
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

bool name_match(const regex_t *re, const char *name)
{
	char plain[NAME_PLAIN_MAX];

	return !regexec(re, name, 0, NULL, 0) || (undo(name, plain) && !regexec(re, plain, 0, NULL, 0));
}

bool name_same(const char *printed, const char *other)
{
	char plain[NAME_PLAIN_MAX];

	return !strcmp(printed, other) || (undo(printed, plain) && !strcmp(plain, other));
}
