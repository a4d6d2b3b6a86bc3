/* SPDX-License-Identifier: BSD-2-Clause */
/* processes: the table of Go processes, for people and as JSON. */
#ifndef PARKWATCH_FORMAT_PROCESSES_H
#define PARKWATCH_FORMAT_PROCESSES_H

#include <stdio.h>

#include "base/cause.h"
#include "base/json_writer.h"
#include "view/processes.h"

/* 0, or negative errno of writing, -ENOMEM; with a cause. Nothing is flushed. */
int processes__text(const struct processes *p, FILE *out, struct cause *why);
int processes__json(const struct processes *p, FILE *out, struct cause *why);

/* In which container and pod it is: members of the object that is open. */
void processes__json_place(struct json_writer *w, const struct process_row *r);

#endif
