/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/grefs.h"

#include <errno.h>
#include <string.h>

#include "base/order.h"
#include "base/radix.h"
#include "census/allgs.h"
#include "census/readv_batch.h"
#include "census/gview.h"
#include "golang/gostate.h"

#define BATCH    256u
#define READ_MAX 4096u /* bytes of a stack that are read together with others */

/* Some goroutines that are looked at together. */
struct batch {
	struct readv_batch *gs, *stacks;
	size_t g_bytes;
	struct {
		uint64_t addr, sp;
		struct gview v;
		const uint8_t *g;
		int piece, stack; /* numbers in the batches, < 0: none */
		size_t len;       /* of the stack's piece */
	} slot[BATCH];
};

static void batch__free(struct batch *b)
{
	if (!b)
		return;
	readv_batch__free(b->gs);
	readv_batch__free(b->stacks);
	free(b);
}
DEFINE_SCOPED(batch)

static int batch__new(const struct grefs *r, struct batch **ret)
{
	scoped(batch) b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->g_bytes = glive_g_bytes(r->rt);
	if (!b->g_bytes)
		return -EBADMSG;
	err = readv_batch__new(r->as, &b->gs);
	if (!err)
		err = readv_batch__new(r->as, &b->stacks);
	if (err)
		return err;
	*ret = steal(b);
	return 0;
}

void grefs__free(struct grefs *r)
{
	if (!r)
		return;
	glive_words__done(&r->words);
	glive__free(r->live);
	free(r->first);
	free(r->moved);
	free(r->elsewhere);
	free(r->prints);
	free(r->by_addr);
	free(r->gs);
	free(r);
}

/* --- a batch --- */

/* slot[0 .. nr - 1].addr are set. */
static int batch__views(struct batch *b, const struct grefs *r, size_t nr)
{
	int err = 0;

	readv_batch__clear(b->gs);
	for (size_t i = 0; i < nr && err >= 0; i++)
		err = b->slot[i].piece = readv_batch__want(b->gs, b->slot[i].addr, b->g_bytes);
	if (err >= 0)
		err = readv_batch__read(b->gs);
	for (size_t i = 0; i < nr && !err; i++) {
		b->slot[i].v = (struct gview){ .status = GOSTATUS_DEAD };
		b->slot[i].g = readv_batch__piece(b->gs, (size_t)b->slot[i].piece);
		b->slot[i].stack = -1;
		if (b->slot[i].g)
			gview__take(&b->slot[i].v, r->rt, b->slot[i].addr, b->slot[i].g);
	}
	return err;
}

static bool wants_stack(const struct gview *v, uint64_t *ret_sp, size_t *ret_len)
{
	uint64_t pc;

	if (!gview__is_live(v) || !gview__context(v, &pc, ret_sp))
		return false;
	*ret_len = v->stack_hi - *ret_sp < READ_MAX ? (size_t)(v->stack_hi - *ret_sp) : READ_MAX;
	return true;
}

/* Of those that skip does not name. */
static int batch__stacks(struct batch *b, size_t nr, const bool *skip)
{
	int err = 0;

	readv_batch__clear(b->stacks);
	for (size_t i = 0; i < nr && err >= 0; i++) {
		if ((skip && skip[i]) ||
		    !wants_stack(&b->slot[i].v, &b->slot[i].sp, &b->slot[i].len))
			continue;
		err = b->slot[i].stack =
			readv_batch__want(b->stacks, b->slot[i].sp, b->slot[i].len);
	}
	return err < 0 ? err : readv_batch__read(b->stacks);
}

static int batch__words(struct batch *b, struct grefs *r, size_t i, struct glive_words *out)
{
	const uint8_t *stack = b->slot[i].stack < 0
				       ? NULL
				       : readv_batch__piece(b->stacks, (size_t)b->slot[i].stack);
	int err = glive__add(r->live, &b->slot[i].v, b->slot[i].g, stack,
			     stack ? b->slot[i].len : 0, out);

	if (err == -EFAULT) {
		r->unread++;
		return 0;
	}
	return err;
}

