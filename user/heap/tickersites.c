// SPDX-License-Identifier: BSD-2-Clause
#include "heap/tickersites.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "locks/gofn.h"
#include "code/constarg.h"
#include "code/resultslot.h"

#define UNKNOWN 0  /* period: no ticker has it */
#define BEFORE  16 /* bytes of a Timer or Ticker before its runtime.timer, at most */

/*
 * Go 1.15 to 1.27 time/tick.go, sleep.go. arg: which one is the period; -1: none. The last ones are
 * what the first are made of, where the compiler puts those into their callers.
 */
static const struct {
	const char *func;
	int arg;
} calls[] = {
	{ "time.NewTicker", 0 }, { "time.Tick", 0 },        { "time.(*Ticker).Reset", 1 },
	{ "time.newTimer", 1 },  { "time.startTimer", -1 }, { "time.resetTimer", -1 },
	{ "time.modTimer", -1 }, { "time.NewTimer", -1 },   { "time.After", -1 },
};
#define VALUES 3 /* the first of these, which may be used as values */

struct site {
	uint64_t pc, period_ns;
};

struct tickersites {
	const struct addrspace *as; /* borrowed */
	struct gofns *fns;          /* owned */
	struct site makes[TICKERSITES_MAX];
	size_t nr;
	struct site timers[TICKERSITES_MAX]; /* that fire once */
	size_t nr_timers;
	uint64_t resets[TICKERSITES_MAX]; /* periods that tickers may get later */
	size_t nr_resets;
	bool whole; /* everything was looked at, and no ticker can be made otherwise */
};

struct filespace { /* what the file has at an address */
	struct addrspace as;
	const struct goimage *image;
};

struct finder {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct goimage *image;
	struct filespace file;
	struct deadline until;
	struct gofunc funcs[ARRAY_SIZE(calls)]; /* entry 0: the program has none */
	struct tickersites *s;
};

void tickersites__free(struct tickersites *s)
{
	if (!s)
		return;
	gofns__free(s->fns);
	free(s);
}

bool tickersites_is_time(const char *func)
{
	return !strncmp(func, "time.", 5);
}

static int filespace__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	const struct goimage *image = ((const struct filespace *)as)->image;

	for (size_t i = 0; i < image->nr_segs; i++) {
		const struct goseg *g = &image->segs[i];
		ssize_t n;

		if (g->anon || addr < g->start || addr >= g->end || len > g->end - addr)
			continue;
		n = pread(image->fd, buf, len, (off_t)(g->file_off + (addr - g->start)));
		if (n < 0)
			return -EFAULT;
		memset((char *)buf + n, 0, len - (size_t)n); /* the rest of the last page */
		return 0;
	}
	return -EFAULT;
}

/* --- one call --- */

/* What the call there is in the source: a function of package time. NULL: it is that package's own
 * affair. */
static const char *called(const struct finder *f, uint64_t pc, const char *func)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	const int nr = gosym__frames(f->rt->sym, pc, false, frames, ARRAY_SIZE(frames));

	for (int i = 0; i < nr; i++) {
		if (!tickersites_is_time(frames[i].func))
			return func;
		func = frames[i].func;
	}
	return NULL;
}

/* False: there is no call, but the end of one instruction and the beginning of another. */
static bool finder__period(struct finder *f, uint64_t pc, int arg, uint64_t *ret)
{
	struct gofn *fn;
	uint32_t i;

	*ret = UNKNOWN;
	gofns__trim(f->s->fns);
	if (gofns__at(f->s->fns, pc, &fn) || gofns__decode(f->s->fns, fn))
		return true;
	if (gofn__index(fn, pc, &i))
		return fn->uops[fn->nr_uops - 1].addr < pc; /* nobody knows what lies there */
	if (arg < 0 || !constarg_at(isa_of(f->rt->machine), fn->uops, fn->nr_uops, i,
				    (unsigned int)arg, f->rt->regabi, ret))
		*ret = UNKNOWN;
	return true;
}

