/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * name_match: a function has two spellings, and a user may give either of them.
 *
 * Symbols, and so Go's own tracebacks and all that parkwatch prints, have "%2e" for a dot in the
 * last element of a package's path: gopkg.in/yaml%2ev3.Marshal. People read gopkg.in/yaml.v3 in
 * their go.mod. Pure.
 */
#ifndef PARKWATCH_NAMES_NAME_MATCH_H
#define PARKWATCH_NAMES_NAME_MATCH_H

#include <regex.h>
#include <stdbool.h>

/* bytes of a text; what is longer has one spelling, the printed one */
#define NAME_PLAIN_MAX 16384

#define NAME_TIMES_MAX 1000 /* more take a megabyte, and 255 x 255 x 255 all memory */

/*
 * How many times longer a regular expression becomes, at most, where {n,m} is written out, as the C
 * library does; NAME_TIMES_MAX + 1: or more.
 */
unsigned int name_times(const char *text);
/* as regcomp(), extended; REG_ESPACE also: it would become too large */
int name_regex(regex_t *re, const char *text);
bool name_match(const regex_t *re, const char *name); /* in one of the two spellings */
/* equal, or other is printed as it is imported */
bool name_same(const char *printed, const char *other);

#endif
