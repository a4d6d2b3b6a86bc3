/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/gstack.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"

static bool has_context(const struct gview *v)
{
	return v->pc && v->sp && v->sp % 8 == 0 && v->sp >= v->stack_lo && v->sp < v->stack_hi;
}

static size_t window_len(uint64_t start, uint64_t stack_hi)
{
	return stack_hi - start < GSTACK_WINDOW ? (size_t)(stack_hi - start) : GSTACK_WINDOW;
}

size_t gstack_window(const struct gview *v)
{
	return has_context(v) ? window_len(v->sp, v->stack_hi) : 0;
}

/* Two words at addr; -EFAULT if they are not both inside the stack. */
static int gstack__words(struct gstack *s, uint64_t addr, uint64_t words[2])
{
	struct stack_part *part = &s->part;

	if (addr % 8 || addr < s->v->sp || addr >= s->v->stack_hi || s->v->stack_hi - addr < 16)
		return -EFAULT;
	if (addr < part->start || addr - part->start > part->len ||
	    part->len - (addr - part->start) < 16) {
		size_t len = window_len(addr, s->v->stack_hi);
		int err = addrspace__read(proc__mem(s->p), addr, s->further, len);

		if (err)
			return err;
		s->reread = true;
		*part = (struct stack_part){ addr, len, s->further };
	}
	memcpy(words, part->bytes + (addr - part->start), 16);
	return 0;
}

/* Bytes from sp to the return address at pc; -1: the tables do not tell. */
static int32_t gstack__spdelta(struct gstack *s, uint64_t pc)
{
	size_t slot = (pc >> 2) % ARRAY_SIZE(s->known);

	if (s->known[slot].pc != pc) {
		s->known[slot].pc = pc;
		if (!s->sym || gosym__spdelta(s->sym, pc, &s->known[slot].spdelta))
			s->known[slot].spdelta = -1;
	}
	return s->known[slot].spdelta;
}

/* false: there is no room for it. */
static bool gstack__push(struct gstack *s, uint64_t pc)
{
	if (s->nr == s->depth) {
		s->truncated = 1;
		return false;
	}
	s->pcs[s->nr++] = pc;
	return true;
}

static bool gstack__at_goexit(struct gstack *s, uint64_t pc)
{
	struct goframe frame;

	return gosym__frames(s->sym, pc, false, &frame, 1) > 0 &&
	       !strcmp(frame.func, "runtime.goexit");
}

/*
 * Goes on by the tables of the code alone, from the frame of the last pc, which has sp as its own.
 * C code that Go called and that called Go back has used bp for itself, but runtime.cgocallback
 * keeps the return address into Go's side of the call.
 */
static void gstack__walk_tables(struct gstack *s, uint64_t sp)
{
	uint64_t words[2];

	for (;;) { /* to the end of the stack, or depth */
		uint64_t pc = s->pcs[s->nr - 1];
		int32_t delta = gstack__spdelta(s, pc);

		if (delta < 0) {
			s->truncated = 1;
			return;
		}
		if (gstack__at_goexit(s, pc))
			return;
		if (gstack__words(s, sp + (uint64_t)delta, words) || !words[0]) {
			s->truncated = 1;
			return;
		}
		if (!gstack__push(s, words[0]))
			return;
		sp += (uint64_t)delta + 8;
	}
}

/* low: the frames that are walked lie above it. */
static void gstack__walk_frames(struct gstack *s, uint64_t low)
{
	uint64_t bp = s->v->bp, words[2];

	while (bp) {
		if (bp < low || gstack__words(s, bp, words)) {
			gstack__walk_tables(s, low);
			return;
		}
		if (!words[1] || !gstack__push(s, words[1]))
			return;
		low = bp + 16;
		bp = words[0];
	}
}

size_t gstack__walk(struct gstack *s, const struct gview *v, const uint8_t *window, uint64_t *pcs,
		    size_t depth, uint32_t *ret_truncated)
{
	uint64_t word, low = v->sp;

	s->v = v;
	s->part = (struct stack_part){ v->sp, gstack_window(v), window };
	s->pcs = pcs;
	s->depth = depth;
	s->nr = 0;
	s->truncated = 0;
	s->reread = false;
	if (s->part.len < sizeof(word) || !gstack__push(s, v->pc))
		return 0;
	memcpy(&word, window, sizeof(word));
	if (gstack__spdelta(s, v->pc) == 0 && word) {
		low += 8;
		gstack__push(s, word);
	}
	if (!s->truncated)
		gstack__walk_frames(s, low);
	*ret_truncated = s->truncated;
	return s->nr;
}
