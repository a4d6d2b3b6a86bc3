/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * go_text: what is counted by stack as Go's own net/http/pprof shows it at debug=1: the older text format,
 * for people and for `go tool pprof`.
 *
 * Source: runtime/pprof/pprof.go printCountProfile, writeProfileInternal, writeHeapInternal and
 * printStackRecord of Go 1.26.
 */
#ifndef PARKWATCH_FORMAT_GO_TEXT_H
#define PARKWATCH_FORMAT_GO_TEXT_H

#include "format/renderer.h"

/*
 * r->as_go: the profile's name. Goroutines are counts, waits are contentions (a cycle is a nanosecond),
 * allocations a heap profile in which nothing is in use, as that is not known. 0, or negative errno
 * with a cause.
 */
int go_text__write(const struct report *r, FILE *out, struct cause *why);

#endif
