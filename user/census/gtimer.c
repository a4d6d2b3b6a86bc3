/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/gtimer.h"

#include <string.h>

#include "census/field.h"
#include "golang/gofacts.h"

/* Go runtime/time.go timer {...; when, period int64; f func; arg any; ...} in every version: bytes
 * from when on. */
#define PERIOD    8
#define ARG_DATA  32
#define LATE_NS   (10LL * 1000000000) /* the program, or we */
#define TIMER_MAX 256                 /* bytes of one up to its arg */
/* Go 1.22 time/tick.go Ticker { C <-chan Time; r runtimeTimer }, and Timer the same */
#define TICKER_C 0
#define TICKER_R 8
/* Go 1.23 runtime/time.go timeTimer { c unsafe.Pointer; init bool; timer } */
#define TIMETIMER_R 16

/*
 * Go 1.14 to 1.22: timer.status (u32), from when on; those of one that is in no heap, or is to
 * leave it. From 1.23 on when is 0. One that was given another time has that in nextwhen, until the
 * heap is put in order.
 */
#define NEXT_WHEN      48
#define STATUS         56
#define STATUS_NONE    0
#define STATUS_DELETED 3
#define STATUS_REMOVED 5
#define STATUS_EARLIER 7
#define STATUS_LATER   8
#define STATUS_END     (STATUS + 4)

/* has_status: at has STATUS_END bytes. */
static bool take(const uint8_t *at, bool has_status, struct gtimer *ret)
{
	struct gtimer t = { .when_ns = (int64_t)field_u64(at, 0),
			    .period_ns = (int64_t)field_u64(at, PERIOD),
			    .stopped = !field_u64(at, 0) };
	uint32_t status = STATUS_NONE;

	if (has_status)
		memcpy(&status, at + STATUS, sizeof(status));
	if (status == STATUS_EARLIER || status == STATUS_LATER)
		t.when_ns = (int64_t)field_u64(at, NEXT_WHEN);
	if (t.when_ns < 0 || t.period_ns < 0)
		return false;
	*ret = t;
	return true;
}

bool gtimer_read(const struct addrspace *as, const struct goruntime *rt, uint64_t addr,
		 struct gtimer *ret)
{
	const int32_t when = rt->objects.timer_when;
	const bool has_status = !gofacts_has(rt->minor, GO_CHAN_TIMERS);
	uint8_t raw[STATUS_END];

	return addr && when >= 0 &&
	       !addrspace__read(as, addr + (uint64_t)when, raw,
				has_status ? STATUS_END : PERIOD + 8) &&
	       take(raw, has_status, ret);
}

/* Is the object at addr a Timer or Ticker that feeds this channel? */
static bool is_ticker(const struct addrspace *as, const struct goruntime *rt, uint64_t addr,
		      uint64_t chan, struct gtimer *ret)
{
	const int32_t when = rt->objects.timer_when +
			     (gofacts_has(rt->minor, GO_CHAN_TIMERS) ? TIMETIMER_R : TICKER_R);
	const bool has_status = !gofacts_has(rt->minor, GO_CHAN_TIMERS);
	const size_t len = (size_t)when + (has_status ? STATUS_END : ARG_DATA + 8);
	uint8_t raw[TIMER_MAX];
	uint32_t status;

	if (len > sizeof(raw) || addrspace__read(as, addr, raw, len) ||
	    field_u64(raw, TICKER_C) != chan || field_u64(raw, when + ARG_DATA) != chan ||
	    !take(raw + when, has_status, ret))
		return false;
	if (has_status) {
		memcpy(&status, raw + when + STATUS, sizeof(status));
		ret->stopped = status == STATUS_NONE || status == STATUS_DELETED ||
			       status == STATUS_REMOVED;
	}
	return true;
}

/*
 * Up to Go 1.22 a timer that was stopped keeps its times: its status says so (runtime/time.go
 * timerNoStatus, timerDeleted...).
 */
static bool is_stopped(const struct addrspace *as, const struct goruntime *rt, uint64_t timer)
{
	const uint64_t at = timer + (uint64_t)rt->objects.timer_when + STATUS;
	uint32_t status;

	return !gofacts_has(rt->minor, GO_CHAN_TIMERS) &&
	       (addrspace__read(as, at, &status, sizeof(status)) || !status ||
		(status >= 3 && status <= 5));
}

bool gtimer_feeds(const struct addrspace *as, const struct goruntime *rt, uint64_t chan,
		  uint64_t ticker, uint64_t now_ns, struct gtimer *ret, uint64_t *ret_addr)
{
	const int32_t at = rt->objects.hchan_timer;
	uint64_t addr = 0;
	struct gtimer t;

	if (rt->objects.timer_when < 0 || !chan)
		return false;
	if (at >= 0 && addrspace__read(as, chan + (uint64_t)at, &addr, sizeof(addr)))
		return false;
	if (addr) {
		if (!gtimer_read(as, rt, addr, &t))
			return false;
	} else {
		if (!ticker || !is_ticker(as, rt, ticker, chan, &t))
			return false;
		addr = ticker + (gofacts_has(rt->minor, GO_CHAN_TIMERS) ? TIMETIMER_R : TICKER_R);
	}
	if (is_stopped(as, rt, addr) || !t.when_ns ||
	    (t.period_ns ? !gtimer_repeats(&t, now_ns) : t.when_ns < (int64_t)now_ns - LATE_NS))
		return false;
	*ret = t;
	*ret_addr = addr;
	return true;
}

bool gtimer_on_stack(const struct addrspace *as, const struct goruntime *rt,
		     const struct census_g *g, uint64_t chan, struct gtimer *ret)
{
	const uint64_t room = g->stack_hi - g->sp;
	const size_t len = room < GTIMER_STACK_MAX ? (size_t)room : GTIMER_STACK_MAX;
	uint8_t stack[GTIMER_STACK_MAX];

	if (!chan || rt->objects.timer_when < 0 || g->sp < g->stack_lo || g->sp >= g->stack_hi ||
	    addrspace__read(as, g->sp, stack, len))
		return false;
	for (size_t at = 0; at + 8 <= len; at += 8) {
		const uint64_t v = field_u64(stack, (int32_t)at);

		/* What both have in common: they lie in the heap, which is less than 2^40 bytes. */
		if (v >> 40 == chan >> 40 && v != chan && !(v % 8) &&
		    !(v >= g->stack_lo && v < g->stack_hi) && is_ticker(as, rt, v, chan, ret))
			return true;
	}
	return false;
}

bool gtimer_repeats(const struct gtimer *t, uint64_t now_ns)
{
	const int64_t now = (int64_t)now_ns;

	return t->period_ns && t->when_ns <= now + t->period_ns + LATE_NS &&
	       t->when_ns >= now - t->period_ns - LATE_NS;
}
