/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * namer: what views ask about addresses of code. One for each Go runtime of the process: over the
 * tables of the program (gosym), over what a recording tells (codebook), over a table in tests.
 */
#ifndef PARKWATCH_NAMES_NAMER_H
#define PARKWATCH_NAMES_NAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts/codebook.h"
#include "golang/gomain.h"
#include "golang/gosym.h"

struct callsites;

/* Copied as a value: what it points to is borrowed. */
struct namer {
	/*
	 * As gosym__frames(): frames of one pc, innermost first, or negative errno. Strings live as
	 * long as the namer.
	 */
	int (*frames)(const struct namer *n, uint64_t pc, bool is_return, struct goframe *frames,
		      size_t max);
	/* As gosym__unwrap_start(). */
	uint64_t (*unwrap_start)(const struct namer *n, uint64_t startpc);
	/* The function that a call is in, of which pc is the return address. NULL: nobody knows. */
	int (*caller)(const struct namer *n, uint64_t pc, struct gofunc *ret);
	/* Whether a function is the program's own. NULL: only package main is. */
	bool (*owns)(const struct namer *n, const char *func, const char *file);
	int go_minor;      /* numbers of wait reasons are of this version */
	struct gosym *sym; /* NULL: it is not over the tables of the program */
	const struct gomain *main;
	const struct codebook *code; /* NULL: it is not over a recording */
	uint16_t rt;                 /* of the recording */
	/* NULL: nobody asks which line of the program is behind a library's `go` statement */
	struct callsites *calls;
};

void namer__init(struct namer *n, struct gosym *sym, const struct gomain *main, int go_minor);
void namer__of_recording(struct namer *n, const struct codebook *code, uint16_t rt, int go_minor);

int namer__caller(const struct namer *n, uint64_t pc, struct gofunc *ret); /* -ENOENT: not known */
/* n may be NULL. */
bool namer__owns(const struct namer *n, const char *func, const char *file);
/* Which of these functions the program has, as a bit each; at most 32. 0 also if nobody knows. */
uint32_t namer__has(const struct namer *n, const char *const *funcs, size_t nr);

#endif
