/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/waitgraph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX
/*
 * Offset in an RWMutex of the semaphore of its mutex: writers that other writers keep out wait
 * there.
 */
#define RW_OWN_SEMA 4

/* A goroutine's wait for a mutex or RWMutex. */
struct lock_wait {
	uint64_t lock;
	uint32_t g, wait;
	uint8_t kind; /* enum stand */
};

enum stand {
	STAND_MUTEX,  /* for a mutex */
	STAND_READ,   /* to read */
	STAND_BEHIND, /* to write, behind another writer */
	STAND_WRITE,  /* to write, it is the next: for the readers to leave */
	STAND_GROUP,  /* for a WaitGroup */
};

struct builder {
	const struct census *c;
	const struct glocks *ls;
	const struct gholds *hs;
	struct waitgraph *w;
	struct lock_wait *waits; /* by lock, then g; owned */
	size_t nr_waits, edges_room, steps_room;
	uint32_t *first; /* of each g in the edges, one more at the end; owned */
	uint8_t *mark;   /* of each g; owned */
	uint32_t *came;  /* of each g: index of the edge by which a search came; owned */
	uint32_t *queue; /* of gs; owned */
	size_t reached;  /* gs in the queue after a search */
	size_t looked;
	uint32_t *into_first; /* of each g in `into`, one more at the end; owned */
	uint32_t *into;       /* the edges the other way round: who waits for it; owned */
};

enum { IN_RING = 1, DROPPED = 2 };

static int push_edge(struct wait_edge **v, size_t *nr, size_t *room, struct wait_edge e)
{
	if (*nr == *room) {
		size_t more_room = *room ? *room * 2 : 256;
		struct wait_edge *more = reallocarray(*v, more_room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		*v = more;
		*room = more_room;
	}
	(*v)[(*nr)++] = e;
	return 0;
}

/* --- the waits --- */

static int compare_waits(const void *a, const void *b)
{
	const struct lock_wait *x = a, *y = b;

	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	return x->g < y->g ? -1 : x->g > y->g;
}

/* A wait as a mutex for what others know as an RWMutex is that of a writer behind another. */
static enum stand stand_of(const struct census_wait *w, const struct glock *l)
{
	if (l->kind == CENSUS_WAIT_WAITGROUP)
		return STAND_GROUP;
	if (l->kind == CENSUS_WAIT_MUTEX)
		return STAND_MUTEX;
	if (w->kind == CENSUS_WAIT_MUTEX || w->via == w->addr + RW_OWN_SEMA)
		return STAND_BEHIND;
	return w->direction == CENSUS_DIR_READ ? STAND_READ : STAND_WRITE;
}

static int builder__collect(struct builder *b)
{
	const struct census *c = b->c;
	size_t nr = 0;

	b->waits = calloc(c->nr + 1, sizeof(*b->waits));
	if (!b->waits)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr; i++) {
		const struct census_wait *w = &c->waits[c->gs[i].waits_at];
		const struct glock *l;

		if (c->gs[i].nr_waits != 1 ||
		    (w->kind != CENSUS_WAIT_MUTEX && w->kind != CENSUS_WAIT_RWMUTEX &&
		     w->kind != CENSUS_WAIT_WAITGROUP))
			continue;
		l = glocks__get(b->ls, w->addr);
		if (!l || !l->settled) {
			b->w->unclear += w->kind != CENSUS_WAIT_WAITGROUP;
			continue;
		}
		b->waits[nr++] = (struct lock_wait){ .lock = w->addr,
						     .g = (uint32_t)i,
						     .wait = c->gs[i].waits_at,
						     .kind = (uint8_t)stand_of(w, l) };
	}
	qsort(b->waits, nr, sizeof(*b->waits), compare_waits);
	b->nr_waits = nr;
	return 0;
}

/* --- the edges of one lock --- */

/* Who alone has it, or is the next to write, and so keeps the others out. */
struct owner {
	uint32_t g;    /* NOBODY: not certain */
	uint32_t hold; /* index into gholds.v */
};

