/* SPDX-License-Identifier: BSD-2-Clause */
/* busy: --busy of event wall: a report without idle goroutines, which says how much that left out. */
#ifndef PARKWATCH_CLI_BUSY_H
#define PARKWATCH_CLI_BUSY_H

#include "base/cause.h"
#include "view/recording.h"

struct busy {              /* begins as {} */
	struct snap *snap; /* owned; NULL: nothing was left out */
	struct report_meta meta;
	char only[224];
};
void busy__done(struct busy *b);

/* *r shows what is left from here on, and points into b; a line says how much is not. 0 or an error with a cause. */
int busy__leave_out_idle(struct busy *b, struct report *r, struct cause *why);

#endif
