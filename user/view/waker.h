/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waker: who ended a wait, by the names of its stack at runtime.ready; where there is none, because
 * the runtime put the goroutine into a run queue without it, by what was waited for.
 */
#ifndef PARKWATCH_VIEW_WAKER_H
#define PARKWATCH_VIEW_WAKER_H

#include <stdbool.h>
#include <stddef.h>

#include "golang/gowait.h"
#include "names/framer.h"

enum waker_kind {
	WAKER_NOT_SEEN,  /* the wait goes on, or only a look has seen it */
	WAKER_GOROUTINE, /* its code, from the runtime's own goroutines too, but for the next */
	WAKER_NETPOLL,
	WAKER_TIMER,
	WAKER_GC,
	WAKER_SIGNAL, /* the goroutine of os/signal, or a handler */
	WAKER_SCHEDULER,
	WAKER_UNKNOWN,
	WAKER_KINDS
};

/* In JSON: "goroutine", "netpoll", "timer", "gc", "signal"; of the others "unknown". */
const char *waker_kind_name(enum waker_kind kind);
/* In a stack: "[netpoll]"; NULL of a goroutine, which its stack says. */
const char *waker_kind_word(enum waker_kind kind);

/* Of a stack, innermost first. */
enum waker_kind waker_of_stack(const struct frame *v, size_t nr);
/* No ready was seen. */
enum waker_kind waker_of_wait(enum gowait wait);

/*
 * Runs one timer: Go 1.14 to 1.22 runtime/time.go runOneTimer, from 1.23 on (*timer).unlockAndRun.
 */
bool waker_runs_timer(const struct frame *f);
/* How ready is called, in every stack and never of interest. */
bool waker_is_ready(const struct frame *f);

#endif
