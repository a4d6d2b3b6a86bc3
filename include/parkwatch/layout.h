/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout: where the fields that we read lie in the structs of one Go runtime.
 *
 * Byte offsets on a 64-bit target, filled by user/golang/golayout from DWARF or from its table,
 * proved on the live target by user/census, read by BPF (rodata) and by the census.
 * PW_NO_FIELD: this Go version has no such field.
 * Source: Go runtime/runtime2.go (type g, m, p, sudog, gobuf) and runtime/chan.go (hchan).
 */
#ifndef PARKWATCH_LAYOUT_H
#define PARKWATCH_LAYOUT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define PW_NO_FIELD (-1)

struct pw_layout {
	/* runtime.g */
	__s32 g_size;
	__s32 g_stack_lo, g_stack_hi;
	__s32 g_m;
	__s32 g_sched_sp, g_sched_pc, g_sched_bp;
	__s32 g_syscallsp, g_syscallpc, g_syscallbp; /* syscallbp: Go 1.23 and later */
	__s32 g_atomicstatus;                        /* u32 */
	__s32 g_goid;                                /* u64 */
	__s32 g_waitsince;                           /* i64 */
	__s32 g_waitreason;                          /* u8 */
	__s32 g_lockedm;
	__s32 g_parent_goid; /* u64, Go 1.21 and later */
	__s32 g_gopc, g_startpc;
	__s32 g_waiting; /* *sudog */
	/* pointer; shape by version, see golang/golabels */
	__s32 g_labels;
	/* runtime.m */
	__s32 m_g0, m_procid, m_curg, m_p;
	/* runtime.p */
	__s32 p_id, p_status;
	/* runtime.sudog */
	__s32 sudog_g, sudog_elem, sudog_waitlink, sudog_c;
	/* runtime.hchan */
	__s32 hchan_lock;
};

#endif