static struct owner owner_of(const struct builder *b, const struct ghold *holds, size_t nr_holds,
			     const struct lock_wait *waits, size_t nr_waits, bool rw)
{
	struct owner o = { NOBODY, WAITGRAPH_NO_HOLD };

	for (size_t i = 0; i < nr_holds; i++) {
		if ((holds[i].kind == GHOLD_READ) || (holds[i].kind == GHOLD_WRITE) != rw)
			continue;
		if (o.g != NOBODY && o.g != holds[i].g)
			return (struct owner){ NOBODY, WAITGRAPH_NO_HOLD };
		if (o.g == NOBODY)
			o = (struct owner){ holds[i].g, (uint32_t)(&holds[i] - b->hs->v) };
	}
	for (size_t i = 0; rw && i < nr_waits; i++) {
		if (waits[i].kind != STAND_WRITE)
			continue;
		if (o.g != NOBODY)
			return (struct owner){ NOBODY, WAITGRAPH_NO_HOLD };
		o.g = waits[i].g;
	}
	return o;
}

/*
 * Readers that a writer waits for, or who will call Done of a WaitGroup: all that are known, unless
 * there are more than the lock itself counts.
 */
static int builder__several(struct builder *b, const struct glock *l, const struct lock_wait *w,
			    const struct ghold *holds, size_t nr_holds)
{
	const bool group = w->kind == STAND_GROUP;
	const uint8_t kind = group ? GHOLD_GROUP : GHOLD_READ;
	uint32_t last = NOBODY;
	int64_t nr = 0;
	int err;

	for (size_t i = 0; i < nr_holds; i++)
		nr += holds[i].kind == kind;
	if (!nr || nr > (group ? l->counter : l->departing)) {
		b->w->unclear += !group;
		return 0;
	}
	for (size_t i = 0; i < nr_holds; i++) {
		if (holds[i].kind != kind || holds[i].g == last)
			continue;
		last = holds[i].g;
		err = push_edge(&b->w->edges, &b->w->nr_edges, &b->edges_room,
				(struct wait_edge){ .g = w->g,
						    .to = last,
						    .wait = w->wait,
						    .hold = (uint32_t)(&holds[i] - b->hs->v) });
		if (err)
			return err;
	}
	return 0;
}

static int builder__lock(struct builder *b, const struct lock_wait *waits, size_t nr)
{
	const struct glock *l = glocks__get(b->ls, waits[0].lock);
	bool rw = l->kind == CENSUS_WAIT_RWMUTEX;
	struct owner owner;
	const struct ghold *holds;
	size_t nr_holds;
	int err = 0;

	holds = gholds__of(b->hs, l->addr, &nr_holds);
	owner = owner_of(b, holds, nr_holds, waits, nr, rw);
	if (!l->locked ||
	    (rw && !l->writer)) /* nobody has it, or only readers: nobody is kept out for long */
		owner.g = NOBODY;
	for (size_t i = 0; i < nr && !err; i++) {
		if (waits[i].kind == STAND_WRITE || waits[i].kind == STAND_GROUP)
			err = builder__several(b, l, &waits[i], holds, nr_holds);
		else if (owner.g == NOBODY)
			b->w->unclear++;
		else
			err = push_edge(&b->w->edges, &b->w->nr_edges, &b->edges_room,
					(struct wait_edge){ .g = waits[i].g,
							    .to = owner.g,
							    .wait = waits[i].wait,
							    .hold = owner.hold });
	}
	return err;
}

