/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gomheap: where runtime.mheap_ is, found without symbols.
 *
 * runtime.mallocinit calls the method init on it, so the address that it loads right before that call is the
 * receiver's (Go runtime/malloc.go; seen so in all builds of Go 1.15 to 1.27). No such call, or two that differ:
 * refused.
 */
#ifndef PARKWATCH_GOLANG_GOMHEAP_H
#define PARKWATCH_GOLANG_GOMHEAP_H

#include <stddef.h>
#include <stdint.h>

#define GOMHEAP_CODE_MAX 8192	/* bytes of runtime.mallocinit that are decoded; the real one has 1200 at most */

/* code: len bytes of runtime.mallocinit, which stands at addr; init: entry of runtime.(*mheap).init. -EBADMSG: see above. */
int gomheap_find(const uint8_t *code, size_t len, uint64_t addr, uint64_t init, uint64_t *ret);

#endif
