/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traceback: which frames Go's own traceback prints, and how: what debug=2, SIGQUIT and panics show
 * at the usual level.
 *
 * Source: runtime/traceback.go showfuncinfo, elideWrapperCalling, isExportedRuntime of Go 1.15 to
 * 1.27.
 */
#ifndef PARKWATCH_NAMES_TRACEBACK_H
#define PARKWATCH_NAMES_TRACEBACK_H

#include <stdbool.h>

#include "names/framer.h"

/*
 * physical: name of the function that f is inlined into, or f's own: Go 1.15 goes by it. callee:
 * name of the frame inside of f, shown or not; NULL: f is the innermost. first: no frame was shown
 * yet.
 */
bool traceback_shows(int go_minor, const struct frame *f, const char *physical, const char *callee,
		     bool first);
/* A wrapper that the compiler made, and that called what it wraps: in no traceback. */
bool traceback_elides(const struct frame *f, const char *callee);
/*
 * What callee returns to is no call: a signal came there. From Go 1.21 on that holds for preemption
 * too.
 */
bool traceback_is_exact(int go_minor, const char *callee);
const char *traceback_name(const char *func); /* "runtime.gopanic" is "panic" */

#endif