static void finder__call(struct finder *f, uint64_t pc, size_t k)
{
	struct tickersites *s = f->s;
	const char *func = called(f, pc, calls[k].func);
	struct site site = { .pc = pc };

	if (!func || !finder__period(f, pc, calls[k].arg, &site.period_ns))
		return;
	if (!strcmp(func, "time.NewTicker") || !strcmp(func, "time.Tick")) {
		s->whole &= s->nr < TICKERSITES_MAX;
		if (s->whole)
			s->makes[s->nr++] = site;
	} else if (!strcmp(func, "time.(*Ticker).Reset")) {
		s->whole &= s->nr_resets < TICKERSITES_MAX;
		if (s->whole)
			s->resets[s->nr_resets++] = site.period_ns;
	} else if (!strcmp(func, "time.NewTimer") || !strcmp(func, "time.After")) {
		if (s->nr_timers < TICKERSITES_MAX)
			s->timers[s->nr_timers++] = site;
	}
}

/* --- the whole program --- */

/* How many of these bytes are done; 0: nothing more is there. */
static size_t finder__code(struct finder *f, uint64_t addr, const uint8_t *bytes, size_t len)
{
	const struct isa *isa = isa_of(f->rt->machine);
	struct isa_call call;
	size_t at = 0;

	while (isa->next_call(bytes, len, addr, at, &call)) {
		at = call.at + 1;
		for (size_t k = 0; k < ARRAY_SIZE(calls); k++)
			if (f->funcs[k].entry && f->funcs[k].entry == call.target)
				finder__call(f, addr + call.at, k);
	}
	return len >= isa->call_bytes ? len - (isa->call_bytes - 1u) : 0;
}

/* A word that is the address of such a function: it is used as a value, or by an interface. */
static size_t finder__words(struct finder *f, uint64_t addr, const uint8_t *bytes, size_t len)
{
	struct pagecache *mem;
	const struct pclntab *t = gosym__tables(f->rt->sym, f->funcs[0].entry, &mem);
	const uint64_t functab = t ? (t->nfunc + 1) * pclntab_entry_bytes(t) : 0;

	for (size_t at = 0; at + 8 <= len; at += 8) {
		uint64_t v;

		memcpy(&v, bytes + at, sizeof(v));
		for (size_t k = 0; k < VALUES; k++)
			if (v && v == f->funcs[k].entry && addr + at - t->functab >= functab &&
			    addr + at - t->funcs.addr >= t->funcs.len)
				f->s->whole = false;
	}
	return len & ~(size_t)7;
}

static int finder__stretch(struct finder *f, const struct addrspace *as, uint64_t start,
			   uint64_t end,
			   size_t (*look)(struct finder *, uint64_t, const uint8_t *, size_t))
{
	struct window w;
	int err = end < start || end - start > TICKERSITES_BYTES_MAX
			  ? -E2BIG
			  : window__init(&w, as, start, end);
	size_t done = 1;

	if (err)
		return err;
	for (uint64_t at = start; at < end && !err && done && f->s->whole; at += done) {
		const size_t len = end - at < WINDOW_BYTES ? end - at : WINDOW_BYTES;
		const uint8_t *bytes;

		err = deadline__over(&f->until) ? -ETIMEDOUT : window__at(&w, at, len, &bytes);
		done = err ? 0 : look(f, at, bytes, len);
	}
	window__done(&w);
	return err;
}

/*
 * In the file of a program that is independent of its position there may be no addresses yet.
 */
static int finder__data(struct finder *f)
{
	const struct addrspace *as = f->rt->pie ? f->as : &f->file.as;
	int err = 0;

	for (size_t i = 0; i < f->image->nr_segs && !err; i++) {
		const struct goseg *g = &f->image->segs[i];

		if (!(g->prot & GOSEG_X) && g->prot & GOSEG_R && !g->anon)
			err = finder__stretch(f, as, g->start, g->end, finder__words);
	}
	return err;
}

