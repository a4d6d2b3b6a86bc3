/* SPDX-License-Identifier: BSD-2-Clause */
/* goregs: values out of registers and stack slots at a probed instruction. All that knows the
 * machine is here. */
#ifndef PARKWATCH_GOREGS_BPF_H
#define PARKWATCH_GOREGS_BPF_H

#include "parkwatch.bpf.h"

#ifdef PW_HOST_SHIM
#define PW_REG(ctx, name) ((ctx)->name)
#else
/* One load at a constant offset: the verifier refuses the variable one that the compiler would make
 * of a switch. */
#define PW_REG(ctx, name)                                                                          \
	({                                                                                         \
		__u64 v_;                                                                          \
		asm volatile("%0 = *(u64 *)(%1 + %2)"                                              \
			     : "=r"(v_)                                                            \
			     : "r"(ctx), "i"(__builtin_offsetof(struct pt_regs, name)));           \
		v_;                                                                                \
	})
#endif

/* Members of struct pt_regs; pw_reg(): a general register by its number, see struct pw_loc;
 * pw_thread_g(): of what code of Go runs on, 0: not at hand. */
#ifdef __TARGET_ARCH_arm64

#define PW_IP pc
#define PW_SP sp
#define PW_BP regs[29]

static __always_inline __u64 pw_reg(struct pt_regs *ctx, __u8 reg)
{
	switch (reg) {
	case 0: return PW_REG(ctx, regs[0]);
	case 1: return PW_REG(ctx, regs[1]);
	case 2: return PW_REG(ctx, regs[2]);
	case 3: return PW_REG(ctx, regs[3]);
	case 4: return PW_REG(ctx, regs[4]);
	case 5: return PW_REG(ctx, regs[5]);
	case 6: return PW_REG(ctx, regs[6]);
	case 7: return PW_REG(ctx, regs[7]);
	case 28: return PW_REG(ctx, regs[28]);
	}
	return 0;
}

static __always_inline __u64 pw_thread_g(struct pt_regs *ctx)
{
	return PW_REG(ctx, regs[28]);
}

/* The frame pointer of a frame is so far below its stack pointer. */
#define PW_FRAME_BELOW 8
/* Of what the kernel keeps, this begins it, on every version. */
#define PW_USER_REGS_BYTES (__builtin_offsetof(struct pt_regs, pstate) + sizeof(__u64))

/* The g of a thread with these registers, whether it is one of Go's or not: 0, or it has none. */
static __always_inline int pw_interrupted_g(const struct pt_regs *user, __u64 *ret)
{
	*ret = user->regs[28];
	return 0;
}

/* Its words at sp, as struct pw_cpu has them: how many. */
static __always_inline __u32 pw_user_words(const struct pt_regs *user, __u64 *words, __u32 bytes)
{
	(void)bytes;
	words[0] = user->regs[30];
	return bpf_probe_read_user(&words[1], sizeof(*words), (const void *)user->sp) ? 1 : 2;
}

/* b.ls: taken unless C is set and Z is not. */
static __always_inline bool pw_branch_taken(struct pt_regs *ctx)
{
	return (PW_REG(ctx, pstate) >> 29 & 3) != 1;
}

#else

#define PW_IP ip
#define PW_SP sp
#define PW_BP bp

static __always_inline __u64 pw_reg(struct pt_regs *ctx, __u8 reg)
{
	switch (reg) {
	case 0: return PW_REG(ctx, ax);
	case 1: return PW_REG(ctx, cx);
	case 2: return PW_REG(ctx, dx);
	case 3: return PW_REG(ctx, bx);
	case 4: return PW_REG(ctx, sp);
	case 5: return PW_REG(ctx, bp);
	case 6: return PW_REG(ctx, si);
	case 7: return PW_REG(ctx, di);
	case 8: return PW_REG(ctx, r8);
	case 9: return PW_REG(ctx, r9);
	case 10: return PW_REG(ctx, r10);
	case 11: return PW_REG(ctx, r11);
	case 12: return PW_REG(ctx, r12);
	case 13: return PW_REG(ctx, r13);
	case 14: return PW_REG(ctx, r14);
	case 15: return PW_REG(ctx, r15);
	}
	return 0;
}

static __always_inline __u64 pw_thread_g(struct pt_regs *ctx)
{
	(void)ctx;
	return 0;
}

#define PW_FRAME_BELOW     0
#define PW_USER_REGS_BYTES sizeof(struct pt_regs)

/* Go keeps it in the thread's own memory, whatever code runs. */
static __always_inline int pw_interrupted_g(const struct pt_regs *user, __u64 *ret)
{
	__u64 fs;

	(void)user;
	if (bpf_probe_read_kernel(&fs, sizeof(fs),
				  (const void *)(bpf_get_current_task() +
						 pw_knobs.cpu.task_thread)))
		return -1;
	return pw_read_u64(fs, pw_knobs.cpu.g_tls, ret);
}

