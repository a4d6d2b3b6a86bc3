/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goglobals: where variables of the runtime are, found without symbols in the code that uses them.
 *
 * runtime.allgs: allgadd appends to it, so its code refers to the three words of that slice: among the addresses that its 8-byte
 * movs refer to relative to RIP there is exactly one X with X + 8 and X + 16 (Go runtime/proc.go allgadd).
 *
 * runtime.work.tstart: when marking ended last, CLOCK_MONOTONIC ns; gcMark(tstart) begins by keeping it, and that is the first
 * 8-byte store to memory relative to RIP in its code (Go runtime/mgc.go gcMark).
 *
 * Seen so in all builds of Go 1.15 to 1.27; what is not as described is refused.
 */
#ifndef PARKWATCH_GOLANG_GOGLOBALS_H
#define PARKWATCH_GOLANG_GOGLOBALS_H

#include <stddef.h>
#include <stdint.h>

#define GOGLOBALS_CODE_MAX 4096	/* bytes of a function that are decoded; allgadd has 350 */

/* code: len bytes of machine code that stand at addr. -EBADMSG: it is not there. */
int goglobals_allgs(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret);	/* code of runtime.allgadd */
int goglobals_gcstart(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret);	/* code of runtime.gcMark */

#endif
