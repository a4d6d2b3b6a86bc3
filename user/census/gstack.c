/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/gstack.h"

#include <errno.h>
#include <string.h>

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
static int gstack__word(struct gstack *s, uint64_t addr, uint64_t *ret)
{
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

/* To the caller of a frame: that it has one, and where it stands. */
static int gstack__up(struct gstack *s, const struct pcfact *fact, uint64_t *pc, uint64_t *sp)
{
	if (gstack__word(s, *sp + (uint64_t)fact->spdelta, pc) || !*pc)
		return -ENOENT;
	*sp += (uint64_t)fact->spdelta + 8;
	return 0;
}

/*
 * The same with a link register (Go runtime/traceback.go (*unwinder).resolveInternal, next). *link:
 * what it holds, 0 if it is not known. What a signal put on a function has saved that function's link
 * register in 16 bytes of its own, and has its pc as return address.
 */
static int gstack__up_by_link(struct gstack *s, const struct pcfact *fact, uint64_t *pc,
			      uint64_t *sp, uint64_t *link)
{
	const bool by_signal = fact->by_signal;
	const uint64_t delta = (uint64_t)fact->spdelta;

	if ((delta || !*link) && gstack__word(s, *sp, link))
		return -ENOENT;
	*pc = *link;
	*sp += delta;
	*link = 0;
	if (!*pc || !by_signal)
		return *pc ? 0 : -ENOENT;
	if (gstack__word(s, *sp, link))
		return -ENOENT;
	*sp += 16;
	if (pcfacts__get(s->facts, *pc)->spdelta)
		*link = 0;
	return 0;
}

size_t gstack__walk(struct gstack *s, const struct gview *v, const uint8_t *window, uint64_t *pcs,
		    size_t depth, bool *ret_truncated, struct gspot *ret_spot)
{
	uint64_t pc = 0, sp = 0, link = v->syscallsp ? 0 : v->lr;
	bool exact = false;
	size_t nr = 0;

	gspot__clear(ret_spot);
	*ret_truncated = true;
	gview__context(v, &pc, &sp);
	s->start = sp;
	s->stack_hi = v->stack_hi;
	s->window = window;
	s->window_len = window_len(sp, v->stack_hi);
	s->further_len = 0;
	while (nr < depth) { /* each round goes up the stack */
		const struct pcfact *fact = pcfacts__get(s->facts, pc);

		pcs[nr++] = exact || fact->is_entry ? pc + 1 : pc;
		if (fact->role == PC_GOEXIT) {
			*ret_truncated = false;
			break;
		}
		if (fact->spdelta < 0)
			break;
		gstack__note(s, fact, sp, sp + (uint64_t)fact->spdelta + 8, ret_spot);
		exact = fact->role == PC_INJECTED;
		if (s->link ? gstack__up_by_link(s, fact, &pc, &sp, &link)
			    : gstack__up(s, fact, &pc, &sp))
			break;
	}
	return nr;
}
