/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/gview.h"

#include <string.h>

#include "base/cleanup.h"
#include "golang/gostate.h"

size_t gview_bytes(const struct goruntime *rt)
{
	const struct pw_layout *lay = &rt->layout;
	const int32_t offsets[] = {
		lay->g_stack_lo,     lay->g_stack_hi, lay->g_m,         lay->g_sched_sp,
		lay->g_sched_pc,     lay->g_sched_bp, lay->g_syscallsp, lay->g_syscallpc,
		lay->g_atomicstatus, lay->g_goid,     lay->g_waitsince, lay->g_waitreason,
		lay->g_lockedm,      lay->g_gopc,     lay->g_startpc,   lay->g_waiting,
		lay->g_labels,
	};
	const int32_t optional[] = { lay->g_parent_goid, rt->objects.g_trackingseq,
				     rt->objects.g_timer, rt->objects.g_coroarg,
				     rt->objects.g_schedlr };
	int32_t last = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		if (offsets[i] < 0)
			return 0;
		last = offsets[i] > last ? offsets[i] : last;
	}
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		last = optional[i] > last ? optional[i] : last;
	return last + sizeof(uint64_t) <= GVIEW_BYTES_MAX ? (size_t)last + sizeof(uint64_t) : 0;
}

/* 0 where the version has no such field. */
static uint64_t word_at(const uint8_t *bytes, int32_t offset)
{
	uint64_t v = 0;

	if (offset != PW_NO_FIELD)
		memcpy(&v, bytes + offset, sizeof(v));
	return v;
}

void gview__take(struct gview *v, const struct goruntime *rt, uint64_t addr, const uint8_t *bytes)
{
	const struct pw_layout *lay = &rt->layout;
	uint32_t status = (uint32_t)word_at(bytes, lay->g_atomicstatus);

	*v = (struct gview){
		.addr = addr,
		.stack_lo = word_at(bytes, lay->g_stack_lo),
		.stack_hi = word_at(bytes, lay->g_stack_hi),
		.sp = word_at(bytes, lay->g_sched_sp),
		.pc = word_at(bytes, lay->g_sched_pc),
		.bp = word_at(bytes, lay->g_sched_bp),
		.lr = goruntime_has_link(rt) ? word_at(bytes, rt->objects.g_schedlr) : 0,
		.syscallsp = word_at(bytes, lay->g_syscallsp),
		.syscallpc = word_at(bytes, lay->g_syscallpc),
		.who.goid = word_at(bytes, lay->g_goid),
		.who.parent_goid = word_at(bytes, lay->g_parent_goid),
		.who.gopc = word_at(bytes, lay->g_gopc),
		.who.startpc = word_at(bytes, lay->g_startpc),
		.m = word_at(bytes, lay->g_m),
		.lockedm = word_at(bytes, lay->g_lockedm),
		.waiting = word_at(bytes, lay->g_waiting),
		.labels = word_at(bytes, lay->g_labels),
		.waitsince = word_at(bytes, lay->g_waitsince),
		.timer = word_at(bytes, rt->objects.g_timer),
		.coroarg = word_at(bytes, rt->objects.g_coroarg),
		.status = status & ~(uint32_t)GOSTATUS_SCAN,
		.reason = bytes[lay->g_waitreason],
		.stops = (uint8_t)word_at(bytes, rt->objects.g_trackingseq),
		.scanning = status & GOSTATUS_SCAN,
	};
}

bool gview__is_live(const struct gview *v)
{
	return v->status != GOSTATUS_IDLE && v->status != GOSTATUS_DEAD &&
	       v->status != GOSTATUS_DEADEXTRA;
}

bool gview__is_parked(const struct gview *v)
{
	return v->status == GOSTATUS_WAITING || v->status == GOSTATUS_PREEMPTED ||
	       v->status == GOSTATUS_LEAKED;
}

bool gview__context(const struct gview *v, uint64_t *ret_pc, uint64_t *ret_sp)
{
	/* Go runtime/traceback.go traceback(): syscallsp decides, whatever the status is. */
	uint64_t pc = v->syscallsp ? v->syscallpc : v->pc, sp = v->syscallsp ? v->syscallsp : v->sp;
	bool stands = v->status == GOSTATUS_RUNNABLE || v->status == GOSTATUS_SYSCALL ||
		      gview__is_parked(v);

	if (!stands || !pc || sp % 8 || sp < v->stack_lo || sp >= v->stack_hi ||
	    v->stack_hi - sp < 8)
		return false;
	*ret_pc = pc;
	*ret_sp = sp;
	return true;
}

bool gview__is_same(const struct gview *a, const struct gview *b)
{
	return a->who.goid == b->who.goid && a->status == b->status && a->sp == b->sp &&
	       a->pc == b->pc && a->syscallsp == b->syscallsp && a->syscallpc == b->syscallpc &&
	       a->stack_lo == b->stack_lo && a->stack_hi == b->stack_hi && a->reason == b->reason &&
	       a->who.gopc == b->who.gopc && a->who.startpc == b->who.startpc &&
	       a->stops == b->stops && a->scanning == b->scanning;
}
