/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maker: the function of a library that the program called, once for each of these goroutines, and
 * that had them made: sql.Open, cron.(*Cron).Start.
 *
 * It is known of births that were seen: of their stacks and those of their creators the outermost
 * function below the first line of the program's own; of one of Go's packages only where no other
 * is there: log.Println may write to a library's logger. A function that is still running has made
 * no thing that could be closed: a server's loop.
 */
#ifndef PARKWATCH_VIEW_MAKER_H
#define PARKWATCH_VIEW_MAKER_H

#include "view/called.h"

#define MAKER_ASKED 16 /* goroutines of a group */

/*
 * Of goroutines that were made at one `go` statement. *ret: of the framer; NULL: it is not known. 0
 * or -ENOMEM.
 */
int maker_of(const struct callers *c, const struct dump_row *const *rows, size_t nr,
	     const char **ret);

#endif
