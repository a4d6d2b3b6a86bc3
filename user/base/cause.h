/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cause: why something failed, in words for a person, beside the negative errno that says it to the
 * caller.
 *
 * Rooms below probe, engine and cli never log; they fill the cause that the caller lent them (NULL
 * is fine), and the caller prints one line. First set wins: the place nearest to the failure knows
 * most. Shape of a text: object, cause, next step: "no pclntab in '/srv/api': not a Go program, or
 * its tables are damaged".
 */
#ifndef PARKWATCH_BASE_CAUSE_H
#define PARKWATCH_BASE_CAUSE_H

#include <stdarg.h>

struct cause {
	char text[320]; /* "" : not set. One line, no newline, cut if longer. */
};

/*
 * Sets the text if c is not NULL and has none yet. Control characters become '?'. Returns err, so:
 * return cause__set(c, -EBADMSG, ...).
 */
int cause__set(struct cause *c, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int cause__no_memory(struct cause *c); /* -ENOMEM */

#endif
