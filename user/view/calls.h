/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls: the program's own line behind the `go` statement of each goroutine of a dump
 * (view/called), as far as one census tells: nobody saw the births. Goroutines that one goroutine
 * made at one place are asked once.
 */
#ifndef PARKWATCH_VIEW_CALLS_H
#define PARKWATCH_VIEW_CALLS_H

#include "view/called.h"
#include "view/dump.h"
#include "base/json_writer.h"
#include "base/textbuf.h"

struct calls; /* what is known already: the dump's, made when it is asked for first */
void calls__free(struct calls *c);

int calls__of(struct dump *d, const struct dump_row *r, struct called *ret); /* 0 or -ENOMEM */
/*
 * What stands before, the line, and a new line; nothing if there is no such line or it is not
 * known. Errors go into the textbuf.
 */
void calls__text(struct dump *d, const struct dump_row *r, const char *before, struct textbuf *to);
/* the field "called_from" */
void calls__json(struct dump *d, const struct dump_row *r, struct json_writer *w);

#endif
