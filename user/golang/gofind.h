/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gofind: functions by name, in one pass over a module's names and one over its functions.
 *
 * Names come first: where in the table of names they are; then the functions whose name offset is
 * one of these. Both tables are streamed, in the order they lie in, and each pass ends when all is
 * found: the runtime's functions come early. Holds three buffers of WINDOW_BYTES, whatever the size
 * of the tables.
 */
#ifndef PARKWATCH_GOLANG_GOFIND_H
#define PARKWATCH_GOLANG_GOFIND_H

#include <stddef.h>

#include "base/addrspace.h"
#include "golang/gosym.h"
#include "golang/pclntab.h"

#define GOFIND_SPOTS_MAX 65536 /* places where a wanted name stands */

/* As gosym__find(); ret[i].module is left 0. */
int gofind_names(const struct addrspace *as, const struct pclntab *t, const char *const *names,
		 size_t nr, struct gofunc *ret);

#endif
