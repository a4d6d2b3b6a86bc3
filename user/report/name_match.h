/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * name_match: a function is called in two ways, and whoever asks for it may use either.
 *
 * Symbols, and so Go's own tracebacks and all that parkwatch prints, have "%2e" for a dot in the last element of a package's
 * path: gopkg.in/yaml%2ev3.Marshal. People read gopkg.in/yaml.v3 in their go.mod. Pure.
 */
#ifndef PARKWATCH_REPORT_NAME_MATCH_H
#define PARKWATCH_REPORT_NAME_MATCH_H

#include <regex.h>
#include <stdbool.h>

#define NAME_PLAIN_MAX 16384	/* bytes of a text; what is longer has one spelling, the printed one */

bool name_match(const regex_t *re, const char *name);		/* in one of the two spellings */
bool name_same(const char *printed, const char *other);	/* equal, or other is printed as it is imported */

#endif
