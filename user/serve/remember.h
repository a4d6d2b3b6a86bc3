/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remember: a look goes into the history of its target (model/history), and what that finds becomes
 * events. A look is hostile input; so are its names.
 */
#ifndef PARKWATCH_SERVE_REMEMBER_H
#define PARKWATCH_SERVE_REMEMBER_H

#include <stdint.h>

#include "model/history.h"
#include "serve/events.h"

struct dump;

/*
 * d: all goroutines of the look. As history__begin() and history__end(). ret_rows: of the history, by
 * row of d; NULL: nobody wants to know.
 */
int remember__look(struct history *h, struct dump *d, uint64_t now_ns, uint64_t unix_ns,
		   uint32_t *ret_rows);
/* An alarm in words; borrows from the history until its next look. */
struct alarm_words {
	char text[EVENT_TEXT_MAX];           /* all of it */
	const char *made, *blocked, *reason; /* of a slow leak; "": not known */
};
void alarm_words_of(const struct history *h, const struct history_alarm *a,
		    struct alarm_words *ret);
/* What the last look found: for each a line of the log and an event. target: its id. Returns how many. */
size_t remember__alarms(const struct history *h, const char *target, struct events *e);

#endif