static int finder__run(struct finder *f)
{
	const struct gomodule *m = &f->rt->modules[0];
	const char *names[ARRAY_SIZE(calls)];
	int err = gofns__new(f->as, f->rt, &f->s->fns);

	for (size_t k = 0; k < ARRAY_SIZE(calls); k++)
		names[k] = calls[k].func;
	if (!err)
		err = gosym__find(f->rt->sym, 0, names, ARRAY_SIZE(names), f->funcs);
	if (!err && !f->funcs[0].entry)
		err = -ENOENT;
	if (!err)
		err = finder__stretch(f, &f->file.as, m->text, m->etext, finder__code);
	if (!err)
		err = finder__data(f);
	return err;
}

int tickersites__new(const struct addrspace *as, const struct goruntime *rt,
		     const struct goimage *image, struct tickersites **ret)
{
	scoped(tickersites) s = calloc(1, sizeof(*s));
	struct finder f = { .as = as,
			    .rt = rt,
			    .image = image,
			    .file = { .as.read = filespace__read, .image = image },
			    .until = deadline_in(TICKERSITES_MOST_NS, NULL),
			    .s = s };
	int err;

	if (!s)
		return -ENOMEM;
	s->as = as;
	/* Modules call each other through tables. */
	s->whole = rt->nr_modules == 1 && rt->sym && isa_of(rt->machine);
	err = s->whole ? finder__run(&f) : 0;
	if (err == -ENOMEM)
		return err;
	s->whole &= !err;
	*ret = steal(s);
	return 0;
}

size_t tickersites__of(const struct tickersites *s, uint64_t period_ns, uint64_t *pcs, size_t max,
		       size_t *ret_say)
{
	bool any = false; /* it may have been given another period */
	size_t nr = 0;

	*ret_say = 0;
	if (!s->whole)
		return 0;
	for (size_t i = 0; i < s->nr_resets; i++)
		any |= s->resets[i] == UNKNOWN || s->resets[i] == period_ns;
	for (int say = 1; say >= 0; say--)
		for (size_t i = 0; i < s->nr; i++) {
			if ((s->makes[i].period_ns == period_ns) != say ||
			    (!say && !any && s->makes[i].period_ns != UNKNOWN))
				continue;
			if (nr < max)
				pcs[nr] = s->makes[i].pc;
			*ret_say += (size_t)say;
			nr++;
		}
	return nr;
}

/* Whether fn, whose frame begins at sp, has there what the call gave it. */
static bool keeps(const struct tickersites *s, struct gofn *fn, uint64_t call, uint64_t sp,
		  uint64_t chan, uint64_t timer)
{
	const struct goruntime *rt = gofns__runtime(s->fns);
	uint64_t slots[RESULTSLOT_MAX], v;
	uint32_t i;
	size_t nr;

	if (gofns__decode(s->fns, fn) || gofn__index(fn, call, &i))
		return false;
	nr = resultslots(isa_of(rt->machine), fn->uops, fn->nr_uops, i, rt->regabi, slots);
	for (size_t k = 0; k < nr; k++)
		if (!addrspace__read(s->as, sp + slots[k], &v, sizeof(v)) &&
		    (v == chan || (v && timer - v <= BEFORE)))
			return true;
	return false;
}

uint64_t tickersites__in_frame(const struct tickersites *s, uint64_t pc, uint64_t sp, uint64_t chan,
			       uint64_t timer)
{
	uint64_t found = 0;
	struct gofn *fn;

	if (!s->fns || gofns__at(s->fns, pc, &fn))
		return 0;
	for (size_t i = 0; i < s->nr + s->nr_timers; i++) {
		const uint64_t call = i < s->nr ? s->makes[i].pc : s->timers[i - s->nr].pc;

		if (call - fn->entry >= fn->end - fn->entry || !keeps(s, fn, call, sp, chan, timer))
			continue;
		if (found)
			return 0;
		found = call;
	}
	return found;
}