/* Fewer where the page ends. */
static __always_inline __u32 pw_user_words(const struct pt_regs *user, __u64 *words, __u32 bytes)
{
	if (!bpf_probe_read_user(words, bytes, (const void *)user->sp))
		return bytes / sizeof(*words);
	return bpf_probe_read_user(words, 2 * sizeof(*words), (const void *)user->sp) ? 0 : 2;
}

/* jbe: taken if CF or ZF is set. */
static __always_inline bool pw_branch_taken(struct pt_regs *ctx)
{
	return PW_REG(ctx, flags) & 0x41;
}

#endif

/* The value at a location; 0 if there is none or it cannot be read. */
static __always_inline __u64 pw_value(struct pt_regs *ctx, const struct pw_loc *loc)
{
	__u64 v = 0;

	if (loc->kind == PW_LOC_REG)
		return pw_reg(ctx, loc->reg);
	if (loc->kind == PW_LOC_STACK &&
	    bpf_probe_read_user(&v, sizeof(v), (const void *)(PW_REG(ctx, PW_SP) + loc->off)))
		return 0;
	return v;
}

/* The return address into the direct caller; 0: it cannot be read. */
static __always_inline __u64 pw_return_address(struct pt_regs *ctx, const struct pw_site *site)
{
	__u64 at, ret = 0;

#ifdef __TARGET_ARCH_arm64
	if (site->flags & PW_SITE_LINK)
		return PW_REG(ctx, regs[30]);
#endif
	at = site->flags & PW_SITE_FRAMED ? PW_REG(ctx, PW_BP) + 8
					  : PW_REG(ctx, PW_SP) + site->ret_off;
	bpf_probe_read_user(&ret, sizeof(ret), (const void *)at);
	return ret;
}

#ifdef __TARGET_ARCH_arm64

/*
 * A walk goes over the stack of g. Its words are read into the thread's scratch: there is no room on the
 * stack of these programs. Up to Go 1.20 frame pointers stay as they are where a goroutine's stack is
 * moved (knob frames_stay): those that lead out of it are of no use.
 */
static __always_inline void pw_enter_stack(struct pw_scratch *s, __u64 g)
{
	s->g = g;
	s->frames_bytes = 0;
}

static __always_inline void pw_find_frames(struct pw_scratch *s)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;

	asm volatile("" : "+r"(s)); /* else addresses in it are kept over the walk, on the stack */
	s->frames_at = 0;
	s->frames_bytes = ~0ULL;
	if (!s->g || pw_read_u64(s->g, lay->g_goid, &s->word) || !s->word ||
	    pw_read_u64(s->g, lay->g_stack_hi, &s->word) ||
	    pw_read_u64(s->g, lay->g_stack_lo, &s->frames_at))
		return;
	s->frames_bytes = s->word - s->frames_at;
}

static __always_inline bool pw_leads_out(struct pw_scratch *s, __u64 bp)
{
	if (!pw_knobs.frames_stay)
		return 0;
	if (!s->frames_bytes)
		pw_find_frames(s);
	return bp - s->frames_at >= s->frames_bytes;
}

/*
 * Where a thread that has left the stack of its goroutine for its own, without the chain of frame
 * pointers, left it: the frame of systemstack there. Up to Go 1.24 systemstack begins a new chain on
 * arm64; what it saved for the way back is in the goroutine's g.sched (runtime/asm_arm64.s
 * gosave_systemstack_switch). 0: it has not.
 */
static __always_inline __u64 pw_left_stack(struct pw_scratch *s)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;

	asm volatile("" : "+r"(s)); /* as above */
	if (!s->g || pw_read_u64(s->g, lay->g_m, &s->m) || pw_read_u64(s->m, lay->m_g0, &s->word) ||
	    s->word != s->g || pw_read_u64(s->m, lay->m_curg, &s->word) || !s->word)
		return 0;
	pw_enter_stack(s, s->word);
	return pw_read_u64(s->g, lay->g_sched_bp, &s->word) ? 0 : s->word;
}

#else

static __always_inline void pw_enter_stack(struct pw_scratch *s, __u64 g)
{
	(void)s;
	(void)g;
}

static __always_inline bool pw_leads_out(struct pw_scratch *s, __u64 bp)
{
	(void)s;
	(void)bp;
	return 0;
}

static __always_inline __u64 pw_left_stack(struct pw_scratch *s)
{
	(void)s;
	return 0;
}

#endif

/* True on a stack check whose branch to morestack is taken: the function begins again later. */
static __always_inline bool pw_morestack(struct pt_regs *ctx, const struct pw_site *site)
{
	return (site->flags & PW_SITE_CHECK) && pw_branch_taken(ctx);
}

#endif
