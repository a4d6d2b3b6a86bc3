/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gofields: what lies at an offset in a value of a Go type, by the program's own type descriptors:
 * also where there is no DWARF.
 *
 * Source: Go runtime/type.go, internal/abi/type.go (StructType, ArrayType, PtrType), Go 1.15 to
 * 1.27. The descriptors are the target's: each way down and each list of fields is bounded. Read
 * each time: keep what you need.
 */
#ifndef PARKWATCH_GOLANG_GOFIELDS_H
#define PARKWATCH_GOLANG_GOFIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "golang/goruntime.h"

#define GOFIELDS_MAX       1024 /* fields of a struct */
#define GOFIELDS_DEPTH_MAX 16   /* fields in fields */

enum gospot_kind {
	GOSPOT_WORD,      /* nothing that is known to point to a type */
	GOSPOT_POINTER,   /* to one `to` */
	GOSPOT_SLICE,     /* to an array of `to` */
	GOSPOT_INTERFACE, /* the data of an interface: the word before says of what type */
};

struct gospot {
	uint64_t to; /* type; 0: not known */
	enum gospot_kind kind;
};

/*
 * path: which field, "" for none: ".pool.conns[3]"; cut to size - 1 bytes. -ENOENT: nothing lies
 * there; -EBADMSG; -EFAULT, -ESRCH of reading; -EOPNOTSUPP: a newer Go than is known.
 */
int gofields_at(const struct addrspace *as, const struct goruntime *rt, uint64_t type,
		uint64_t offset, char *path, size_t size, struct gospot *ret);
/* Bytes of a value. -ENOENT: no type of a module; others as above. */
int gofields_size(const struct addrspace *as, const struct goruntime *rt, uint64_t type,
		  uint64_t *ret);
/* What a pointer type points to. -ENOENT: it is none; others as above. */
int gofields_elem(const struct addrspace *as, const struct goruntime *rt, uint64_t type,
		  uint64_t *ret);

#endif