/* --- what one is like --- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * 0x9e3779b97f4a7c15ull ^ h >> 29;
}

/* words[from ..]: what it refers to, where nothing else tells that it ran. */
static uint64_t print_of(const struct grefs *r, const struct gview *v, const struct glive_words *w,
			 size_t from)
{
	uint64_t h = mix(mix(mix(v->who.goid, v->status), v->sp), v->pc);

	h = mix(mix(mix(h, v->syscallsp), v->syscallpc), v->stack_lo);
	h = mix(mix(mix(h, v->stack_hi), v->reason), v->stops);
	if (r->rt->objects.g_trackingseq == PW_NO_FIELD)
		for (size_t i = from; i < w->nr; i++)
			h = mix(h, w->values[i]);
	return h;
}

static bool is_where_it_was(const struct census_g *g, const struct gview *v)
{
	uint64_t pc, sp = 0;

	return v->who.goid == g->who.goid && v->status == g->status &&
	       gview__context(v, &pc, &sp) && sp == g->sp && v->reason == g->reason;
}

static bool is_as_in_census(const struct census_g *g, const struct gview *v)
{
	return is_where_it_was(g, v) && v->stops == g->stops;
}

/* --- the first time --- */

static int grefs__batch(struct grefs *r, struct batch *b, size_t at, size_t nr)
{
	int err;

	for (size_t i = 0; i < nr; i++)
		b->slot[i].addr = r->c->gs[at + i].addr;
	err = batch__views(b, r, nr);
	if (!err)
		err = batch__stacks(b, nr, NULL);
	for (size_t i = 0; i < nr && !err; i++) {
		const struct gview *v = &b->slot[i].v;
		size_t from = r->words.nr;

		r->first[at + i] = (uint32_t)from;
		r->moved[at + i] = !is_as_in_census(&r->c->gs[at + i], v);
		r->elsewhere[at + i] = !is_where_it_was(&r->c->gs[at + i], v);
		if (gview__is_live(v))
			err = batch__words(b, r, i, &r->words);
		r->prints[at + i] = print_of(r, v, &r->words, from);
	}
	return err;
}

static int grefs__init(struct grefs *r, uint64_t lo, uint64_t hi)
{
	struct allgs all = { NULL, 0, 0 };
	size_t nr = r->c->nr;
	int err;

	r->words.max = GREFS_WORDS_MAX;
	r->first = calloc(nr + 1, sizeof(*r->first));
	r->moved = calloc(nr + 1, sizeof(*r->moved));
	r->elsewhere = calloc(nr + 1, sizeof(*r->elsewhere));
	r->prints = calloc(nr + 1, sizeof(*r->prints));
	if (!r->first || !r->moved || !r->elsewhere || !r->prints)
		return -ENOMEM;
	err = glive__new(r->as, r->rt, lo, hi, &r->live);
	if (!err)
		err = allgs__read(r->as, r->rt, &all);
	if (err)
		return err;
	r->gs = all.addrs;
	r->nr_gs = all.nr;
	return radix_sort(r->gs, r->nr_gs, 1);
}

int grefs__read(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		uint64_t lo, uint64_t hi, struct grefs **ret)
{
	scoped(grefs) r = calloc(1, sizeof(*r));
	scoped(batch) b = NULL;
	int err;

	if (!r)
		return -ENOMEM;
	r->as = as;
	r->rt = rt;
	r->c = c;
	err = grefs__init(r, lo, hi);
	if (!err)
		err = batch__new(r, &b);
	for (size_t at = 0; at < c->nr && !err; at += BATCH)
		err = grefs__batch(r, b, at, c->nr - at < BATCH ? c->nr - at : BATCH);
	if (err)
		return err;
	r->first[c->nr] = (uint32_t)r->words.nr;
	*ret = steal(r);
	return 0;
}

bool grefs__is_g(const struct grefs *r, uint64_t addr)
{
	return r->nr_gs && bsearch(&addr, r->gs, r->nr_gs, sizeof(*r->gs), order_u64);
}

