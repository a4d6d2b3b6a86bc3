/* SPDX-License-Identifier: BSD-2-Clause */
/* goregs: values out of registers and stack slots at a probed instruction. All that knows the
 * machine is here. */
#ifndef PARKWATCH_GOREGS_BPF_H
#define PARKWATCH_GOREGS_BPF_H

#include "parkwatch.bpf.h"

#define PW_FLAGS_CF_ZF 0x41 /* jbe is taken if CF or ZF is set */

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

/* General register by its x86 number, see struct pw_loc. */
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

/* The value at a location; 0 if there is none or it cannot be read. */
static __always_inline __u64 pw_value(struct pt_regs *ctx, const struct pw_loc *loc)
{
	__u64 v = 0;

	if (loc->kind == PW_LOC_REG)
		return pw_reg(ctx, loc->reg);
	if (loc->kind == PW_LOC_STACK &&
	    bpf_probe_read_user(&v, sizeof(v), (const void *)(PW_REG(ctx, sp) + loc->off)))
		return 0;
	return v;
}

/* True on a stack check whose branch to morestack is taken: the function begins again later. */
static __always_inline bool pw_morestack(struct pt_regs *ctx, const struct pw_site *site)
{
	return (site->flags & PW_SITE_CHECK) && (PW_REG(ctx, flags) & PW_FLAGS_CF_ZF);
}

#endif
