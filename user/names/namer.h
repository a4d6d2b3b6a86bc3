/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * namer: what report asks about addresses. One per Go runtime of the process; over a gosym as a
 * rule, over a table in tests.
 */
#ifndef PARKWATCH_NAMES_NAMER_H
#define PARKWATCH_NAMES_NAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "golang/gomain.h"
#include "golang/gosym.h"

struct callsites;

struct namer {
	/*
	 * As gosym__frames(): frames of one pc, innermost first, or negative errno. Strings live as
	 * long as the namer.
	 */
	int (*frames)(const struct namer *n, uint64_t pc, bool is_return, struct goframe *frames,
		      size_t max);
	/* As gosym__unwrap_start(). */
	uint64_t (*unwrap_start)(const struct namer *n, uint64_t startpc);
	int go_minor;              /* numbers of wait reasons are of this version */
	struct gosym *sym;         /* borrowed; NULL in tests */
	const struct gomain *main; /* borrowed; NULL: only package main is the program's own */
	/*
	 * borrowed; NULL: nobody asks which line of the program is behind a library's `go`
	 * statement
	 */
	struct callsites *calls;
};

void namer__init(struct namer *n, struct gosym *sym, const struct gomain *main, int go_minor);

#endif
