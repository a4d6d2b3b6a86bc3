/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goallgs: where runtime.allgs is, found without symbols.
 *
 * runtime.allgadd appends to it, so its code refers to the three words of that slice: among the addresses that its 8-byte
 * movs refer to relative to RIP there is exactly one X with X + 8 and X + 16 (Go runtime/proc.go allgadd; seen so in
 * all builds of Go 1.15 to 1.27). Not exactly one: refused.
 */
#ifndef PARKWATCH_GOLANG_GOALLGS_H
#define PARKWATCH_GOLANG_GOALLGS_H

#include <stddef.h>
#include <stdint.h>

#define GOALLGS_CODE_MAX 4096	/* bytes of the function that are decoded; the real one has 350 */

/* code: len bytes of machine code that stand at addr. -EBADMSG: not exactly one such X. */
int goallgs_find(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret);

#endif
