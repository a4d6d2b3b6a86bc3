// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * unwind: Go stacks by frame pointers.
 *
 * bpf_get_stack() loses the direct caller unless the probe is on `push %rbp`, and on some kernels
 * ends where the stack pointer jumps back. Ours takes the direct caller from its return address and
 * crosses from the system stack to the goroutine's, since Go's systemstack keeps the frame pointer
 * chain (all versions from 1.15; on arm64 from 1.25, see pw_left_stack()). So frames need not ascend;
 * the knob `depth` alone bounds the walk. mcall and morestack keep the chain too, up to Go 1.24, but there the thread has left the
 * goroutine: the walk ends.
 */
#include "unwind.bpf.h"

#define PW_HASH_SEED  0xcbf29ce484222325ULL
#define PW_HASH_PRIME 0x9e3779b97f4a7c15ULL

#define PW_PAGE_BYTES  4096
#define PW_FRAME_BYTES 16 /* {caller's frame pointer, return address} */

static __always_inline __u64 pw_hash(__u64 hash, __u64 pc)
{
	hash = (hash ^ pc) * PW_HASH_PRIME;
	return hash ^ (hash >> 32);
}

/*
 * Reads the stack from the frame at bp on, as far as its page goes: what lies there is in memory if
 * the frame is, and many frames come with one read.
 */
static __always_inline int pw_window_read(struct pw_scratch *s, __u64 bp)
{
	__u64 bytes = PW_PAGE_BYTES - (bp & (PW_PAGE_BYTES - 1));

	asm volatile(""
		     : "+r"(s)); /* else the window's address is kept over the walk, on the stack */
	if (bytes > PW_WINDOW_WORDS * sizeof(__u64))
		bytes = PW_WINDOW_WORDS * sizeof(__u64);
	if (bytes < PW_FRAME_BYTES)
		bytes = PW_FRAME_BYTES;
	s->window_at = bp;
	s->window_bytes = bytes;
	return bpf_probe_read_user(s->window, bytes, (const void *)bp) ? -1 : 0;
}

/* Appends one pc: 0, or -1 at the knob `depth`. nr lives in memory, so that the verifier forgets it
 * between two frames. */
static __always_inline int pw_push(struct pw_scratch *s, __u64 pc)
{
	struct pw_stack *st = &s->stack;
	__u32 nr = st->nr;

	if (nr >= PW_STACK_MAX || nr >= pw_knobs.depth) {
		st->truncated = 1;
		return -1;
	}
	st->pcs[nr] = pc;
	st->nr = nr + 1;
	s->hash = pw_hash(s->hash, pc);
	return 0;
}

__u64 pw_pc_kind(__u64 pc)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < PW_MODULES_MAX && i < pw_knobs.nr_modules; i++) {
		const volatile struct pw_module *m = &pw_knobs.modules[i];

		if (pc - m->text.at >= m->text.bytes)
			continue;
		for (__u32 k = 0; k < PW_ENDS; k++)
			if (pc - m->ends[k].at < m->ends[k].bytes)
				return PW_PC_END;
		return pc - m->gopark.at < m->gopark.bytes ? PW_PC_GOPARK : PW_PC_CODE;
	}
	return PW_PC_FOREIGN;
}

/* Appends a return address: 0, or -1 if the stack ends with it or before it. */
static __always_inline int pw_push_return(struct pw_scratch *s, __u64 ret)
{
	__u64 kind = ret ? pw_pc_kind(ret - 1) : PW_PC_FOREIGN;

	if (kind == PW_PC_FOREIGN) {
		s->foreign = ret;
		if (ret)
			pw_count(PW_STAT_LOST_CODE);
		return -1;
	}
	return pw_push(s, ret) || kind == PW_PC_END ? -1 : 0;
}

__u64 pw_unwind(__u64 pc, __u64 caller, __u64 bp, __u64 g)
{
	struct pw_scratch *s = pw_scratch_get();

	if (!s)
		return PW_STACK_ID_NONE;
	pw_enter_stack(s, g);
	s->hash = PW_HASH_SEED;
	s->window_bytes = 0;
	s->stack.nr = 0;
	s->stack.truncated = 0;
	s->foreign = 0;
	s->is_cut = 0;
	pw_push(s, pc);
	if (caller && pw_push_return(s, caller)) {
		pw_enter_stack(s, 0);
		bp = 0;
	}
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < pw_knobs.depth && i < PW_STACK_MAX; i++) {
		__u64 at, word, ret;

		if (!bp)
			bp = pw_left_stack(s);
		if (bp && pw_leads_out(s, bp)) {
			s->stack.truncated = 1;
			break;
		}
		at = bp - s->window_at;
		s->is_cut = (bp & 7) != 0;
		if (!bp || bp & 7)
			break;
		if (at >= s->window_bytes || at + PW_FRAME_BYTES > s->window_bytes) {
			s->is_cut = pw_window_read(s, bp) != 0;
			if (s->is_cut)
				break;
			at = 0;
		}
		word = at / sizeof(__u64) & (PW_WINDOW_WORDS - 1);
		ret = s->window[word + 1];
		if (pw_push_return(s, ret))
			break;
		bp = s->window[word];
	}
	return s->hash < PW_STACK_ID_MIN ? s->hash + PW_STACK_ID_MIN : s->hash;
}
