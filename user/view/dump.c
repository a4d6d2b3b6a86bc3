// SPDX-License-Identifier: BSD-2-Clause
#include "view/dump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/heart.h"
#include "golang/gostate.h"
#include "view/calls.h"
#include "names/looks.h"
#include "base/radix.h"
#include "names/traceback.h"

/* names of a stack that may decide what a wait is called */
#define FUNCS_MAX 256

struct name_node { /* what the filters say of a name */
	UT_hash_handle hh;
	const char *name; /* a text of the framer */
	uint64_t hits;
};

/* What is worked out once for all goroutines that share it. */
struct dump_index {
	struct name_node *names;
	size_t *stack_base; /* number of the first stack, by rt */
	struct stack_fact {
		uint64_t func_hits;
		uint32_t runs; /* site of what a wrapper at its root calls */
		uint32_t look;
		uint16_t state; /* of a wait that the stack decides; 0: nobody asked yet */
		bool hits_known, runs_known;
	} * stacks;
	struct looks *looks;            /* NULL: nobody asked */
	uint16_t state_at[GOSTATE_MAX]; /* + 1, where in states */
	struct frame *frames;           /* of dump__frames() */
	size_t frames_cap;
};

static void index__free(struct dump_index *x)
{
	struct name_node *n, *next_n;

	if (!x)
		return;
	HASH_ITER(hh, x->names, n, next_n)
	{
		HASH_DEL(x->names, n);
		free(n);
	}
	looks__free(x->looks);
	free(x->stack_base);
	free(x->stacks);
	free(x->frames);
	free(x);
}

void dump__free(struct dump *d)
{
	if (!d)
		return;
	index__free(d->index);
	calls__free(d->calls);
	sites__free(d->sites);
	labels__free(d->labels);
	if (!d->in.framer)
		framer__free(d->framer);
	free(d->rows);
	free(d);
}

/* --- frames --- */

bool dump__find(const struct dump *d, uint16_t rt, uint64_t goid, uint32_t *ret_row)
{
	size_t lo = 0, hi = d->nr;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (dump__g(d, &d->rows[mid])->who.goid < goid)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < d->nr && dump__g(d, &d->rows[lo])->who.goid == goid && d->rows[lo].rt != rt)
		lo++;
	*ret_row = (uint32_t)lo;
	return lo < d->nr && dump__g(d, &d->rows[lo])->who.goid == goid;
}

size_t dump__stack(const struct dump *d, const struct dump_row *r)
{
	uint32_t stack = dump__g(d, r)->stack;

	return stack == CENSUS_NO_STACK ? DUMP_NO_STACK : d->index->stack_base[r->rt] + stack;
}

const struct census_stack *dump__stack_at(const struct dump *d, size_t stack, uint16_t *ret_rt)
{
	size_t rt = d->in.nr - 1;

	while (d->index->stack_base[rt] > stack)
		rt--;
	*ret_rt = (uint16_t)rt;
	return &d->in.censuses[rt]->stacks[stack - d->index->stack_base[rt]];
}

