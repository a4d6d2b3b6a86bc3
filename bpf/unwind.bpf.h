/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unwind: Go stacks by frame pointers, and stack records.
 *
 * bpf_get_stack() loses the direct caller unless the probe is on `push %rbp`, and on some kernels
 * ends where the stack pointer jumps back. Ours takes the direct caller from its return address and
 * crosses from the system stack to the goroutine's, since Go's systemstack keeps the frame pointer
 * chain (all versions from 1.15). So frames need not ascend; the knob `depth` alone bounds the
 * walk.
 */
#ifndef PARKWATCH_UNWIND_BPF_H
#define PARKWATCH_UNWIND_BPF_H

#include "goregs.bpf.h"
#include "kcompat.bpf.h"

#define PW_HASH_SEED  0xcbf29ce484222325ULL
#define PW_HASH_PRIME 0x9e3779b97f4a7c15ULL

#define PW_PAGE_BYTES  4096
#define PW_FRAME_BYTES 16 /* {caller's frame pointer, return address} */

struct pw_walk {      /* where a walk begins */
	__u64 pc;     /* first frame */
	__u64 caller; /* return address that no frame holds; 0: none */
	__u64 bp;     /* frame pointer: {its caller's, return address} */
};

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
static __always_inline int pw_push(struct pw_stack *st, __u64 pc, __u64 *hash)
{
	__u32 nr = st->nr;

	if (nr >= PW_STACK_MAX || nr >= pw_knobs.depth) {
		st->truncated = 1;
		return -1;
	}
	st->pcs[nr] = pc;
	st->nr = nr + 1;
	*hash = pw_hash(*hash, pc);
	return 0;
}

/* Fills pcs, nr and truncated; returns the stack id. */
static __always_inline __u64 pw_unwind(struct pw_scratch *s, const struct pw_walk *w)
{
	__u64 bp = w->bp, hash = PW_HASH_SEED;

	s->window_bytes = 0;
	s->stack.nr = 0;
	s->stack.truncated = 0;
	pw_push(&s->stack, w->pc, &hash);
	if (w->caller)
		pw_push(&s->stack, w->caller, &hash);
#pragma clang loop unroll(disable)
	for (int i = 0; i < PW_STACK_MAX; i++) {
		__u64 at = bp - s->window_at, word, ret;

		if (!bp || bp & 7)
			break;
		if (at >= s->window_bytes || at + PW_FRAME_BYTES > s->window_bytes) {
			if (pw_window_read(s, bp))
				break;
			at = 0;
		}
		word = at / sizeof(__u64) & (PW_WINDOW_WORDS - 1);
		ret = s->window[word + 1];
		if (!ret || pw_push(&s->stack, ret, &hash))
			break;
		bp = s->window[word];
	}
	return hash < PW_STACK_ID_MIN ? hash + PW_STACK_ID_MIN : hash;
}

/*
 * Walks a stack and sends it if its id was not sent before. Returns the id, or PW_STACK_ID_NONE if
 * there is no buffer: counted as a lost event. An id is remembered only after its record was
 * accepted.
 */
static __always_inline __u64 pw_stack_id(void *ctx, const struct pw_walk *w, __u64 now)
{
	struct pw_scratch *s = pw_scratch_get();
	struct pw_stack *st;
	__u8 one = 1;
	__u64 id, size;

	if (!s) {
		pw_count(PW_STAT_LOST_SCRATCH);
		return PW_STACK_ID_NONE;
	}
	st = &s->stack;
	id = pw_unwind(s, w);
	if (bpf_map_lookup_elem(&pw_seen, &id))
		return id;
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
	bpf_map_update_elem(&pw_seen, &id, &one, BPF_ANY);
	return id;
}

/* Where the stack of the probed function begins. */
static __always_inline void pw_walk_here(struct pt_regs *ctx, const struct pw_site *site,
					 struct pw_walk *ret)
{
	ret->pc = PW_REG(ctx, ip);
	ret->bp = PW_REG(ctx, bp);
	ret->caller = 0;
	if (!(site->flags & PW_SITE_FRAMED))
		bpf_probe_read_user(&ret->caller, sizeof(ret->caller),
				    (const void *)(PW_REG(ctx, sp) + site->ret_off));
}

#endif
