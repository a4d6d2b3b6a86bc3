/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gostate.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "golang/gofacts.h"

/* Go 1.27 runtime/traceback.go gStatusStrings. */
const char *gostatus_name(int go_minor, uint32_t status)
{
	static const char *const names[] = {
		[GOSTATUS_IDLE] = "idle",
		[GOSTATUS_RUNNABLE] = "runnable",
		[GOSTATUS_RUNNING] = "running",
		[GOSTATUS_SYSCALL] = "syscall",
		[GOSTATUS_WAITING] = "waiting",
		[GOSTATUS_DEAD] = "dead",
		[GOSTATUS_COPYSTACK] = "copystack",
		[GOSTATUS_PREEMPTED] = "preempted",
		[GOSTATUS_LEAKED] = "leaked",
		[GOSTATUS_DEADEXTRA] = "waiting for cgo callback",
	};

	status &= ~(uint32_t)GOSTATUS_SCAN;
	if (status >= ARRAY_SIZE(names) ||
	    (status >= GOSTATUS_LEAKED && !gofacts_has(go_minor, GO_LEAKED)))
		return NULL;
	return names[status];
}

bool gostatus_waits(uint32_t status)
{
	return status == GOSTATUS_WAITING || status == GOSTATUS_LEAKED ||
	       status == GOSTATUS_PREEMPTED;
}

enum gostate gostate_of(int go_minor, uint32_t status, uint32_t reason)
{
	if (gostatus_waits(status))
		return (enum gostate)gowait_of(go_minor, reason);
	return gostatus_name(go_minor, status)
		       ? GOSTATE_STATUS + (status & ~(uint32_t)GOSTATUS_SCAN)
		       : GOSTATE_UNKNOWN;
}

const char *gostate_word(enum gostate state)
{
	if (state >= GOSTATE_STATUS) {
		const char *name = gostatus_name(GO_MINOR_MAX, state - GOSTATE_STATUS);

		return name ? name : "unknown";
	}
	switch ((enum gowait)state) {
	case GOWAIT_NONE: return gostatus_name(GO_MINOR_MAX, GOSTATUS_WAITING);
	case GOWAIT_UNKNOWN: return "unknown wait reason";
	default: return gowait_word((enum gowait)state);
	}
}
