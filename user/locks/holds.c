/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/holds.h"

#include <errno.h>
#include <string.h>

#include "base/order.h"
#include "locks/codeplace.h"
#include "golang/gofacts.h"

#define DEFERS_MAX 256 /* of a goroutine's list that are looked at */

struct holds {
	const struct addrspace *mem; /* borrowed */
	const struct goruntime *rt;  /* borrowed */
	struct gofns *fns;
	struct livemem live;
	struct lockwalk walk;
	struct lockpath path;
	struct codeplaces *places;
	const uint64_t *wanted; /* borrowed; NULL: all */
	size_t nr_wanted;
};

/* One goroutine on its way through its frames. */
struct search {
	struct holds *h;
	const struct hold_stack *s;
	struct held *out;
	size_t nr, max;
	size_t given; /* locks that will be given back, wanted and taken or not */
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
	static const char *const names[] = { "mutex", "write", "read", "group", "pending" };

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
	h->walk.isa = isa_of(rt->machine);
	h->walk.regabi = rt->regabi;
	err = codeplaces__new(&h->walk, &h->places);
	if (err)
		return err;
	*ret = steal(h);
	return 0;
}

void holds__free(struct holds *h)
{
	if (!h)
		return;
	codeplaces__free(h->places);
	gofns__free(h->fns);
	free(h);
}

size_t holds__memory_bytes(const struct holds *h)
{
	return sizeof(*h) + codeplaces__memory_bytes(h->places) + gofns__memory_bytes(h->fns);
}

void holds__want(struct holds *h, const uint64_t *locks, size_t nr)
{
	h->wanted = locks;
	h->nr_wanted = nr;
}

void holds__forget(struct holds *h)
{
	livemem__forget(&h->live);
}

/* --- the lock itself --- */

/* While a writer has it, readerWait is 0: readers that are counted then wait outside. */
int holds__is_taken(const struct holds *h, uint64_t lock, enum held_kind kind, bool *ret)
{
	uint8_t bytes[RWMUTEX_BYTES] = { 0 };
	int32_t state, count, wait;
	int err = addrspace__read(h->mem, lock, bytes,
				  kind == HELD_MUTEX   ? sizeof(state)
				  : kind == HELD_GROUP ? GROUP_BYTES
						       : sizeof(bytes));

	if (err)
		return err;
	memcpy(&state, bytes, sizeof(state));
	if (kind == HELD_MUTEX) {
		*ret = state & 1;
		return 0;
	}
	memcpy(&count, bytes + RWMUTEX_COUNT, sizeof(count));
	memcpy(&wait, bytes + RWMUTEX_WAIT, sizeof(wait));
	if (kind == HELD_GROUP)
		*ret = true;
	else if (kind == HELD_READ)
		*ret = count > 0 || (count < 0 && wait > 0);
	else
		*ret = count < 0 && (state & 1) && (wait == 0) == (kind == HELD_WRITE);
	return 0;
}

static bool holds__is_wanted(const struct holds *h, uint64_t lock)
{
	return !h->wanted || bsearch(&lock, h->wanted, h->nr_wanted, sizeof(lock), order_u64);
}

static void search__add(struct search *q, uint64_t lock, enum held_kind kind, size_t frame,
			uint64_t pc)
{
	bool taken;

	q->given++;
	if (!holds__is_wanted(q->h, lock))
		return;
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
	*ret_link = gofacts_has(minor, GO_DEFER_RANGE) ? word[4] : word[5];
	*ret = (struct lock_defer){ .sp = word[1], .fn = word[3] };
	if (!gofacts_has(minor, GO_DEFER_BARE)) {
		ret->args = at + DEFER_ARGS;
		ret->args_bytes = (uint32_t)word[0] > INT32_MAX ? 0 : (uint32_t)word[0];
		passed = word[0] >> 32 & 0xff00ff; /* started, openDefer */
	} else if (!gofacts_has(minor, GO_DEFER_RANGE)) {
		passed = word[0] & 0xff00ff;
	} else {
		passed = word[0] & 0xff00;
		q->complete = q->complete && !passed;
	}
	return passed ? -ENOENT : 0;
}

uint64_t holds_defer_addr(const struct goruntime *rt, uint64_t g)
{
	return g + (uint64_t)rt->layout.g_m - 8;
}

