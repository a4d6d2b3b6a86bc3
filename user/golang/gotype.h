/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gotype: the name of a Go type by the address of its type descriptor: "int", "*main.job", "struct
 * {}".
 *
 * Source: Go runtime/type.go (_type, resolveNameOff, name), internal/abi/type.go, runtime/symtab.go
 * (moduledata). The descriptor must lie in the types of a module; those that reflect made at run
 * time have no name here. Read each time: keep what you need.
 */
#ifndef PARKWATCH_GOLANG_GOTYPE_H
#define PARKWATCH_GOLANG_GOTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "golang/goruntime.h"

#define GOTYPE_NAME_MAX 512 /* longer names are cut, with "..." at the end */

/*
 * 0 and the name, which may hold any byte but NUL. -ENOENT: no type of a module; -EBADMSG: damaged;
 * -EOPNOTSUPP: a newer Go than is known; -EFAULT, -ESRCH of reading.
 */
int gotype_name(const struct addrspace *as, const struct goruntime *rt, uint64_t type, char *buf,
		size_t size);
/*
 * A name that a descriptor refers to, as that of a field. Errors as above; -ENOENT: it lies in no
 * module's types.
 */
int gotype_text(const struct addrspace *as, const struct goruntime *rt, uint64_t name, char *buf,
		size_t size);
/*
 * Whether its values hold pointers (_type.ptrdata, later PtrBytes), of any type, Go 1.15 to 1.27.
 * -EFAULT, -ESRCH of reading.
 */
int gotype_pointers(const struct addrspace *as, uint64_t type, bool *ret);

#endif
