/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remember: what the history of a target finds (model/history) becomes events. Its names are hostile input.
 */
#ifndef PARKWATCH_SERVE_REMEMBER_H
#define PARKWATCH_SERVE_REMEMBER_H

#include <stdint.h>

#include "model/history.h"
#include "serve/events.h"

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
