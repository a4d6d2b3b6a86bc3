/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/holds.h"

#include <errno.h>
#include <string.h>

#include "census/lockwalk.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define DEFERS_MAX 256 /* of a goroutine's list that are looked at */

/* A pc that goroutines stand at, or return to: what the tables say of it, and what walks from it
 * have cost. */
struct place {
	uint64_t key; /* pc * 2 + 1 if it is a return address */
	UT_hash_handle hh;
	struct gofn *fn;    /* borrowed */
	struct lockfn lock; /* the function of package sync that the frame stands in: its own, or
			       inlined into it */
	int32_t delta;      /* from sp to the return address */
	bool semacquire;    /* the function is runtime.semacquire1 */
	bool keeps_sema;    /* which keeps its first argument where its caller has room for it */
	bool asked;         /* idle and blind are known */
	bool idle;          /* the frame's code can do nothing to a lock */
	bool blind;         /* it cannot be read */
	uint64_t spent;     /* steps of walks from here since one found a lock */
};

struct holds {
	const struct addrspace *mem; /* borrowed */
	const struct goruntime *rt;  /* borrowed */
	struct gofns *fns;
	struct livemem live;
	struct lockwalk walk;
	struct lockpath path;
	struct place *places;
	struct place spare; /* for one place more than there is room for */
};

/* One goroutine on its way through its frames. */
struct search {
	struct holds *h;
	const struct hold_stack *s;
	struct held *out;
	size_t nr, max;
	bool complete;
	uint64_t sp;                             /* of the frame that is looked at */
	struct lockfn waits;                     /* role LOCKFN_LOCK: it stands in this function */
	bool waits_mutex;                        /* in the slow path of a mutex */
	uint64_t sema;                           /* that it waits for; 0: unknown */
	struct lock_use kept[LOCKPATH_USES_MAX]; /* taken by frames further in, when they return */
	size_t nr_kept;
	int64_t kept_unknown;
	int32_t shared[GOFN_SHARED_MAX];
};

