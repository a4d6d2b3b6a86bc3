/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu: what a thread of the process does when its processor's clock ticks.
 *
 * The clock is one perf event a processor, so the program runs for every thread that there is, and
 * drops those of others. It runs in an interrupt: it sees the registers that the thread had in user
 * space, wherever it was interrupted.
 */
#ifndef PARKWATCH_CPU_BPF_H
#define PARKWATCH_CPU_BPF_H

#include "goregs.bpf.h"
#include "life.bpf.h"
#include "unwind.bpf.h"
#include "wanted.bpf.h"

#define PW_THREAD_BYTES 16384 /* of a thread's kernel stack, x86-64 */

/* The number of the thread, as the process knows it; 0: it is another process's. */
static __always_inline __u32 pw_cpu_thread(void)
{
	const volatile struct pw_cpu_knobs *k = &pw_knobs.cpu;
	struct bpf_pidns_info of;

	if (bpf_get_ns_current_pid_tgid(k->ns_dev, k->ns_ino, &of, sizeof(of)))
		return 0;
	return of.tgid == k->tgid ? of.pid : 0;
}

/* Its registers, as it left user space with them. */
static __always_inline int pw_cpu_regs(struct pt_regs *to)
{
	const volatile struct pw_cpu_knobs *k = &pw_knobs.cpu;
	__u64 at;

	if (k->regs_helper) {
		at = (__u64)bpf_task_pt_regs(bpf_get_current_task_btf());
	} else {
		if (bpf_probe_read_kernel(&at, sizeof(at),
					  (const void *)(bpf_get_current_task() + k->task_stack)))
			return -1;
		at += PW_THREAD_BYTES - sizeof(*to); /* arm64 has the helper */
	}
	return bpf_probe_read_kernel(to, PW_USER_REGS_BYTES, (const void *)at) ? -1 : 0;
}

struct pw_running {
	__u64 g;         /* the goroutine; 0: none */
	__u64 on;        /* the g that it runs on: that, or its thread's own */
	__u32 is_go;     /* 1: a thread of this runtime */
	__u32 on_g0;     /* 1: on its system stack */
	__u32 on_system; /* 1: there, or on a signal's */
	__u32 pad;
};

/* It is believed if its m says that it is this thread's. */
static __always_inline void pw_cpu_g(__u32 tid, const struct pt_regs *user, struct pw_running *ret)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 g, m, g0, goid, procid = 0;

	if (pw_interrupted_g(user, &g) || !g || pw_read_u64(g, lay->g_m, &m) ||
	    pw_read_u64(m, lay->m_procid, &procid) || procid != tid ||
	    pw_read_u64(m, lay->m_g0, &g0) || pw_read_u64(g, lay->g_goid, &goid))
		return;
	ret->on = g;
	ret->is_go = 1;
	ret->on_g0 = g == g0;
	ret->on_system = !goid;
	if (goid)
		ret->g = g;
	else
		pw_read_u64(m, lay->m_curg, &ret->g);
}

/*
 * In C that a goroutine called, the frame pointer is C's, if it is one. Where the goroutine went to
 * the system stack to call it is in its g.sched (runtime/asm_amd64.s gosave_systemstack_switch): bp is
 * the frame of asmcgocall, which begins at sp, or that of its caller if it has none: then at sp is the
 * return address to that.
 */
static __always_inline void pw_cpu_walk(const struct pt_regs *user, const struct pw_running *r,
					struct pw_walk *ret)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 sp;

	ret->pc = user->PW_IP;
	ret->bp = user->PW_BP;
	ret->caller = 0;
	ret->g = r->on;
	if (pw_pc_kind(user->PW_IP) != PW_PC_FOREIGN ||
	    user->PW_IP - pw_knobs.cpu.vdso.at < pw_knobs.cpu.vdso.bytes)
		return;
	if (!r->is_go || r->on_system)
		ret->bp = 0;
	if (r->on_g0 && r->g && !pw_read_u64(r->g, lay->g_sched_sp, &sp) &&
	    !pw_read_u64(r->g, lay->g_sched_bp, &ret->bp) && ret->bp != sp)
		pw_read_u64(sp, 0, &ret->caller);
}

/*
 * Assembly may use the frame pointer for anything, with its caller's kept in its own frame: the first
 * words above sp that can be that, and a return address. It is a guess, which the tables prove or not
 * (engine/cpustack). Of what stands on its goroutine's stack.
 */
