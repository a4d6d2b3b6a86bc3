/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goglobals: where variables of the runtime are, found without symbols in the code that uses them.
 *
 * runtime.allgs: allgadd appends to it, so its code refers to the three words of that slice: among
 * the words that it loads and stores (code/coderef) there is exactly one X with X + 8 and X + 16
 * (Go runtime/proc.go allgadd).
 *
 * runtime.work.tstart: when marking ended last, CLOCK_MONOTONIC ns; gcMark(tstart) begins by
 * keeping it, and that is the first
 * 8-byte store to memory relative to RIP in its code (Go runtime/mgc.go gcMark).
 *
 * runtime.allp: procresize refers to the three words of that slice, and of a few others: all of
 * them are told, and the caller looks which one is a list of Ps (Go runtime/proc.go procresize).
 *
 * runtime.MemProfileRate: profilealloc reads it for the size of the next sample, and mcache0 to
 * find the cache: the first two addresses that its 8-byte movs refer to, up to Go 1.16 in this
 * order, from 1.17 in the other (Go runtime/malloc.go).
 *
 * runtime.mheap_: mallocinit calls its method init; the receiver comes from the last lea relative
 * to RIP before that call
 * (Go runtime/malloc.go).
 *
 * runtime.memstats.heapStats: allocLarge calls its method acquire; likewise (Go 1.16 and later,
 * runtime/mcache.go).
 *
 * runtime.sched.goidgen: newproc1 takes 16 ids from it for its P, where the P has used those it
 * had: a lock xadd of 16 to what the lea right before it names. Before that it compares two members
 * of the P that lie side by side, the next id and the end of those it has (Go runtime/proc.go
 * newproc1, runtime2.go p.goidcache). On arm64 it does so in one of two ways, which name the same:
 * by ldadd, or by a loop of ldaxr and stlxr.
 *
 * Seen so in all builds of Go 1.15 to 1.27; what is not as described is refused.
 */
#ifndef PARKWATCH_GOLANG_GOGLOBALS_H
#define PARKWATCH_GOLANG_GOGLOBALS_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "golang/goarch.h"
#include "golang/gosym.h"

/* bytes of a function that are decoded; allgadd has 350, procresize 3500 */
#define GOGLOBALS_CODE_MAX   8192
#define GOGLOBALS_SLICES_MAX 16

/*
 * The code of a function in the process; ret: room for GOGLOBALS_CODE_MAX bytes. -EBADMSG: there is
 * no such function; others of reading.
 */
int goglobals_code(const struct addrspace *as, const struct gofunc *fn, uint8_t *ret,
		   size_t *ret_len);
/* code: len bytes of machine code that stand at addr. -EBADMSG: it is not there. */
/* code of runtime.allgadd */
int goglobals_allgs(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		    uint64_t *ret);
/* code of runtime.gcMark */
int goglobals_gcstart(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		      uint64_t *ret);
/* code of runtime.procresize: where slices begin, GOGLOBALS_SLICES_MAX at most. */
int goglobals_slices(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		     uint64_t *ret, size_t *ret_nr);
/*
 * What the last lea before the call of `callee` names: its receiver. -EBADMSG, too, if calls of it
 * differ.
 */
int goglobals_receiver(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		       uint64_t callee, uint64_t *ret);
#define GOGLOBALS_GOIDS 16 /* ids that a P takes at once */
/*
 * code of runtime.newproc1; ret_next: of the next id in a P, the end of those it has is the word
 * behind it.
 */
int goglobals_goids(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		    uint64_t *ret_gen, int32_t *ret_next);
/* of runtime.profilealloc */
int goglobals_profile_rate(const struct goarch *arch, const uint8_t *code, size_t len,
			   uint64_t addr, int minor, uint64_t *ret);

#endif
