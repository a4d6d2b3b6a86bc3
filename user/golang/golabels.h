/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * golabels: pprof labels of a goroutine, read from where g.labels points.
 *
 * Up to Go 1.23 a *map[string]string, from 1.24 a sorted list (runtime/pprof/label.go,
 * runtime_profLabel). The target may change or free them at any time: everything is bounded and
 * checked, and nonsense gives -EBADMSG.
 */
#ifndef PARKWATCH_GOLANG_GOLABELS_H
#define PARKWATCH_GOLANG_GOLABELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"

#define GOLABELS_MAX 64 /* labels of one goroutine */
/* in place of what as refuses to read with -EACCES (heap/gosecret) */
#define GOLABELS_SECRET  "(secret)"
#define GOLABELS_STR_MAX 256 /* bytes of a key or a value; longer ones are cut */

struct golabel {
	char key[GOLABELS_STR_MAX], value[GOLABELS_STR_MAX];
};

/*
 * Fills at most max labels sorted by key; *ret_nr how many. ptr 0 gives 0 labels. -EFAULT,
 * -EBADMSG.
 */
int golabels_read(const struct addrspace *as, int go_minor, uint64_t ptr, struct golabel *labels,
		  size_t max, size_t *ret_nr);

#endif
