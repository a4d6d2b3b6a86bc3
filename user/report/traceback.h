/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traceback: which frames Go's own traceback prints, and how: what debug=2, SIGQUIT and panics show at the usual level.
 *
 * Source: runtime/traceback.go showfuncinfo, elideWrapperCalling, isExportedRuntime of Go 1.15 to 1.27.
 */
#ifndef PARKWATCH_REPORT_TRACEBACK_H
#define PARKWATCH_REPORT_TRACEBACK_H

#include <stdbool.h>

#include "report/frames.h"

/* callee: name of the frame inside of it, shown or not; NULL: it is the innermost. first: no frame was shown yet. */
bool traceback_shows(int go_minor, const struct frame *f, const char *callee, bool first);
/* A wrapper that the compiler made, and that called what it wraps: in no traceback. */
bool traceback_elides(const struct frame *f, const char *callee);
const char *traceback_name(const char *func);	/* "runtime.gopanic" is "panic" */

#endif
