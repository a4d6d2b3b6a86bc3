/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gosecret: a reader that refuses the memory which the program keeps secret.
 *
 * What package runtime/secret allocates while secret.Do runs is erased as soon as it is garbage: so
 * it must not get into a report either. From Go 1.26 on the runtime marks each such object with a
 * special (runtime/secret.go addSecret, runtime/mheap.go specialSecret), if the program was built
 * with GOEXPERIMENT=runtimesecret, which its version says. Objects are those of the moment of
 * gosecret__new(): call it after what is to be read was found, as short before it is read as can
 * be. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_GOSECRET_H
#define PARKWATCH_HEAP_GOSECRET_H

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "golang/goruntime.h"

struct gosecret;

/*
 * as, which is borrowed until free: a read of it that touches a secret object is -EACCES. Where the
 * marks cannot be read whole, so is every read of the heap. *ret stays as it is if the program
 * cannot have secrets; what is there before, of another runtime of the process or NULL, then
 * belongs to the new one, which refuses what that refuses too. -ESRCH, -ENOMEM.
 */
int gosecret__new(const struct addrspace *as, const struct goruntime *rt, struct gosecret **ret);
void gosecret__free(struct gosecret *s);
DEFINE_SCOPED(gosecret)

/* Borrowed; of NULL it is `as`. */
const struct addrspace *gosecret__space(const struct gosecret *s, const struct addrspace *as);

#endif
