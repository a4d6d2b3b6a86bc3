/* SPDX-License-Identifier: BSD-2-Clause */
/* processes: the table of Go processes, for people and as JSON. */
#ifndef PARKWATCH_FORMAT_PROCESSES_H
#define PARKWATCH_FORMAT_PROCESSES_H

#include <stdio.h>

#include "base/cause.h"
#include "view/processes.h"

/* 0, or negative errno of writing, -ENOMEM; with a cause. Nothing is flushed. */
int processes__text(const struct processes *p, FILE *out, struct cause *why);
int processes__json(const struct processes *p, FILE *out, struct cause *why);

#endif
