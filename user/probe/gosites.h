/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gosites: where a program makes goroutines: the return addresses of its calls of runtime.newproc
 * and newcoro, which are what g.gopc can be.
 *
 * The code is read from its file, and is not decoded: what only looks like a call is among them. A
 * call through a table, as one module's of another's function, is not: nobody relies on it that all
 * are known.
 */
#ifndef PARKWATCH_PROBE_GOSITES_H
#define PARKWATCH_PROBE_GOSITES_H

#include <stddef.h>
#include <stdint.h>

#include "golang/goruntime.h"
#include "target/goproc.h"

#define GOSITES_MAX 262144

struct gosites {     /* all zeros at first */
	uint64_t *v; /* owned */
	size_t nr, room;
};

/* 0; -ENOMEM; others: the code cannot be read, and *ret has those found until then. */
int gosites__find(struct goproc *gp, struct goruntime *rt, struct gosites *ret);
void gosites__done(struct gosites *s);

#endif