static int compare_edges(const void *a, const void *b)
{
	const struct wait_edge *x = a, *y = b;

	if (x->g != y->g)
		return x->g < y->g ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static int builder__edges(struct builder *b)
{
	int err = 0;

	for (size_t i = 0, end; i < b->nr_waits && !err; i = end) {
		for (end = i + 1; end < b->nr_waits && b->waits[end].lock == b->waits[i].lock;)
			end++;
		err = builder__lock(b, &b->waits[i], end - i);
	}
	return err;
}

static int builder__index(struct builder *b)
{
	struct waitgraph *w = b->w;

	if (w->nr_edges)
		qsort(w->edges, w->nr_edges, sizeof(*w->edges), compare_edges);
	b->first = calloc(b->c->nr + 2, sizeof(*b->first));
	if (!b->first)
		return -ENOMEM;
	for (size_t i = 0; i < w->nr_edges; i++)
		b->first[w->edges[i].g + 1]++;
	for (size_t i = 0; i < b->c->nr; i++)
		b->first[i + 1] += b->first[i];
	return 0;
}

/* --- cycles --- */

/*
 * The shortest way from `start` back to it, breadth first; *ret_edge: the edge that closes it,
 * NOBODY: there is none.
 */
static void builder__search(struct builder *b, uint32_t start, uint32_t *ret_edge)
{
	size_t head = 0, tail = 0;

	*ret_edge = NOBODY;
	b->queue[tail++] = start;
	while (head < tail && *ret_edge == NOBODY) {
		uint32_t g = b->queue[head++];

		for (uint32_t e = b->first[g]; e < b->first[g + 1]; e++) {
			uint32_t to = b->w->edges[e].to;

			if (b->looked++ == WAITGRAPH_STEPS_MAX) {
				b->w->cut = true;
				head = tail;
				break;
			}
			if (to == start) {
				*ret_edge = e;
				break;
			}
			if (b->came[to] == NOBODY && !(b->mark[to] & DROPPED)) {
				b->came[to] = e;
				b->queue[tail++] = to;
			}
		}
	}
	b->reached = tail;
}

/* Writes down the cycle that ends with the edge `last`, in the order of waiting. */
static int builder__keep_cycle(struct builder *b, uint32_t start, uint32_t last)
{
	struct waitgraph *w = b->w;
	size_t at = w->nr_steps, nr;
	uint32_t e = last;

	for (;;) {
		int err = push_edge(&w->steps, &w->nr_steps, &b->steps_room, w->edges[e]);

		if (err)
			return err;
		b->mark[w->edges[e].g] |= IN_RING;
		if (w->edges[e].g == start)
			break;
		e = b->came[w->edges[e].g];
	}
	nr = w->nr_steps - at;
	for (size_t i = 0; i < nr / 2; i++) {
		struct wait_edge t = w->steps[at + i];

		w->steps[at + i] = w->steps[at + nr - 1 - i];
		w->steps[at + nr - 1 - i] = t;
	}
	w->cycles[w->nr_cycles++] =
		(struct wait_cycle){ .edges_at = (uint32_t)at, .nr = (uint32_t)nr };
	return 0;
}

/*
 * Takes away, again and again, whoever waits for nobody that is left: what stays can go round for
 * ever.
 */
static int builder__drop(struct builder *b)
{
	scoped_mem uint32_t *left = calloc(b->c->nr + 1, sizeof(*left));
	size_t head = 0, tail = 0;

	if (!left)
		return -ENOMEM;
	for (uint32_t g = 0; g < b->c->nr; g++) {
		left[g] = b->first[g + 1] - b->first[g];
		if (!left[g]) {
			b->mark[g] |= DROPPED;
			b->queue[tail++] = g;
		}
	}
	while (head < tail) {
		uint32_t g = b->queue[head++];

		for (uint32_t i = b->into_first[g]; i < b->into_first[g + 1]; i++)
			if (!--left[b->into[i]]) {
				b->mark[b->into[i]] |= DROPPED;
				b->queue[tail++] = b->into[i];
			}
	}
	return 0;
}

/* Goroutines that wait for one of the cycle and are in none themselves. */
static uint32_t builder__behind(struct builder *b, const struct wait_cycle *r)
{
	size_t head = 0, tail = 0;

	for (uint32_t i = 0; i < r->nr; i++)
		b->queue[tail++] = b->w->steps[r->edges_at + i].g;
	while (head < tail) {
		uint32_t g = b->queue[head++];

		for (uint32_t i = b->into_first[g]; i < b->into_first[g + 1]; i++) {
			uint32_t from = b->into[i];

			if ((b->mark[from] & IN_RING) || b->came[from] != NOBODY)
				continue;
			if (b->looked++ >= WAITGRAPH_STEPS_MAX) {
				b->w->cut = true;
				break;
			}
			b->came[from] = g;
			b->queue[tail++] = from;
		}
	}
	for (size_t i = 0; i < tail; i++)
		b->came[b->queue[i]] = NOBODY;
	return (uint32_t)(tail - r->nr);
}

/* The edges the other way round. */
static int builder__turn(struct builder *b)
{
	const struct waitgraph *w = b->w;
	uint32_t *first = b->into_first = calloc(b->c->nr + 2, sizeof(*first));
	uint32_t *into = b->into = calloc(w->nr_edges + 1, sizeof(*into));

	if (!first || !into)
		return -ENOMEM;
	for (size_t i = 0; i < w->nr_edges; i++)
		first[w->edges[i].to + 2]++;
	for (size_t i = 1; i <= b->c->nr; i++)
		first[i + 1] += first[i];
	for (size_t i = 0; i < w->nr_edges; i++) /* first[to + 1] becomes the end of `to` */
		into[first[w->edges[i].to + 1]++] = w->edges[i].g;
	return 0;
}

/* A goroutine that may be in a cycle. */
struct start {
	uint64_t goid;
	uint32_t g;
};

static int compare_starts(const void *a, const void *b)
{
	const struct start *x = a, *y = b;

	if (x->goid != y->goid)
		return x->goid < y->goid ? -1 : 1;
	return x->g < y->g ? -1 : x->g > y->g;
}

/*
 * Waits for channels are found from the waits for locks of the same cycle: it has at least one.
 */
static bool may_begin(const struct builder *b, uint32_t g)
{
	return !(b->mark[g] & DROPPED) && !wait_edge_keeps(&b->w->edges[b->first[g]]);
}

/* By goid, so that every run over the same goroutines finds the same cycles. */
static int builder__cycles(struct builder *b)
{
	scoped_mem struct start *starts = NULL;
	size_t nr = 0;

	for (size_t g = 0; g < b->c->nr; g++)
		nr += may_begin(b, (uint32_t)g);
	starts = calloc(nr + 1, sizeof(*starts));
	b->w->cycles = calloc(WAITGRAPH_RINGS_MAX, sizeof(*b->w->cycles));
	if (!starts || !b->w->cycles)
		return -ENOMEM;
	nr = 0;
	for (size_t g = 0; g < b->c->nr; g++)
		if (may_begin(b, (uint32_t)g))
			starts[nr++] = (struct start){ b->c->gs[g].who.goid, (uint32_t)g };
	qsort(starts, nr, sizeof(*starts), compare_starts);
	for (size_t i = 0; i < nr; i++) {
		uint32_t last;
		int err = 0;

		if (b->mark[starts[i].g] & IN_RING)
			continue;
		if (b->w->nr_cycles == WAITGRAPH_RINGS_MAX || b->w->cut) {
			b->w->cut = true;
			break;
		}
		builder__search(b, starts[i].g, &last);
		if (last != NOBODY)
			err = builder__keep_cycle(b, starts[i].g, last);
		for (size_t k = 0; k < b->reached; k++)
			b->came[b->queue[k]] = NOBODY;
		if (err)
			return err;
	}
	return 0;
}

/* The edges are there. */
static int builder__run(struct builder *b)
{
	size_t nr = b->c->nr;
	int err = builder__index(b);

	if (!err)
		err = builder__turn(b);
	if (err)
		return err;
	b->mark = calloc(nr + 1, sizeof(*b->mark));
	b->came = reallocarray(NULL, nr + 1, sizeof(*b->came));
	b->queue = calloc(nr + 1, sizeof(*b->queue));
	if (!b->mark || !b->came || !b->queue)
		return -ENOMEM;
	memset(b->came, 0xff, (nr + 1) * sizeof(*b->came)); /* NOBODY */
	err = builder__drop(b);
	if (!err)
		err = builder__cycles(b);
	for (size_t i = 0; i < b->w->nr_cycles && !err; i++)
		b->w->cycles[i].behind = builder__behind(b, &b->w->cycles[i]);
	return err;
}

static void builder__done(struct builder *b)
{
	free(b->waits);
	free(b->first);
	free(b->mark);
	free(b->came);
	free(b->queue);
	free(b->into_first);
	free(b->into);
}

int waitgraph__new(const struct census *c, const struct glocks *ls, const struct gholds *hs,
		   struct waitgraph **ret)
{
	scoped(waitgraph) w = calloc(1, sizeof(*w));
	struct builder b = { .c = c, .ls = ls, .hs = hs, .w = w };
	int err = w ? builder__collect(&b) : -ENOMEM;

	if (!err)
		err = builder__edges(&b);
	if (!err)
		err = builder__run(&b);
	builder__done(&b);
	if (!err)
		*ret = steal(w);
	return err;
}

int waitgraph__join(struct waitgraph *w, const struct census *c, const struct wait_edge *more,
		    size_t nr)
{
	struct wait_edge *edges = reallocarray(w->edges, w->nr_edges + nr + 1, sizeof(*edges));
	struct builder b = { .c = c, .w = w };
	int err;

	if (!edges)
		return -ENOMEM;
	w->edges = edges;
	if (nr)
		memcpy(w->edges + w->nr_edges, more, nr * sizeof(*more));
	w->nr_edges += nr;
	free(w->steps);
	free(w->cycles);
	w->steps = NULL;
	w->cycles = NULL;
	w->nr_steps = w->nr_cycles = 0;
	err = builder__run(&b);
	builder__done(&b);
	return err;
}

/* --- twice --- */

/* The same goroutine in another census, whose goroutines are in `starts`; NOBODY. */
static uint32_t same_g(const struct census *c, uint32_t g, const struct census *in,
		       const struct start *starts)
{
	size_t lo = 0, hi = in->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (starts[mid].goid < c->gs[g].who.goid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < in->nr && starts[lo].goid == c->gs[g].who.goid &&
			       in->gs[starts[lo].g].addr == c->gs[g].addr
		       ? starts[lo].g
		       : NOBODY;
}

static bool edge_stands(const struct wait_edge *e, const struct census *c,
			const struct waitgraph *again, const struct census *later,
			const struct start *starts)
{
	const struct wait_edge want = { .g = same_g(c, e->g, later, starts),
					.to = same_g(c, e->to, later, starts) };
	const struct wait_edge *found;

	if (want.g == NOBODY || want.to == NOBODY || !again->nr_edges)
		return false;
	found = bsearch(&want, again->edges, again->nr_edges, sizeof(want), compare_edges);
	return found && later->waits[found->wait].addr == c->waits[e->wait].addr &&
	       later->waits[found->wait].via == c->waits[e->wait].via;
}

int waitgraph__confirm(struct waitgraph *w, const struct census *c, const struct waitgraph *again,
		       const struct census *later)
{
	scoped_mem struct start *starts = calloc(later->nr + 1, sizeof(*starts));
	size_t nr = 0;

	if (!starts)
		return -ENOMEM;
	for (size_t g = 0; g < later->nr; g++)
		starts[g] = (struct start){ later->gs[g].who.goid, (uint32_t)g };
	qsort(starts, later->nr, sizeof(*starts), compare_starts);
	for (size_t i = 0; i < w->nr_cycles; i++) {
		uint32_t k = 0;

		while (k < w->cycles[i].nr &&
		       edge_stands(&w->steps[w->cycles[i].edges_at + k], c, again, later, starts))
			k++;
		if (k == w->cycles[i].nr)
			w->cycles[nr++] = w->cycles[i];
	}
	w->nr_cycles = nr;
	nr = 0;
	for (size_t i = 0; i < w->nr_edges; i++)
		if (!wait_edge_keeps(&w->edges[i]) ||
		    edge_stands(&w->edges[i], c, again, later, starts))
			w->edges[nr++] = w->edges[i];
	w->nr_edges = nr;
	return 0;
}

void waitgraph__drop(struct waitgraph *w, const bool *moved)
{
	size_t nr = 0;

	for (size_t i = 0; i < w->nr_cycles; i++) {
		uint32_t k = 0;

		while (k < w->cycles[i].nr && !moved[w->steps[w->cycles[i].edges_at + k].g])
			k++;
		if (k == w->cycles[i].nr)
			w->cycles[nr++] = w->cycles[i];
	}
	w->nr_cycles = nr;
}
