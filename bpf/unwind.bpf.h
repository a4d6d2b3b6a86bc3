/* SPDX-License-Identifier: BSD-2-Clause */
/* unwind: Go stacks, and their records. */
#ifndef PARKWATCH_UNWIND_BPF_H
#define PARKWATCH_UNWIND_BPF_H

#include "goregs.bpf.h"
#include "kcompat.bpf.h"

struct pw_walk {      /* where a walk begins */
	__u64 pc;     /* first frame */
	__u64 caller; /* return address that no frame holds; 0: none */
	__u64 bp;     /* frame pointer: {its caller's, return address} */
	__u64 g;      /* that the thread runs on, or whose stack it is; 0: not known */
};

/*
 * Walks a stack: leaves its pcs, nr and truncated in the thread's scratch and returns its id, or
 * PW_STACK_ID_NONE if there is no scratch. Not inlined, and with numbers alone: the verifier takes
 * such a function by itself, once, where it would go through the walk for each that wants one.
 *
 * The stack ends with the function of pw_module.ends that it comes to, and before a return address
 * that is no code of a module: counted.
 */
__u64 pw_unwind(__u64 pc, __u64 caller, __u64 bp, __u64 g);

enum pw_pc_kind {
	PW_PC_FOREIGN, /* no code of a Go module */
	PW_PC_CODE,
	PW_PC_END, /* in one of pw_module.ends */
	PW_PC_GOPARK,
};

/* What a pc is; of a return address the byte before it counts. Not inlined, as pw_unwind(). */
__u64 pw_pc_kind(__u64 pc);

/*
 * Walks a stack and sends it if its id was not sent before. Returns the id, or PW_STACK_ID_NONE if
 * there is no buffer: counted as a lost event. An id is remembered only after its record was
 * accepted.
 */
static __always_inline __u64 pw_stack_id(void *ctx, const struct pw_walk *w, __u64 now)
{
	__u64 size, id = pw_unwind(w->pc, w->caller, w->bp, w->g), seen = id + pw_turn;
	struct pw_scratch *s;
	struct pw_stack *st;
	__u8 one = 1;

	if (id != PW_STACK_ID_NONE && bpf_map_lookup_elem(&pw_seen, &seen))
		return id;
	s = pw_scratch_get();
	if (id == PW_STACK_ID_NONE || !s) {
		pw_count(PW_STAT_LOST_SCRATCH);
		return PW_STACK_ID_NONE;
	}
	st = &s->stack;
	size = sizeof(*st) - sizeof(st->pcs) + sizeof(st->pcs[0]) * st->nr;
	if (size > sizeof(*st)) /* never; for the verifier, which forgot what nr can be */
		return id;
	pw_fill_hdr(&st->hdr, PW_STACK, size, 0, now);
	st->stack_id = id;
	if (pw_send(ctx, st, size)) {
		pw_count(PW_STAT_LOST_STACK);
		return id;
	}
	pw_count(PW_STAT_STACKS);
	bpf_map_update_elem(&pw_seen, &seen, &one, BPF_ANY);
	return id;
}

/* Where the stack of the probed function begins. */
static __always_inline void pw_walk_here(struct pt_regs *ctx, const struct pw_site *site,
					 struct pw_walk *ret)
{
	ret->pc = PW_REG(ctx, PW_IP);
	ret->bp = PW_REG(ctx, PW_BP);
	ret->g = pw_thread_g(ctx);
	ret->caller = site->flags & PW_SITE_FRAMED ? 0 : pw_return_address(ctx, site);
}

#endif
