/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/gstack.h"

#include <errno.h>
#include <string.h>

#include "census/climb.h"

/* The words are left as they are: nr_words says how many count. */
void gspot__clear(struct gspot *s)
{
	s->role = PC_PLAIN;
	s->lock = PC_LOCK_NONE;
	s->writers = false;
	s->nr_words = 0;
}

static size_t window_len(uint64_t sp, uint64_t stack_hi)
{
	return stack_hi - sp < GSTACK_WINDOW ? (size_t)(stack_hi - sp) : GSTACK_WINDOW;
}

size_t gstack_window(const struct gview *v, uint64_t *ret_sp)
{
	uint64_t pc;

	return gview__context(v, &pc, ret_sp) ? window_len(*ret_sp, v->stack_hi) : 0;
}

/* Word at addr of the stack; -EFAULT if it is outside. */
static int gstack__word(void *walker, uint64_t addr, uint64_t *ret)
{
	struct gstack *s = walker;
	int err;

	if (addr % 8 || addr < s->start || addr >= s->stack_hi || s->stack_hi - addr < 8)
		return -EFAULT;
	if (addr - s->start + 8 <= s->window_len) {
		memcpy(ret, s->window + (addr - s->start), 8);
		return 0;
	}
	if (addr < s->further_at || addr - s->further_at + 8 > s->further_len) {
		size_t len = s->stack_hi - addr < sizeof(s->further) ? (size_t)(s->stack_hi - addr)
								     : sizeof(s->further);

		err = addrspace__read(s->as, addr, s->further, len);
		s->further_at = addr;
		s->further_len = err ? 0 : len;
		if (err)
			return err;
	}
	memcpy(ret, s->further + (addr - s->further_at), 8);
	return 0;
}

/* What a frame says of the wait. cfa: where its arguments begin, or the home of those that came in
 * registers. */
static void gstack__note(struct gstack *s, const struct pcfact *fact, uint64_t sp, uint64_t cfa,
			 struct gspot *spot)
{
	if (spot->lock == PC_LOCK_NONE)
		spot->lock = fact->lock;
	spot->writers |= fact->writer && spot->lock == PC_LOCK_MUTEX;
	if (fact->role < PC_SEMACQUIRE || spot->role != PC_PLAIN)
		return;
	spot->role = fact->role;
	spot->pc = fact->pc;
	for (; sp <= cfa && spot->nr_words < GSTACK_WORDS; sp += 8, spot->nr_words++)
		if (gstack__word(s, sp, &spot->words[spot->nr_words]))
			return;
}

size_t gstack__walk(struct gstack *s, const struct gview *v, const uint8_t *window, uint64_t *pcs,
		    size_t depth, bool *ret_truncated, struct gspot *ret_spot)
{
	struct climb at;
	bool exact = false;
	size_t nr = 0;

	gspot__clear(ret_spot);
	*ret_truncated = true;
	(void)climb__begin(&at, v, s->link);
	s->start = at.sp;
	s->stack_hi = v->stack_hi;
	s->window = window;
	s->window_len = window_len(at.sp, v->stack_hi);
	s->further_len = 0;
	while (nr < depth) { /* each round goes up the stack */
		const struct pcfact *fact = pcfacts__get(s->facts, at.pc);

		pcs[nr++] = exact || fact->is_entry ? at.pc + 1 : at.pc;
		if (fact->role == PC_GOEXIT) {
			*ret_truncated = false;
			break;
		}
		if (fact->spdelta < 0)
			break;
		gstack__note(s, fact, at.sp, at.sp + (uint64_t)fact->spdelta + 8, ret_spot);
		exact = fact->role == PC_INJECTED;
		if (climb__up(&at, s->facts, fact, gstack__word, s))
			break;
	}
	return nr;
}
