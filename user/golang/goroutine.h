/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goroutine: who a goroutine is, and who made it: what every room that tells of one carries.
 *
 * Plain value. From Go 1.15 on g.goid, g.gopc, g.startpc; from Go 1.21 on g.parentGoid
 * (Go 1.21 runtime/runtime2.go).
 */
#ifndef PARKWATCH_GOLANG_GOROUTINE_H
#define PARKWATCH_GOLANG_GOROUTINE_H

#include <stdint.h>

struct goroutine {
	uint64_t goid;
	uint64_t parent_goid; /* 0 unknown: before Go 1.21 */
	uint64_t gopc;    /* return address of the `go` statement; 0: of a C thread that calls Go */
	uint64_t startpc; /* the function it began with, which may be a wrapper; 0: as gopc */
};

#endif
