/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gowrap: what a Go 1.17 wrapper of a go statement calls.
 *
 * `go f(x)` starts a wrapper, f·dwrap·N, that loads x and calls f (Go 1.17
 * cmd/compile/internal/walk/order.go, wrapGoDefer). No table says what that calls before Go 1.18
 * brought FUNCDATA_WrapInfo, but its code does: up to its return there is one call.
 */
#ifndef PARKWATCH_GOLANG_GOWRAP_H
#define PARKWATCH_GOLANG_GOWRAP_H

#include <stddef.h>
#include <stdint.h>

#include "golang/goarch.h"

#define GOWRAP_NAME                                                                                \
	"\xc2\xb7"                                                                                 \
	"dwrap"                                                                                    \
	"\xc2\xb7"           /* in the name of each such wrapper */
#define GOWRAP_CODE_MAX 1024 /* bytes of the wrapper that are decoded */

/*
 * bytes: len of them, of machine code that stand at addr. The call and where it goes. -ENOENT: no
 * call, several, or one whose target is chosen at run time.
 */
int gowrap_callee(const struct goarch *arch, const uint8_t *bytes, size_t len, uint64_t addr,
		  uint64_t *ret_call, uint64_t *ret_target);

#endif
