/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mallocfns: the names of the variants of runtime.mallocgc, each made for one size class.
 *
 * From Go 1.27 (1.26 with GOEXPERIMENT=sizespecializedmalloc) compiled code calls them directly for
 * objects of known size; mallocgc calls them for the rest of such sizes. Source: Go
 * runtime/malloc_generated.go, written by runtime/_mkmalloc. Which of them a program has is for its
 * function table to say. Those that end in SlowPath are parts of others.
 */
#ifndef PARKWATCH_PROBE_MALLOCFNS_H
#define PARKWATCH_PROBE_MALLOCFNS_H

#include <stdint.h>

#define MALLOCFNS_MAX      160
#define MALLOCFNS_NAME_MAX 48

struct mallocfns {
	uint32_t nr;
	const char *names[MALLOCFNS_MAX]; /* into text: the struct must stay where it is */
	char text[MALLOCFNS_MAX][MALLOCFNS_NAME_MAX];
};

/* Names that Go 1.minor may have; none before 1.26. */
void mallocfns__init(struct mallocfns *m, int minor);

#endif