bool grefs__are_gs(const struct grefs *r, uint64_t first, uint64_t step, size_t nr)
{
	const uint64_t *g =
		r->nr_gs ? bsearch(&first, r->gs, r->nr_gs, sizeof(*r->gs), order_u64) : NULL;

	if (!g || nr > r->nr_gs - (size_t)(g - r->gs))
		return false;
	for (size_t i = 0; i < nr; i++)
		if (g[i] != first + i * step)
			return false;
	return nr;
}

/* --- the second time --- */

static int grefs__order(struct grefs *r)
{
	r->by_addr = reallocarray(NULL, r->c->nr + 1, 2 * sizeof(*r->by_addr));
	if (!r->by_addr)
		return -ENOMEM;
	for (size_t i = 0; i < r->c->nr; i++) {
		r->by_addr[2 * i] = r->c->gs[i].addr;
		r->by_addr[2 * i + 1] = i;
	}
	return radix_sort(r->by_addr, r->c->nr, 2);
}

/* CENSUS_G_MAX: of none. They are asked for in the order of the census, as a rule. */
static int grefs__number(struct grefs *r, uint64_t addr, uint32_t *ret)
{
	const uint64_t *found;
	int err = 0;

	if (r->next >= r->c->nr || r->c->gs[r->next].addr != addr) {
		if (!r->by_addr)
			err = grefs__order(r);
		if (err)
			return err;
		found = r->c->nr ? bsearch(&addr, r->by_addr, r->c->nr, 2 * sizeof(*found),
					   order_u64)
				 : NULL;
		*ret = found ? (uint32_t)found[1] : CENSUS_G_MAX;
		r->next = found ? found[1] + 1 : r->next;
		return 0;
	}
	*ret = (uint32_t)r->next++;
	return 0;
}

/* From Go 1.17 on what it was like says all; before, its stack must be read to know. */
static bool grefs__stands(const struct grefs *r, const struct gview *v, uint32_t number,
			  const struct glive_words *w)
{
	return number != CENSUS_G_MAX && !r->moved[number] && v->status != GOSTATUS_RUNNING &&
	       print_of(r, v, w, 0) == r->prints[number];
}

static int grefs__batch_again(struct grefs *r, struct batch *b, size_t nr, grefs_ran ran, void *ctx)
{
	static const struct glive_words none;
	bool counts = r->rt->objects.g_trackingseq != PW_NO_FIELD, skip[BATCH];
	struct glive_words w = { .max = GREFS_WORDS_MAX };
	uint32_t numbers[BATCH];
	int err = batch__views(b, r, nr);

	for (size_t i = 0; i < nr && !err; i++) {
		const struct gview *v = &b->slot[i].v;

		skip[i] = !gview__is_live(v);
		if (skip[i])
			continue;
		err = grefs__number(r, b->slot[i].addr, &numbers[i]);
		skip[i] = !err && counts && grefs__stands(r, v, numbers[i], &none);
	}
	if (!err)
		err = batch__stacks(b, nr, skip);
	for (size_t i = 0; i < nr && !err; i++) {
		const struct gview *v = &b->slot[i].v;

		if (skip[i])
			continue;
		w.nr = 0;
		err = batch__words(b, r, i, &w);
		if (!err && (counts || !grefs__stands(r, v, numbers[i], &w)))
			err = ran(ctx, numbers[i], v->who.goid, &w);
	}
	r->words.lost += w.lost;
	glive_words__done(&w);
	return err;
}

int grefs__again(struct grefs *r, grefs_ran ran, void *ctx)
{
	struct allgs all = { NULL, 0, 0 };
	scoped(batch) b = NULL;
	int err = batch__new(r, &b);

	r->next = 0;
	if (!err)
		err = allgs__read(r->as, r->rt, &all);
	for (size_t at = 0; at < all.nr && !err; at += BATCH) {
		size_t nr = all.nr - at < BATCH ? all.nr - at : BATCH;

		for (size_t i = 0; i < nr; i++)
			b->slot[i].addr = all.addrs[at + i];
		err = grefs__batch_again(r, b, nr, ran, ctx);
	}
	allgs__done(&all);
	return err;
}