const char *held_kind_name(enum held_kind kind)
{
	static const char *const names[] = { "mutex", "write", "read", "pending" };

	return (unsigned int)kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

int holds__new(const struct addrspace *mem, const struct goruntime *rt, struct holds **ret)
{
	scoped(holds) h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->mem = mem;
	h->rt = rt;
	h->live.as = mem;
	err = gofns__new(mem, rt, &h->fns);
	if (err)
		return err;
	h->walk.fns = h->fns;
	h->walk.mem = &h->live;
	h->walk.regabi = rt->minor >= 17;
	*ret = steal(h);
	return 0;
}

void holds__free(struct holds *h)
{
	struct place *p, *next;

	if (!h)
		return;
	HASH_ITER(hh, h->places, p, next)
	{
		HASH_DEL(h->places, p);
		free(p);
	}
	gofns__free(h->fns);
	free(h);
}

size_t holds__memory_bytes(const struct holds *h)
{
	return sizeof(*h) + HASH_COUNT(h->places) * sizeof(struct place) +
	       gofns__memory_bytes(h->fns);
}

/* --- the lock itself --- */

/* While a writer has it, readerWait is 0: readers that are counted then wait outside. */
int holds__is_taken(const struct holds *h, uint64_t lock, enum held_kind kind, bool *ret)
{
	uint8_t bytes[RWMUTEX_BYTES];
	int32_t state, count, wait;
	int err = addrspace__read(h->mem, lock, bytes,
				  kind == HELD_MUTEX ? sizeof(state) : sizeof(bytes));

	if (err)
		return err;
	memcpy(&state, bytes, sizeof(state));
	if (kind == HELD_MUTEX) {
		*ret = state & 1;
		return 0;
	}
	memcpy(&count, bytes + RWMUTEX_COUNT, sizeof(count));
	memcpy(&wait, bytes + RWMUTEX_WAIT, sizeof(wait));
	if (kind == HELD_READ)
		*ret = count > 0 || (count < 0 && wait > 0);
	else
		*ret = count < 0 && (state & 1) && (wait == 0) == (kind == HELD_WRITE);
	return 0;
}

static void search__add(struct search *q, uint64_t lock, enum held_kind kind, size_t frame,
			uint64_t pc)
{
	bool taken;

	for (size_t i = 0; i < q->nr; i++)
		if (q->out[i].lock == lock && kind != HELD_READ && q->out[i].kind == kind)
			return;
	if (lock % 4 || holds__is_taken(q->h, lock, kind, &taken) || !taken)
		return;
	if (q->nr == q->max) {
		q->complete = false;
		return;
	}
	q->out[q->nr++] = (struct held){
		.lock = lock, .release_pc = pc, .frame = (uint32_t)frame, .kind = kind
	};
}

/* --- deferred calls --- */

/*
 * g._defer stands before g.m. runtime._defer: sp@8, fn@24; link@40 up to Go 1.21, then @32. Up
 * to 1.17 it begins with the size of its arguments, which lie behind its 72 bytes, and has
 * started@4, openDefer@6; up to 1.21 started@0, openDefer@2; then rangefunc@1 (Go
 * runtime/runtime2.go).
 */
static int search__read_defer(struct search *q, uint64_t at, struct lock_defer *ret,
			      uint64_t *ret_link)
{
	int minor = q->h->rt->minor;
	uint64_t word[6];
	bool passed;

	for (size_t i = 0; i < ARRAY_SIZE(word); i++)
		if (at % 8 || livemem__word(&q->h->live, at + 8 * i, &word[i]))
			return -EFAULT;
	*ret_link = minor <= 21 ? word[5] : word[4];
	*ret = (struct lock_defer){ .sp = word[1], .fn = word[3] };
	if (minor <= 17) {
		ret->args = at + DEFER_ARGS;
		ret->args_bytes = (uint32_t)word[0] > INT32_MAX ? 0 : (uint32_t)word[0];
		passed = word[0] >> 32 & 0xff00ff; /* started, openDefer */
	} else if (minor <= 21) {
		passed = word[0] & 0xff00ff;
	} else {
		passed = word[0] & 0xff00;
		q->complete = q->complete && !passed;
	}
	return passed ? -ENOENT : 0;
}

static void search__read_defers(struct search *q)
{
	struct lockwalk *w = &q->h->walk;
	uint64_t at = 0;

	w->nr_defers = 0;
	if (!q->s->g ||
	    livemem__word(&q->h->live, q->s->g + (uint64_t)q->h->rt->layout.g_m - 8, &at))
		return;
	for (size_t i = 0; at && i < DEFERS_MAX; i++) {
		struct lock_defer d;
		int err = search__read_defer(q, at, &d, &at);

		if (err == -EFAULT)
			break;
		if (err)
			continue;
		if (w->nr_defers == LOCKWALK_DEFERS_MAX)
			break;
		w->defer[w->nr_defers++] = d;
	}
	if (at)
		q->complete = false;
}

/* --- the lock that it waits for --- */

static void search__keep(struct search *q, uint64_t lock, uint32_t kind, int32_t balance)
{
	if (q->nr_kept == LOCKPATH_USES_MAX)
		q->kept_unknown++;
	else
		q->kept[q->nr_kept++] =
			(struct lock_use){ .lock = lock, .balance = balance, .kind = kind };
}

/* The frames of Lock are over: for those further out the lock is taken. frame: that of Lock. */
static void search__take_waited(struct search *q, size_t frame)
{
	uint64_t off = RWMUTEX_WRITER_SEM;
	struct lockfn waits = q->waits;

	q->waits.role = LOCKFN_PLAIN;
	if (waits.act == LOCK_GIVE)
		return;
	if (q->waits_mutex || waits.kind == LOCK_MUTEX)
		off = MUTEX_SEMA;
	else if (waits.kind == LOCK_READ)
		off = RWMUTEX_READER_SEM;
	if (!q->sema) {
		q->kept_unknown += LOCKPATH_WAITS;
		q->complete = false;
		return;
	}
	search__keep(q, q->sema - off, waits.kind, 1);
	if (off == RWMUTEX_WRITER_SEM)
		search__add(q, q->sema - off, HELD_PENDING, frame, 0);
}

/* --- places --- */

/* The outermost function of package sync that is inlined where pc stands. */
static struct lockfn holds__inlined_lock(struct holds *h, uint64_t pc, bool is_return)
{
	struct lockfn lock = { LOCKFN_PLAIN, LOCK_NONE, LOCK_MUTEX };
	struct goframe frames[GOSYM_INLINE_MAX];
	int nr = gosym__frames(h->rt->sym, pc, is_return, frames, GOSYM_INLINE_MAX);

	for (int k = 0; k < nr; k++) {
		struct lockfn f = lockfn_of(frames[k].func);

		if (f.role == LOCKFN_LOCK)
			lock = f;
	}
	return lock;
}

/*
 * runtime.semacquire1(addr *uint32, ...) needs addr again after the wait. It is on the stack up to
 * Go 1.16; from then on the code as a rule keeps it in the room that the caller has for it, but not
 * if it was compiled without optimisation.
 */
static bool holds__keeps_sema(struct holds *h, struct gofn *fn, int32_t delta)
{
	if (h->rt->minor < 17)
		return true;
	if (gofns__decode(h->fns, fn))
		return false;
	for (uint32_t i = 0; i < fn->nr_uops; i++) {
		const struct uop_operand *op = fn->uops[i].op;

		if (fn->uops[i].kind == UOP_MOV && op[0].type == UOP_MEM && op[0].base == UOP_RSP &&
		    op[0].value == (uint64_t)delta + 8 && op[0].size == 8 &&
		    op[1].type == UOP_REG && op[1].reg == UOP_RAX)
			return true;
	}
	return false;
}

static int holds__describe(struct holds *h, uint64_t pc, bool is_return, struct place *ret)
{
	struct goframe frame;
	int err = gofns__at(h->fns, is_return ? pc - 1 : pc, &ret->fn);

	if (!err)
		err = gosym__spdelta(h->rt->sym, pc, &ret->delta);
	if (err)
		return err;
	if (ret->fn->lock.role == LOCKFN_LOCK)
		ret->lock = ret->fn->lock;
	else if (ret->fn->lock.role == LOCKFN_PLAIN)
		ret->lock = holds__inlined_lock(h, pc, is_return);
	else
		ret->semacquire =
			gosym__frames(h->rt->sym, ret->fn->entry, false, &frame, 1) == 1 &&
			!strcmp(frame.func, "runtime.semacquire1");
	ret->keeps_sema = ret->semacquire && holds__keeps_sema(h, ret->fn, ret->delta);
	return 0;
}

/* The place of a frame's pc; borrowed until the next call. -ENOENT and the like: not in Go's code.
 */
static int holds__place(struct holds *h, uint64_t pc, bool is_return, struct place **ret)
{
	uint64_t key = pc << 1 | is_return;
	struct place found = { .key = key }, *p;
	int err;

	HASH_FIND(hh, h->places, &key, sizeof(key), p);
	if (p) {
		*ret = p;
		return 0;
	}
	err = holds__describe(h, pc, is_return, &found);
	if (err)
		return err;
	h->spare = found;
	*ret = &h->spare;
	p = HASH_COUNT(h->places) < HOLDS_PLACES_MAX ? malloc(sizeof(*p)) : NULL;
	if (!p)
		return 0;
	*p = found;
	HASH_ADD(hh, h->places, key, sizeof(p->key), p);
	if (p->hh.tbl)
		*ret = p;
	else
		free(p);
	return 0;
}

/* Whether a frame of fn can give something back, or take what it then keeps. */
static bool holds__may_touch(struct holds *h, const struct gofn *fn)
{
	for (uint32_t i = 0; !fn->touches && i < fn->nr_uops; i++) {
		const struct uop *u = &fn->uops[i];
		struct gofn *callee;

		if (u->kind == UOP_CALL && u->target && !gofns__at(h->fns, u->target, &callee) &&
		    lockwalk__effects(&h->walk, callee))
			return true;
	}
	return fn->touches || fn->calls_unknown;
}

static void holds__ask(struct holds *h, struct place *p)
{
	p->blind = gofns__decode(h->fns, p->fn) != 0;
	p->idle = p->blind || !holds__may_touch(h, p->fn);
	p->asked = true;
}

/* --- frames --- */

static void search__begin_path(struct search *q, const struct gofn *callee)
{
	struct lockpath *p = &q->h->path;

	memset(p, 0, sizeof(*p));
	cpu__after_call(&p->cpu, q->sp, q->h->walk.regabi);
	p->cpu.stale = q->sp + (callee && callee->args > 0 ? (uint64_t)callee->args : 0);
	p->unknown = q->kept_unknown;
	for (size_t i = 0; i < q->nr_kept; i++)
		for (int32_t n = 0; n < q->kept[i].balance; n++)
			lockpath__take(p, q->kept[i].lock, q->kept[i].kind);
}

static uint64_t search__release_pc(struct search *q, const struct lock_use *use)
{
	const struct lockwalk *w = &q->h->walk;

	for (size_t i = 0; i < w->nr_given; i++)
		if (w->given[i].lock == use->lock && w->given[i].kind == use->kind)
			return w->given[i].pc;
	return 0;
}

/* What the frame leaves behind when it returns. */
static void search__take_exit(struct search *q, size_t frame)
{
	struct lockpath *p = &q->h->path;

	q->nr_kept = 0;
	q->kept_unknown = p->unknown;
	for (size_t i = 0; i < p->nr_uses; i++) {
		const struct lock_use *use = &p->use[i];

		if (use->lowest < 0)
			search__add(q, use->lock, (enum held_kind)use->kind, frame,
				    search__release_pc(q, use));
		if (use->balance > 0)
			search__keep(q, use->lock, use->kind, use->balance);
	}
}

/* A frame that never returns gives back what some path does, unless another takes it first. */
static void search__take_endless(struct search *q, size_t frame)
{
	const struct lockwalk *w = &q->h->walk;

	for (size_t i = 0; i < w->nr_given; i++)
		if (w->given[i].pc && !w->given[i].taken_first)
			search__add(q, w->given[i].lock, (enum held_kind)w->given[i].kind, frame,
				    w->given[i].pc);
}

/* Variables that what the frame waits in may write: the runtime only those that it is told of. */
static void search__set_shared(struct search *q, size_t frame, const struct gofn *fn,
			       const struct gofn *callee)
{
	struct livemem *m = &q->h->live;

	if (callee && callee->lock.role == LOCKFN_RUNTIME) {
		m->shared = q->shared;
		m->nr_shared = gofn__shared_with_call(fn, q->s->pcs[frame], q->shared);
	} else {
		m->shared = fn->shared;
		m->nr_shared = fn->nr_shared;
	}
}

/* Runs the frame's code on what is known before. */
static int search__run(struct search *q, size_t frame, const struct place *at, struct gofn *callee)
{
	struct livemem *m = &q->h->live;
	struct lockwalk *w = &q->h->walk;
	struct gofn *fn = at->fn;

	search__begin_path(q, callee);
	m->sp = q->sp;
	m->end = q->sp + (uint64_t)at->delta + 8 + (fn->args > 0 ? (uint64_t)fn->args : 0);
	search__set_shared(q, frame, fn, callee);
	w->steps = LOCKWALK_STEPS_MAX;
	w->nr_given = 0;
	w->sema = 0;
	w->lost = w->gave = false;
	if (callee && callee->lock.role == LOCKFN_DEFERRETURN)
		lockwalk__run_defers(w, &q->h->path, 0);
	return lockwalk__run(w, fn, q->s->pcs[frame], &q->h->path, 0);
}

static void search__walk(struct search *q, size_t frame, const struct place *at,
			 struct gofn *callee)
{
	int exits = search__run(q, frame, at, callee);

	if (q->h->walk.lost || exits < 0)
		q->complete = false;
	else if (exits)
		search__take_exit(q, frame);
	else
		search__take_endless(q, frame);
}

/* Walks from a place that has told something before, or has not cost too much. */
static void search__visit(struct search *q, size_t frame, struct place *at, struct gofn *callee)
{
	size_t before = q->nr;

	if (!at->asked)
		holds__ask(q->h, at);
	if (at->blind || at->spent > HOLDS_FRUITLESS_MAX)
		q->complete = false;
	if (at->idle || at->spent > HOLDS_FRUITLESS_MAX || gofns__decode(q->h->fns, at->fn))
		return;
	search__walk(q, frame, at, callee);
	at->spent += LOCKWALK_STEPS_MAX - q->h->walk.steps;
	if (q->nr > before)
		at->spent = 0;
}

/* The semaphore that a frame of runtime.semacquire1 waits for; q->sp is its caller's. */
static void search__find_sema(struct search *q, size_t frame, const struct place *at,
			      struct gofn *callee)
{
	uint64_t sp = q->sp;

	q->sema = 0;
	if (at->keeps_sema) {
		if (livemem__word(&q->h->live, sp, &q->sema))
			q->sema = 0;
		return;
	}
	q->sp = sp - (uint64_t)at->delta - 8;
	search__run(q, frame, at, callee);
	q->sema = q->h->walk.sema;
	q->sp = sp;
}

/* callee: of the frame, NULL for the innermost. */
static int search__frame(struct search *q, size_t i, struct gofn *callee, struct gofn **ret_fn)
{
	struct place *at;
	bool own;
	int err = holds__place(q->h, q->s->pcs[i], i > 0, &at);

	if (err)
		return err;
	*ret_fn = at->fn;
	own = at->fn->lock.role == LOCKFN_LOCK;
	if (at->lock.role == LOCKFN_LOCK) {
		q->waits_mutex = (q->waits.role == LOCKFN_LOCK &&
				  (q->waits_mutex || q->waits.kind == LOCK_MUTEX)) ||
				 at->lock.kind == LOCK_MUTEX;
		q->waits = at->lock;
	}
	if (q->waits.role == LOCKFN_LOCK && !own)
		search__take_waited(q, i);
	if (callee && callee->lock.role == LOCKFN_NO_RETURN)
		q->complete =
			false; /* it panics, or waits for ever: its code does not go on here */
	else if (at->fn->lock.role == LOCKFN_PLAIN)
		search__visit(q, i, at, callee);
	q->sp += (uint64_t)at->delta + 8;
	if (at->semacquire)
		search__find_sema(q, i, at, callee);
	return 0;
}

int holds__find(struct holds *h, const struct hold_stack *s, struct held *ret, size_t max,
		bool *ret_complete)
{
	struct search q = { .h = h, .s = s, .out = ret, .max = max, .complete = true, .sp = s->sp };
	struct gofn *callee = NULL;
	int err;

	gofns__trim(h->fns);
	err = livemem__begin(&h->live, s->sp, s->stack_hi);
	if (err)
		return err;
	search__read_defers(&q);
	for (size_t i = 0; i < s->nr && !(callee && callee->lock.role == LOCKFN_END); i++) {
		if (i == HOLDS_FRAMES_MAX || q.sp % 8 || q.sp >= s->stack_hi) {
			q.complete = false;
			break;
		}
		err = search__frame(&q, i, callee, &callee);
		if (err == -ENOMEM)
			return err;
		if (err) {
			q.complete = false;
			break;
		}
	}
	*ret_complete = q.complete;
	return (int)q.nr;
}
