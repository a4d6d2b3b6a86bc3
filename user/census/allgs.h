/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * allgs: the addresses of all g structs of a Go runtime: the slice runtime.allgs.
 *
 * It only grows, and a g is never freed; but its array is moved when it grows (Go runtime/proc.go
 * allgadd). Go writes the pointer before the length, so the length is read first; the header is
 * read again after the array.
 */
#ifndef PARKWATCH_CENSUS_ALLGS_H
#define PARKWATCH_CENSUS_ALLGS_H

#include <stddef.h>
#include <stdint.h>

#include "golang/goruntime.h"

struct allgs {
	uint64_t *addrs; /* owned */
	size_t nr;       /* at most CENSUS_G_MAX */
	size_t len;      /* as Go has it */
};

/* -EFAULT, -ESRCH: not readable; -EBADMSG: no slice of pointers. */
int allgs__read(const struct addrspace *as, const struct goruntime *rt, struct allgs *ret);
void allgs__done(struct allgs *a);

#endif
