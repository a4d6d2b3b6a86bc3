// SPDX-License-Identifier: BSD-2-Clause
#include "view/waker.h"

#include <string.h>

#include "base/cleanup.h"
#include "golang/gosystem.h"

static const struct {
	const char *name, *word;
} kinds[WAKER_KINDS] = {
	[WAKER_NOT_SEEN] = { "unknown", "[not seen]" },
	[WAKER_GOROUTINE] = { "goroutine", NULL },
	[WAKER_NETPOLL] = { "netpoll", "[netpoll]" },
	[WAKER_TIMER] = { "timer", "[timer]" },
	[WAKER_GC] = { "gc", "[gc]" },
	[WAKER_SIGNAL] = { "signal", "[signal]" },
	[WAKER_SCHEDULER] = { "unknown", "[scheduler]" },
	[WAKER_UNKNOWN] = { "unknown", "[unknown]" },
};

const char *waker_kind_name(enum waker_kind kind)
{
	return kinds[kind].name;
}

const char *waker_kind_word(enum waker_kind kind)
{
	return kinds[kind].word;
}

static bool is_one_of(const char *name, const char *const *names, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

bool waker_runs_timer(const struct frame *f)
{
	static const char *const names[] = { "runtime.runOneTimer",
					     "runtime.(*timer).unlockAndRun" };

	return is_one_of(f->name, names, ARRAY_SIZE(names));
}

bool waker_is_ready(const struct frame *f)
{
	static const char *const names[] = { "runtime.ready", "runtime.goready",
					     "runtime.readyWithTime", "runtime.systemstack" };
	static const char closure[] =
		"goready.func1"; /* runtime.send.goready.func1, _.goready.func1 */
	const size_t len = strlen(f->name), tail = strlen(closure);

	return is_one_of(f->name, names, ARRAY_SIZE(names)) ||
	       (len > tail && !strcmp(f->name + len - tail, closure));
}

/* os/signal hands a signal to those who asked for it: its goroutine is loop, before that watch. */
static bool hands_signal(const struct frame *f)
{
	static const char *const names[] = { "os/signal.loop", "os/signal.process",
					     "runtime.sigtramp", "runtime.sighandler" };

	return is_one_of(f->name, names, ARRAY_SIZE(names));
}

static bool is_poller(const struct frame *f)
{
	return !strcmp(f->name, "runtime.netpoll") || !strcmp(f->name, "runtime.netpollready");
}

/* What the runtime's own goroutines for the collector are started with. */
static bool is_collector(const char *func)
{
	static const char *const names[] = { "runtime.gcBgMarkWorker", "runtime.bgsweep",
					     "runtime.bgscavenge", "runtime.forcegchelper" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(func, names[i], strlen(names[i])))
			return true;
	return false;
}

static enum waker_kind kind_of_bottom(const char *func)
{
	if (is_collector(func))
		return WAKER_GC;
	return gosystem_bottom(func) || !strcmp(func, "runtime.sysmon") ? WAKER_SCHEDULER
									: WAKER_GOROUTINE;
}

enum waker_kind waker_of_stack(const struct frame *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (waker_runs_timer(&v[i]))
			return WAKER_TIMER;
		if (hands_signal(&v[i]))
			return WAKER_SIGNAL;
		if (is_poller(&v[i]))
			return WAKER_NETPOLL;
	}
	while (nr && !strcmp(v[nr - 1].name, "runtime.goexit"))
		nr--;
	return nr ? kind_of_bottom(v[nr - 1].name) : WAKER_UNKNOWN;
}

enum waker_kind waker_of_wait(enum gowait wait)
{
	switch (wait) {
	case GOWAIT_GC_ASSIST_MARKING:
	case GOWAIT_GC_ASSIST_WAIT:
	case GOWAIT_GC_SWEEP_WAIT:
	case GOWAIT_GC_SCAVENGE_WAIT:
	case GOWAIT_FORCE_GC_IDLE:
	case GOWAIT_GC_WORKER_IDLE:
	case GOWAIT_GC_WEAK_TO_STRONG_WAIT:
	case GOWAIT_WAIT_FOR_GC_CYCLE: return WAKER_GC;
	case GOWAIT_PREEMPTED: return WAKER_SCHEDULER;
	default: return gowait_class(wait) == GOWAIT_CLASS_IO ? WAKER_NETPOLL : WAKER_UNKNOWN;
	}
}
