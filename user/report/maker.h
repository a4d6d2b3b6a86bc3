/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maker: the function of a library that the program called, once for each of these goroutines, and that had them made: sql.Open, cron.(*Cron).Start.
 *
 * It is known of births that were seen: of their stacks and those of their creators the outermost function of the library with the `go`
 * statement, below the first line of the program's own. A function that is still running has made no thing that could be closed: a server's loop.
 */
#ifndef PARKWATCH_REPORT_MAKER_H
#define PARKWATCH_REPORT_MAKER_H

#include "report/called.h"

/* Of goroutines that were made at one `go` statement. *ret: of the framer; NULL: it is not known. 0 or -ENOMEM. */
int maker_of(const struct callers *c, const struct dump_row *const *rows, size_t nr, const char **ret);

/* Both are of one library, as far as their paths tell: google.golang.org/grpc.F and google.golang.org/grpc/internal/x.G; all of one owner are. */
bool maker_same_library(const char *func, const char *other);

#endif