/* exact: the census has it one higher than where it stands. */
static int push_frame(struct dump_index *x, size_t *nr, const struct frame *f, bool exact)
{
	if (*nr == x->frames_cap) {
		size_t cap = x->frames_cap ? 2 * x->frames_cap : 64;
		struct frame *v = reallocarray(x->frames, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		x->frames = v;
		x->frames_cap = cap;
	}
	x->frames[*nr] = *f;
	x->frames[*nr].name = traceback_name(f->name);
	x->frames[*nr].pc -= exact;
	x->frames[*nr].is_return = !exact;
	++*nr;
	return 0;
}

static bool is_shown(int go_minor, enum dump_detail detail, const struct frame *f,
		     const char *physical, const char *callee, bool first)
{
	switch (detail) {
	case DUMP_TRACEBACK: return traceback_shows(go_minor, f, physical, callee, first);
	case DUMP_FRAMES: return !traceback_elides(f, callee);
	case DUMP_ALL: break;
	}
	return true;
}

int dump__frames(struct dump *d, size_t stack, enum dump_detail detail, const struct frame **ret,
		 size_t *ret_nr)
{
	uint16_t rt;
	const struct census_stack *s = dump__stack_at(d, stack, &rt);
	const uint64_t *pcs = d->in.censuses[rt]->pcs + s->pcs_at;
	const int minor = d->in.namers[rt].go_minor;
	const char *callee = NULL;
	size_t nr = 0;
	int err = 0;

	for (uint32_t i = 0; i < s->nr_pcs && !err; i++) {
		const struct frame *v;
		size_t nr_v = 0;
		bool exact;

		err = framer__at(d->framer, rt, pcs[i], true, &v, &nr_v);
		/* An innermost one right behind the entry never ran: no call ends there. */
		exact = nr_v && (callee ? traceback_is_exact(minor, callee)
					: pcs[i] == v[nr_v - 1].entry + 1);
		for (size_t k = 0; k < nr_v && !err; k++) {
			if (is_shown(minor, detail, &v[k], v[nr_v - 1].name, callee, !nr))
				err = push_frame(d->index, &nr, &v[k], exact);
			callee = v[k].name;
		}
	}
	if (err)
		return err;
	/* As traceback1(): if that is nothing at all, all of it. */
	if (!nr && detail != DUMP_ALL)
		return dump__frames(d, stack, DUMP_ALL, ret, ret_nr);
	*ret = d->index->frames;
	*ret_nr = nr;
	return 0;
}

/* --- what it does --- */

/* A wait decided with its stack, where Go's own reason does not tell. */
static enum gowait refined(struct dump *d, const struct dump_row *r, enum gowait wait)
{
	const char *funcs[FUNCS_MAX];
	const struct frame *v;
	size_t nr = 0, i;

	if (dump__frames(d, dump__stack(d, r), DUMP_FRAMES, &v, &nr))
		return wait;
	for (i = 0; i < nr && i < FUNCS_MAX; i++)
		funcs[i] = v[i].name;
	return gowait_refine(wait, funcs, i);
}

static enum gostate state_of(struct dump *d, const struct dump_row *r, const struct census_g *g)
{
	const enum gostate state = gostate_of(d->in.namers[r->rt].go_minor, g->status, g->reason);
	const size_t stack = dump__stack(d, r);
	struct stack_fact *fact = stack == DUMP_NO_STACK ? NULL : &d->index->stacks[stack];

	if (state != (enum gostate)GOWAIT_SEMACQUIRE || !fact)
		return state;
	if (!fact->state)
		fact->state = (uint16_t)refined(d, r, GOWAIT_SEMACQUIRE);
	return (enum gostate)fact->state;
}

static uint16_t state_index(struct dump *d, enum gostate state)
{
	uint16_t *known = &d->index->state_at[state];

	if (!*known) {
		d->states[d->nr_states] = (uint16_t)state;
		*known = (uint16_t)++d->nr_states;
	}
	return (uint16_t)(*known - 1);
}

const char *dump__word_of(struct dump *d, uint16_t rt, uint32_t g)
{
	const struct dump_row r = { .g = g, .rt = rt };

	return gostate_word(state_of(d, &r, dump__g(d, &r)));
}

const char *dump__status(const struct dump *d, const struct dump_row *r)
{
	const char *name = gostatus_name(d->in.namers[r->rt].go_minor, dump__g(d, r)->status);

	return name ? name : "unknown";
}

const char *dump__reason(const struct dump *d, const struct dump_row *r)
{
	return gostate_wait(dump__state(d, r)) == GOWAIT_NONE ? NULL : dump__word(d, r);
}

uint64_t dump__wait_ns(const struct dump *d, const struct dump_row *r)
{
	const struct census_g *g = dump__g(d, r);
	const uint64_t now = d->in.censuses[r->rt]->taken_ns;

	/* A goroutine that was woken keeps its time until it runs. */
	if (!g->waitsince_ns || (!gostatus_waits(g->status) && g->status != GOSTATUS_SYSCALL))
		return DUMP_UNKNOWN;
	return now > g->waitsince_ns ? now - g->waitsince_ns : 0;
}

const struct label_set *dump__labels(const struct dump *d, const struct dump_row *r)
{
	return labels__get(d->labels, dump__g(d, r)->labels);
}

int dump__label(struct dump *d, const struct labelbook *labels)
{
	struct labels *l;
	int err = labels__new(labels, d->framer, &l);

	if (err)
		return err;
	labels__free(d->labels);
	d->labels = l;
	return 0;
}

/* --- whose --- */

/*
 * As isSystemGoroutine(): those that run finalizers are the runtime's until they call one; that
 * shows in the stack (Go looks at a flag of its own). A start that no table knows, or none (a C
 * thread that calls Go), is not the runtime's.
 */
static bool is_system(struct dump *d, const struct dump_row *r)
{
	const struct site *s = dump__site(d, r->start);
	const size_t stack = dump__stack(d, r);
	const struct frame *v;
	size_t nr = 0;

	if (!s || !s->system)
		return false;
	if (!s->runs_users || stack == DUMP_NO_STACK || dump__frames(d, stack, DUMP_ALL, &v, &nr))
		return true;
	for (size_t i = 0; i < nr; i++)
		if (strncmp(v[i].name, "runtime.", 8) && strchr(v[i].name, '.'))
			return false;
	return true;
}

/*
 * Its outermost frame that is no wrapper; none if all of it was not seen, or the wrapper has called
 * nothing yet.
 */
static uint32_t seen_to_run(struct dump *d, size_t stack)
{
	const struct frame *v;
	uint16_t rt;
	size_t nr = 0;

	if (dump__stack_at(d, stack, &rt)->truncated ||
	    dump__frames(d, stack, DUMP_FRAMES, &v, &nr))
		return SITES_NONE;
	while (nr && !strcmp(v[nr - 1].name, "runtime.goexit"))
		nr--;
	if (!nr || v[nr - 1].wrapper || !strcmp(v[nr - 1].name, "runtime.asyncPreempt"))
		return SITES_NONE;
	return sites__of_frame(d->sites, rt, &v[nr - 1]);
}

/*
 * Of `go f(x)` with an f that is chosen at run time, no table says more than the wrapper's name;
 * the stack does.
 */
static uint32_t start_of(struct dump *d, const struct dump_row *r)
{
	const struct site *s = dump__site(d, r->start);
	const size_t stack = dump__stack(d, r);
	struct stack_fact *fact;

	if (!s || !s->wrapper || stack == DUMP_NO_STACK)
		return r->start;
	fact = &d->index->stacks[stack];
	if (!fact->runs_known)
		fact->runs = seen_to_run(d, stack);
	fact->runs_known = true;
	return fact->runs == SITES_NONE ? r->start : fact->runs;
}

/* --- which, and in which order --- */

static uint64_t name_hits(struct dump *d, const struct filter *filter, const char *name)
{
	struct dump_index *x = d->index;
	struct name_node *n;
	uint64_t hits;

	HASH_FIND_PTR(x->names, &name, n);
	if (n)
		return n->hits;
	hits = filter__hits(filter, FILTER_FUNC, name);
	n = calloc(1, sizeof(*n));
	if (n) {
		unsigned int count = HASH_COUNT(x->names);

		n->name = name;
		n->hits = hits;
		HASH_ADD_PTR(x->names, name, n);
		if (HASH_COUNT(x->names) == count)
			free(n);
	}
	return hits;
}

static uint64_t stack_hits(struct dump *d, const struct filter *filter, size_t stack)
{
	struct stack_fact *fact = stack == DUMP_NO_STACK ? NULL : &d->index->stacks[stack];
	const struct frame *v;
	size_t nr = 0;

	if (!fact)
		return 0;
	if (!fact->hits_known && !dump__frames(d, stack, DUMP_ALL, &v, &nr))
		for (size_t i = 0; i < nr; i++)
			fact->func_hits |= name_hits(d, filter, v[i].name);
	fact->hits_known = true;
	return fact->func_hits;
}

static bool is_in_trace(const struct dump *d, const char *trace, const struct dump_row *r)
{
	const struct grequest_of *of = dump__request(d, r);
	const struct grequests *rs = of ? d->in.requests[r->rt] : NULL;

	return !trace ||
	       (rs && (gtrace_begins_with(&of->trace, trace) ||
		       (of->request && gtrace_begins_with(&rs->v[of->request - 1].trace, trace))));
}

static bool is_wanted(struct dump *d, const struct filter *filter, const struct dump_row *r)
{
	const struct census_g *g = dump__g(d, r);
	const struct site *made = dump__site(d, r->made);

	return !filter ||
	       filter__takes(filter,
			     &(struct filter_subject){
				     .goid = g->who.goid,
				     .status = dump__status(d, r),
				     .reason = dump__reason(d, r),
				     .wait_ns = dump__wait_ns(d, r),
				     .p = g->p,
				     .func_hits = filter__asks(filter, FILTER_FUNC)
							  ? stack_hits(d, filter, dump__stack(d, r))
							  : 0,
				     .created_by_hits = made ? made->hits : 0,
				     .labels = filter__asks(filter, FILTER_LABEL)
						       ? dump__labels(d, r)
						       : NULL,
			     });
}

static bool is_over_deadline(const struct dump *d, const struct dump_row *r)
{
	const uint32_t status = dump__g(d, r)->status;

	return grequest_of__ended(dump__request(d, r)) &&
	       (gostatus_waits(status) || status == GOSTATUS_SYSCALL);
}

static void add_row(struct dump *d, const struct dump_opts *o, uint16_t rt, size_t i)
{
	struct dump_row *r = &d->rows[d->nr];
	const struct census_g *g = &d->in.censuses[rt]->gs[i];

	heart__beat(); /* a watch has probes in meanwhile */
	*r = (struct dump_row){ .g = (uint32_t)i,
				.rt = rt,
				.start = sites__of(d->sites, rt, SITE_START, g->who.startpc,
						   o->filter) };
	r->system = is_system(d, r);
	if (!o->system && r->system)
		return;
	r->start = start_of(d, r);
	d->counts.nr++;
	d->counts.by_status[g->status % DUMP_STATUS_MAX]++;
	/* What starts the runtime made the first one: no go statement. */
	r->made = g->who.goid == 1 ? SITES_NONE
				   : sites__of(d->sites, rt, SITE_MADE, g->who.gopc, o->filter);
	r->state = state_index(d, state_of(d, r, g)) & 0x7fff;
	if (is_in_trace(d, o->trace, r) && is_wanted(d, o->filter, r) &&
	    (!o->over_deadline || is_over_deadline(d, r)))
		d->nr++;
}

int dump__looks(struct dump *d)
{
	int err;

	if (d->index->looks)
		return 0;
	err = looks__new(&d->index->looks);
	for (size_t i = 0; i < d->nr && !err; i++) {
		const size_t stack = dump__stack(d, &d->rows[i]);
		struct stack_fact *fact = stack == DUMP_NO_STACK ? NULL : &d->index->stacks[stack];
		const struct frame *v;
		uint16_t rt;
		size_t nr = 0;

		if (fact && !fact->look)
			err = dump__frames(d, stack, d->full ? DUMP_ALL : DUMP_FRAMES, &v, &nr);
		if (fact && !fact->look && !err)
			err = looks__of(d->index->looks, v, nr,
					dump__stack_at(d, stack, &rt)->truncated, &fact->look);
		if (fact && !err)
			looks__add(d->index->looks, fact->look);
	}
	return err;
}

uint32_t dump__look(const struct dump *d, const struct dump_row *r)
{
	const size_t stack = dump__stack(d, r);

	return stack == DUMP_NO_STACK ? 0 : d->index->stacks[stack].look;
}

static uint64_t sort_key(const struct dump *d, enum dump_sort sort, const struct dump_row *r)
{
	switch (sort) {
	case DUMP_SORT_GOID: return dump__g(d, r)->who.goid;
	case DUMP_SORT_AGE: /* unknown ones last */
		return dump__wait_ns(d, r) == DUMP_UNKNOWN ? UINT64_MAX
							   : UINT64_MAX - 1 - dump__wait_ns(d, r);
	case DUMP_SORT_STACK: /* no stack last */
		return dump__look(d, r) ? (uint64_t)(UINT32_MAX - looks__count(d->index->looks,
									       dump__look(d, r)))
							  << 32 |
						  dump__look(d, r)
					: UINT64_MAX;
	case DUMP_SORT_STATE: return (uint64_t)dump__g(d, r)->status << 16 | r->state;
	}
	return 0;
}

static int sort_by(struct dump *d, enum dump_sort sort, struct radix_item *order,
		   struct dump_row *spare)
{
	int err;

	for (size_t i = 0; i < d->nr; i++)
		order[i] = (struct radix_item){ .key = sort_key(d, sort, &d->rows[i]), .item = i };
	err = radix_sort_items(order, d->nr);
	if (err)
		return err;
	for (size_t i = 0; i < d->nr; i++)
		spare[i] = d->rows[order[i].item];
	memcpy(d->rows, spare, d->nr * sizeof(*spare));
	return 0;
}

static int dump__sort(struct dump *d, enum dump_sort sort)
{
	scoped_mem struct radix_item *order = reallocarray(NULL, d->nr + 1, sizeof(*order));
	scoped_mem struct dump_row *spare = reallocarray(NULL, d->nr + 1, sizeof(*spare));
	int err;

	if (!order || !spare)
		return -ENOMEM;
	err = sort_by(d, DUMP_SORT_GOID, order, spare);
	if (!err && sort == DUMP_SORT_STACK)
		err = dump__looks(d);
	if (!err && sort != DUMP_SORT_GOID)
		err = sort_by(d, sort, order, spare);
	return err;
}

static int dump__init(struct dump *d, const struct dump_input *in, size_t *ret_nr_gs)
{
	struct dump_index *x = d->index = calloc(1, sizeof(*d->index));
	size_t nr_gs = 0;
	int err;

	d->in = *in;
	d->framer = in->framer;
	err = d->framer ? 0 : framer__new(in->namers, in->nr, &d->framer);
	if (!err)
		err = labels__new(in->labels, d->framer, &d->labels);
	if (!err)
		err = sites__new(d->framer, in->namers, &d->sites);
	if (err || !x)
		return -ENOMEM;
	x->stack_base = calloc(in->nr + 1, sizeof(*x->stack_base));
	if (!x->stack_base)
		return -ENOMEM;
	for (size_t rt = 0; rt < in->nr; rt++) {
		const struct census *c = in->censuses[rt];

		x->stack_base[rt] = d->nr_stacks;
		d->nr_stacks += c->nr_stacks;
		nr_gs += c->nr;
		d->counts.unsettled += c->unsettled;
		d->counts.refused += c->refused;
		d->counts.not_read += c->not_read;
		census_dead__add(&d->counts.dead, &c->dead, !rt);
	}
	x->stacks = calloc(d->nr_stacks + 1, sizeof(*x->stacks));
	d->rows = calloc(nr_gs + 1, sizeof(*d->rows));
	*ret_nr_gs = nr_gs;
	return x->stacks && d->rows ? 0 : -ENOMEM;
}

int dump__new(const struct dump_input *in, const struct dump_opts *o, struct dump **ret)
{
	scoped(dump) d = calloc(1, sizeof(*d));
	size_t nr_gs;
	int err;

	if (!d)
		return -ENOMEM;
	err = dump__init(d, in, &nr_gs);
	if (err)
		return err;
	d->full = o->full;
	for (size_t rt = 0; rt < in->nr; rt++)
		for (size_t i = 0; i < in->censuses[rt]->nr; i++)
			add_row(d, o, (uint16_t)rt, i);
	err = dump__sort(d, o->sort);
	if (err)
		return err;
	if (o->top && d->nr > o->top)
		d->nr = o->top;
	*ret = steal(d);
	return 0;
}

const char *dump_wait_kind(enum census_wait_kind kind)
{
	static const char *const names[] = {
		[CENSUS_WAIT_CHAN] = "chan",       [CENSUS_WAIT_MUTEX] = "mutex",
		[CENSUS_WAIT_RWMUTEX] = "rwmutex", [CENSUS_WAIT_WAITGROUP] = "waitgroup",
		[CENSUS_WAIT_COND] = "cond",       [CENSUS_WAIT_SEMAPHORE] = "semaphore",
		[CENSUS_WAIT_TIMER] = "timer",     [CENSUS_WAIT_FD] = "fd",
		[CENSUS_WAIT_CORO] = "coroutine",
	};

	return (size_t)kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}