static __always_inline void pw_cpu_guess(struct pw_cpu_room *room, const struct pw_running *r)
{
	struct pw_scratch *s = &room->scratch;
	__u64 sp = room->regs.PW_SP - PW_FRAME_BELOW, hi = 0, bytes;

	room->rec.is_guess = 0;
	if (!r->g || r->on_system || pw_read_u64(r->g, pw_knobs.lay.g_stack_hi, &hi) || sp & 7 ||
	    (room->regs.PW_BP >= sp && room->regs.PW_BP < hi))
		return;
	bytes = hi - sp;
	if (sp >= hi)
		return;
	if (bytes >= PW_WINDOW_WORDS * sizeof(__u64))
		bytes = (PW_WINDOW_WORDS - 1) * sizeof(__u64);
	/* the verifiers of 5.10 to 6.1 forget that bound when it is kept on the stack */
	asm volatile("" : "+r"(bytes));
	bytes &= PW_WINDOW_WORDS * sizeof(__u64) - 1;
	if (bpf_probe_read_user(s->window, bytes, (const void *)sp))
		return;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < PW_WINDOW_WORDS; i++) {
		__u64 bp, ret;

		asm volatile("" : "+r"(i)); /* else bytes alone ends the loop: the same */
		bp = s->window[i];
		ret = s->window[i + 1];
		if ((i + 2) * sizeof(__u64) > bytes)
			break;
		if (bp <= sp + i * sizeof(__u64) || bp >= hi || bp & 7 ||
		    pw_pc_kind(ret - 1) == PW_PC_FOREIGN)
			continue;
		room->regs.PW_BP = sp + i * sizeof(__u64);
		room->rec.is_guess = 1;
		break;
	}
}

/* Whose sample it is: 0, or what there is to count instead. flags: of the record. */
static __always_inline int pw_cpu_who(const struct pw_running *r, struct pw_cpu *rec, __u32 *flags)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	struct pw_gpart part;
	__u64 goid = 0, status = 0;

	rec->gopc = rec->startpc = rec->labels = 0;
	if (r->g) {
		pw_gpart_read(&part, r->g, lay->g_goid);
		if (pw_read_u64(r->g, lay->g_atomicstatus, &status) ||
		    pw_gpart_u64(&part, lay->g_goid, &goid) ||
		    pw_gpart_u64(&part, lay->g_gopc, &rec->gopc) ||
		    pw_gpart_u64(&part, lay->g_startpc, &rec->startpc))
			return PW_STAT_LOST_READ;
		rec->labels = pw_labels(&part);
	}
	rec->hdr.goid = goid;
	rec->status = (__u32)status;
	if (pw_unwanted(goid) || (!r->g && pw_filters(PW_CPU, PW_FILTER_SITES)) ||
	    pw_g_unwanted(PW_CPU, r->g, r->g, flags))
		return PW_STAT_FILTERED;
	return 0;
}

static __always_inline int pw_cpu_send(void *ctx, struct pw_cpu_room *room, __u64 goid, __u64 now,
				       __u32 flags)
{
	struct pw_stack *st = &room->scratch.stack;
	__u64 size =
		sizeof(room->rec) + sizeof(*st) - sizeof(st->pcs) + sizeof(st->pcs[0]) * st->nr;

	if (size > sizeof(room->rec) + sizeof(*st)) /* never; for the verifier */
		return 0;
	pw_fill_hdr(&st->hdr, PW_STACK, size - sizeof(room->rec), 0, now);
	st->stack_id = PW_STACK_ID_NONE;
	room->rec.foreign = room->scratch.foreign;
	room->rec.is_cut = room->scratch.is_cut;
	pw_fill_hdr(&room->rec.hdr, PW_CPU, size, goid, now);
	room->rec.hdr.flags = flags;
	return pw_send_event(ctx, &room->rec, size);
}

static __always_inline int pw_do_cpu(void *ctx, __u32 tid, __u64 now)
{
	struct pw_cpu_room *room = pw_cpu_room();
	struct pw_running r = {};
	struct pw_walk w;
	__u32 flags = 0;
	int why;

	if (!room || pw_cpu_regs(&room->regs))
		return pw_count(PW_STAT_LOST_SCRATCH);
	pw_cpu_g(tid, &room->regs, &r);
	if (!r.is_go && !pw_knobs.cpu.is_first)
		return pw_count(PW_STAT_FILTERED);
	why = pw_cpu_who(&r, &room->rec, &flags);
	if (why)
		return pw_count(why);
	pw_cpu_guess(room, &r);
	room->rec.ns = pw_cpu_ns;
	room->rec.sp = room->regs.PW_SP;
	room->rec.bp = room->regs.PW_BP;
	room->rec.nr_words = pw_user_words(&room->regs, room->rec.words, sizeof(room->rec.words));
	pw_cpu_walk(&room->regs, &r, &w);
	pw_unwind(w.pc, w.caller, w.bp, w.g);
	return pw_cpu_send(ctx, room, room->rec.hdr.goid, now, flags);
}

#endif