static void search__read_defers(struct search *q)
{
	struct lockwalk *w = &q->h->walk;
	uint64_t at = 0;

	w->nr_defers = 0;
	if (q->s->defer)
		memcpy(&at, q->s->defer, sizeof(at));
	else if (!q->s->g || livemem__word(&q->h->live, holds_defer_addr(q->h->rt, q->s->g), &at))
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

/* --- frames --- */

static void search__begin_path(struct search *q, const struct gofn *callee)
{
	struct lockpath *p = &q->h->path;

	memset(p, 0, offsetof(struct lockpath, cpu.word));
	lockwalk__after_call(&q->h->walk, p, q->sp);
	p->cpu.stale = q->sp;
	if (callee && callee->args > 0)
		p->cpu.stale += q->h->walk.isa->args_at + (uint64_t)callee->args;
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

/*
 * A frame that never returns gives back what some path does, unless another takes it first. But a
 * worker may call Done for what it has not begun.
 */
static void search__take_endless(struct search *q, size_t frame)
{
	const struct lockwalk *w = &q->h->walk;

	for (size_t i = 0; i < w->nr_given; i++)
		if (w->given[i].pc && !w->given[i].taken_first && w->given[i].kind != LOCK_GROUP)
			search__add(q, w->given[i].lock, (enum held_kind)w->given[i].kind, frame,
				    w->given[i].pc);
}

/* Variables that what the frame waits in may write: the runtime only those that it is told of. */
static void search__set_shared(struct search *q, size_t frame, const struct gofn *fn,
			       const struct gofn *callee)
{
	struct livemem *m = &q->h->live;

	if (callee && lockfn_is_runtime(callee->lock)) {
		m->shared = q->shared;
		m->nr_shared = gofns__shared_with_call(q->h->fns, fn, q->s->pcs[frame], q->shared);
	} else {
		m->shared = fn->shared;
		m->nr_shared = fn->nr_shared;
	}
}

/* false: a call that was deferred is its own goroutine's, and may be run. */
static bool search__has_memo(const struct search *q, const struct gofn *callee)
{
	const struct lockwalk *w = &q->h->walk;

	for (size_t i = 0; i < w->nr_defers; i++)
		if (w->defer[i].sp <= q->sp)
			return false;
	return !callee || callee->lock.role != LOCKFN_DEFERRETURN;
}

/* What the frame does; walked, unless the same walk was made before. */
static int search__run(struct search *q, size_t frame, struct codeplace *p, struct gofn *callee)
{
	const struct walk_start start = { callee, q->kept, q->nr_kept, q->kept_unknown };
	bool memo = search__has_memo(q, callee);
	struct livemem *m = &q->h->live;
	struct lockwalk *w = &q->h->walk;
	int exits;

	m->sp = q->sp;
	/* between the frame and its arguments is the return address, its own or its caller's */
	m->end = q->sp + (uint64_t)p->delta + 8 + (p->fn->args > 0 ? (uint64_t)p->fn->args : 0);
	search__set_shared(q, frame, p->fn, callee);
	w->steps = LOCKWALK_STEPS_MAX;
	w->nr_given = 0;
	w->sema = 0;
	w->lost = w->gave = w->done = false;
	if (memo && walkmemos__recall(&p->memos, w, &start, &q->h->path, &exits))
		return exits;
	search__begin_path(q, callee);
	m->noting = memo && walkmemos__wants(&p->memos);
	m->nr_loads = 0;
	if (callee && callee->lock.role == LOCKFN_DEFERRETURN)
		lockwalk__run_defers(w, &q->h->path, 0);
	exits = lockwalk__run(w, p->fn, q->s->pcs[frame], &q->h->path, 0);
	if (m->noting && exits != -ENOMEM)
		walkmemos__keep(&p->memos, w, &start, &q->h->path, exits);
	m->noting = false;
	return exits;
}

static void search__walk(struct search *q, size_t frame, struct codeplace *p, struct gofn *callee)
{
	int exits = search__run(q, frame, p, callee);

	if (q->h->walk.lost || exits < 0)
		q->complete = false;
	else if (exits)
		search__take_exit(q, frame);
	else
		search__take_endless(q, frame);
}

/* Walks from a place that has told something before, or has not cost too much. */
static int search__visit(struct search *q, size_t frame, struct codeplace *p, struct gofn *callee)
{
	bool deferring = callee && callee->lock.role == LOCKFN_DEFERRETURN;
	int err = codeplaces__explore(q->h->places, q->s->pcs[frame], p);
	size_t before = q->given;

	if (err)
		return err;
	if (p->blind || p->spent > HOLDS_FRUITLESS_MAX)
		q->complete = false;
	if (p->blind || p->spent > HOLDS_FRUITLESS_MAX || !(p->gives || p->takes || deferring))
		return 0;
	search__walk(q, frame, p, callee);
	p->spent += LOCKWALK_STEPS_MAX - q->h->walk.steps;
	if (q->given > before)
		p->spent = 0;
	return 0;
}

/* The semaphore that a frame of runtime.semacquire1 waits for. */
static void search__find_sema(struct search *q, size_t frame, struct codeplace *p,
			      struct gofn *callee)
{
	q->sema = q->s->sema;
	if (q->sema)
		return;
	if (!p->keeps_sema) {
		search__run(q, frame, p, callee);
		q->sema = q->h->walk.sema;
	} else if (livemem__word(&q->h->live, q->sp + (uint64_t)p->delta + 8, &q->sema)) {
		q->sema = 0;
	}
}

/* callee: of the frame, NULL for the innermost. -ENOENT: the stack leaves Go's code. */
static int search__frame(struct search *q, size_t i, struct gofn *callee, struct gofn **ret_fn)
{
	struct codeplace *p;
	int err;

	if (!q->h->walk.isa) /* nobody knows what its code does */
		return -ENOENT;
	err = codeplaces__get(q->h->places, q->s->pcs[i], i > 0, &p);

	if (err || p->err)
		return err ? err : p->err;
	*ret_fn = p->fn;
	if (p->acquires)
		search__find_sema(q, i, p, callee);
	if (p->lock.role == LOCKFN_LOCK) {
		q->waits_mutex = (q->waits.role == LOCKFN_LOCK &&
				  (q->waits_mutex || q->waits.kind == LOCK_MUTEX)) ||
				 p->lock.kind == LOCK_MUTEX;
		q->waits = p->lock;
	}
	if (q->waits.role == LOCKFN_LOCK && !p->is_runtime && !p->is_sync)
		search__take_waited(q, i);
	if (callee && callee->lock.role == LOCKFN_NO_RETURN)
		q->complete = false; /* it panics or waits for ever: its code does not go on */
	else if (!p->is_runtime && !p->is_sync)
		err = search__visit(q, i, p, callee);
	q->sp += (uint64_t)p->delta + q->h->walk.isa->pushed;
	return err;
}

static int holds__begin(struct holds *h, const struct hold_stack *s)
{
	if (s->bytes)
		return livemem__lend(&h->live, s->sp, s->bytes, s->nr_bytes);
	return livemem__begin(&h->live, s->sp, s->stack_hi);
}

int holds__find(struct holds *h, const struct hold_stack *s, struct held *ret, size_t max,
		bool *ret_complete)
{
	struct search q = { .h = h, .s = s, .out = ret, .max = max, .complete = true, .sp = s->sp };
	struct gofn *callee = NULL;
	int err;

	gofns__trim(h->fns);
	err = holds__begin(h, s);
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

/* What cannot be made out may give something, so that the search says that it is not complete. */
int holds__may_give(struct holds *h, const uint64_t *pcs, size_t nr, bool *ret)
{
	const struct codeplace *callee = NULL;
	struct codeplace *p;
	int err = 0;

	*ret = nr > HOLDS_FRAMES_MAX;
	gofns__trim(h->fns);
	for (size_t i = 0; i < nr && !*ret; i++) {
		err = codeplaces__get(h->places, pcs[i], i > 0, &p);
		if (!err && !p->err && !p->is_sync && !p->is_runtime)
			err = codeplaces__explore(h->places, pcs[i], p);
		if (err == -ENOMEM)
			return err;
		*ret = err || p->err || p->gives || p->blind ||
		       (callee && (callee->fn->lock.role == LOCKFN_NO_RETURN ||
				   callee->fn->lock.role == LOCKFN_DEFERRETURN));
		if (!*ret && p->fn->lock.role == LOCKFN_END)
			break;
		callee = p;
	}
	return 0;
}
