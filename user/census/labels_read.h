/* SPDX-License-Identifier: BSD-2-Clause */
/* labels_read: the pprof labels of a goroutine, from the target into a labelbook. */
#ifndef PARKWATCH_CENSUS_LABELS_READ_H
#define PARKWATCH_CENSUS_LABELS_READ_H

#include "base/addrspace.h"
#include "facts/labelbook.h"

/*
 * The set at ptr, of a goroutine of Go 1.minor, unless it is known; 0 is none. as: what must not be
 * told refuses to be read (heap/gosecret). What cannot be read is counted in the book. 0 or
 * -ENOMEM.
 */
int labels_read(struct labelbook *b, const struct addrspace *as, int minor, uint64_t ptr);

#endif
