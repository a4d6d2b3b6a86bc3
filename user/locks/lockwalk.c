/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/lockwalk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define VISITS         4 /* different states at one place before they are joined */
#define JUMP_TABLE_MAX 512
#define THIN_UOPS      48 /* instructions */
/* words of arguments of the runtime's functions, where they are on the stack */
#define STACK_ARGS_MAX   8
#define CLOSURE_ARGS_MAX 64 /* bytes */

/* One place of a function where paths meet. */
struct visit {
	uint64_t hash[VISITS];
	uint32_t nr;
	struct lockpath *joined; /* owned */
};

/* One run through a function. */
struct run {
	struct lockwalk *w;
	struct gofn *fn;
	uint64_t top;         /* of the frame, as codeplace.delta has it; without regabi only */
	struct visit *visits; /* owned; [0] is of no place */
	uint32_t *visit_of;   /* owned: by instruction */
	uint32_t nr_visits;
	struct lockpath *exit; /* owned; joined of all returns */
	struct lockpath *path; /* that runs now; owned */
	uint32_t at;           /* its instruction */
	size_t nr_waiting;
	struct {
		struct lockpath *path;
		uint32_t at;
	} waiting[LOCKWALK_PATHS_MAX]; /* owned; last: how many of it are set */
};

static struct lock_given *lockwalk__given(struct lockwalk *w, uint64_t lock, uint32_t kind)
{
	for (size_t i = 0; i < w->nr_given; i++)
		if (w->given[i].lock == lock && w->given[i].kind == kind)
			return &w->given[i];
	if (w->nr_given == LOCKWALK_GIVEN_MAX) {
		w->lost = true;
		return NULL;
	}
	w->given[w->nr_given] = (struct lock_given){ .lock = lock, .kind = kind };
	return &w->given[w->nr_given++];
}

static void lockwalk__take(struct lockwalk *w, struct lockpath *p, struct cpu_value lock,
			   uint32_t kind)
{
	struct lock_given *given;
	struct lock_use *use;

	if (lock.how == CPU_UNKNOWN) {
		p->unknown++;
		return;
	}
	use = lockpath__use(p, lock.v, kind);
	if (!use) {
		p->unknown++;
		return;
	}
	/* A goroutine does not take a lock that it has; but a reader may. */
	if (!use->lowest && kind != LOCK_READ) {
		given = lockwalk__given(w, lock.v, kind);
		if (given)
			given->taken_first = true;
	}
	if (use->balance < LOCKPATH_BALANCE_MAX)
		use->balance++;
}

static void lockwalk__give(struct lockwalk *w, struct lockpath *p, struct cpu_value lock,
			   uint32_t kind, uint64_t pc)
{
	struct lock_given *given;
	struct lock_use *use;

	if (lock.how == CPU_UNKNOWN) {
		w->gave = w->gave || !p->unknown;
		if (p->unknown > 0 && p->unknown < LOCKPATH_WAITS)
			p->unknown--;
		return;
	}
	use = lockpath__use(p, lock.v, kind);
	if (!use) {
		w->lost = true;
		return;
	}
	if (use->balance <= 0 && p->unknown)
		return; /* it may be the one that was taken at an unknown address */
	if (use->balance > -LOCKPATH_BALANCE_MAX)
		use->balance--;
	if (use->balance < use->lowest)
		use->lowest = use->balance;
	if (use->balance >= 0)
		return;
	w->gave = true;
	given = lockwalk__given(w, lock.v, kind);
	if (given && !given->pc)
		given->pc = pc;
}

/*
 * A WaitGroup at an unknown address is no lock: what is taken there says nothing of what is given
 * elsewhere.
 */
static void lockwalk__count(struct lockwalk *w, struct lockpath *p, struct cpu_value group,
			    int32_t by, uint64_t pc)
{
	struct lock_use *use = NULL;
	struct lock_given *given;

	w->done |= by < 0;
	if (group.how != CPU_UNKNOWN)
		use = lockpath__use(p, group.v, LOCK_GROUP);
	if (!use)
		return;
	use->balance += by;
	if (use->balance > LOCKPATH_BALANCE_MAX)
		use->balance = LOCKPATH_BALANCE_MAX;
	if (use->balance < -LOCKPATH_BALANCE_MAX)
		use->balance = -LOCKPATH_BALANCE_MAX;
	if (use->balance < use->lowest)
		use->lowest = use->balance;
	if (use->balance >= 0)
		return;
	given = lockwalk__given(w, group.v, LOCK_GROUP);
	if (given && !given->pc)
		given->pc = pc;
}

/* by: what is added to a WaitGroup. */
static void lockwalk__act(struct lockwalk *w, struct lockpath *p, struct lockfn lock,
			  struct cpu_value addr, int32_t by, uint64_t pc)
{
	if (w->counting || !addr.v)
		addr.how = CPU_UNKNOWN;
	if (lock.kind == LOCK_GROUP)
		lockwalk__count(w, p, addr, by, pc);
	else if (lock.act == LOCK_GIVE)
		lockwalk__give(w, p, addr, lock.kind, pc);
	else
		lockwalk__take(w, p, addr, lock.kind);
}

/* --- a run --- */

static void run__done(struct run *r)
{
	for (uint32_t i = 1; i <= r->nr_visits; i++)
		free(r->visits[i].joined);
	for (size_t i = 0; i < r->nr_waiting; i++)
		free(r->waiting[i].path);
	free(r->visits);
	free(r->visit_of);
	free(r->exit);
	free(r->path);
}

static int run__init(struct run *r, struct lockwalk *w, struct gofn *fn)
{
	uint32_t targets = 0;

	r->w = w;
	r->fn = fn;
	for (uint32_t i = 0; i < fn->nr_uops; i++)
		targets += fn->uops[i].is_target;
	r->visits = calloc(targets + 1, sizeof(*r->visits));
	r->visit_of = calloc(fn->nr_uops, sizeof(*r->visit_of));
	if (!r->visits || !r->visit_of)
		return -ENOMEM;
	for (uint32_t i = 0; i < fn->nr_uops; i++)
		if (fn->uops[i].is_target)
			r->visit_of[i] = ++r->nr_visits;
	return 0;
}

static void run__drop(struct run *r)
{
	free(r->path);
	r->path = NULL;
}

/* The path goes on at pc as well. */
static void run__fork(struct run *r, uint64_t pc)
{
	struct lockpath *copy;
	uint32_t at;

	if (gofn__index(r->fn, pc, &at))
		return; /* out of the function: see run__jump() */
	copy = r->nr_waiting < LOCKWALK_PATHS_MAX ? lockpath_copy(r->path) : NULL;
	if (!copy) {
		r->w->lost = true;
		return;
	}
	r->waiting[r->nr_waiting].path = copy;
	r->waiting[r->nr_waiting++].at = at;
}

/* Paths meet here: has this one come to be the same as another, or must it be joined to the others?
 * false: it ends. */
static bool run__visit(struct run *r, struct visit *v)
{
	uint64_t hash = lockpath_hash(r->path), before;

	if (v->nr < VISITS) {
		for (uint32_t i = 0; i < v->nr; i++)
			if (v->hash[i] == hash)
				return false;
		v->hash[v->nr++] = hash;
		return true;
	}
	if (!v->joined) {
		v->joined = lockpath_copy(r->path);
		return v->joined;
	}
	before = lockpath_hash(v->joined);
	lockpath__join(v->joined, r->path, r->w->mem);
	if (lockpath_hash(v->joined) == before)
		return false;
	memcpy(r->path, v->joined, lockpath_bytes(v->joined));
	return true;
}

static void run__return(struct run *r)
{
	struct cpu *c = &r->path->cpu;

	c->reg[UOP_SP].v += r->w->isa->pushed;
	if (!r->exit) {
		r->exit = r->path;
		r->path = NULL;
		return;
	}
	lockpath__join(r->exit, r->path, r->w->mem);
	run__drop(r);
}

/* --- calls --- */

void lockwalk__after_call(const struct lockwalk *w, struct lockpath *p, uint64_t sp)
{
	cpu__after_call(&p->cpu, sp, w->regabi && w->isa->zero_vector);
}

/* An argument of a call that is about to be made: its number. */
static struct cpu_value lockwalk__argument(const struct lockwalk *w, const struct lockpath *p,
					   unsigned int nr)
{
	const struct cpu *c = &p->cpu;

	if (w->regabi)
		return c->reg[w->isa->args[nr]];
	return cpu__load(c, w->mem, c->reg[UOP_SP].v + w->isa->args_at + 8 * nr, 8);
}

/* The return address is of no use to anybody. */
static void lockwalk__enter(const struct lockwalk *w, struct lockpath *p)
{
	struct cpu *c = &p->cpu;

	if (w->isa->link != UOP_NO_REG)
		c->reg[w->isa->link] = cpu_unknown();
	if (!w->isa->pushed)
		return;
	c->reg[UOP_SP].v -= w->isa->pushed;
	cpu__store(c, c->reg[UOP_SP].v, w->isa->pushed, cpu_unknown());
}

/* Whether a call that is about to be made is told of the variable at addr, of which the runtime's
 * functions write no other. */
static bool run__passes(const struct run *r, const struct gofn *callee, uint64_t addr)
{
	const unsigned int nr = r->w->regabi ? r->w->isa->nr_args : STACK_ARGS_MAX;

	if (!callee || !lockfn_is_runtime(callee->lock))
		return true;
	for (unsigned int i = 0; i < nr; i++)
		if (lockwalk__argument(r->w, r->path, i).v == addr)
			return true;
	return false;
}

/*
 * Whether a map has one more is known when that one is asked for, not before: the key, to which the
 * first word of the iterator points (Go 1.15 to 1.27 runtime/map.go hiter,
 * internal/runtime/maps/table.go Iter), is not what it was.
 */
static void run__pass_map(struct run *r, const struct gofn *callee)
{
	struct cpu_value iterator =
		lockwalk__argument(r->w, r->path, callee->lock.role == LOCKFN_MAP_NEXT ? 0 : 2);

	if (iterator.how != CPU_UNKNOWN)
		cpu__store(&r->path->cpu, iterator.v, 8, cpu_unknown());
}

/* What a callee that is not followed leaves: it may have written its part of the stack, and
 * variables that it was told of. */
static void run__pass_call(struct run *r, const struct gofn *callee)
{
	struct cpu *c = &r->path->cpu;
	uint64_t sp = c->reg[UOP_SP].v, args = sp + r->w->isa->args_at, end = args;

	if (callee &&
	    (callee->lock.role == LOCKFN_MAP_BEGIN || callee->lock.role == LOCKFN_MAP_NEXT))
		run__pass_map(r, callee);
	for (uint32_t i = 0; i < r->fn->nr_shared; i++) {
		uint64_t var = sp + (uint64_t)(int64_t)r->fn->shared[i];

		if (run__passes(r, callee, var))
			cpu__soften(c, var, var + 8);
	}
	if (callee && callee->args >= 0)
		end = args + (uint64_t)callee->args;
	else if (!r->w->regabi && r->top >= args + 8 + r->fn->pointers)
		end = r->top - 8 - r->fn->pointers;
	cpu__forget(c, args, end);
	if (end > c->stale)
		c->stale = end;
	lockwalk__after_call(r->w, r->path, sp);
}

/* Of Add(delta), bounded, 0 if unknown; Done is Add(-1). */
static int32_t lockwalk__added(const struct lockwalk *w, const struct lockpath *p,
			       struct lockfn lock)
{
	struct cpu_value by;
	int32_t n;

	if (lock.act != LOCK_ADD)
		return -1;
	by = lockwalk__argument(w, p, 1);
	n = by.how == CPU_UNKNOWN ? 0 : (int32_t)by.v;
	return n > LOCKPATH_BALANCE_MAX    ? LOCKPATH_BALANCE_MAX
	       : n < -LOCKPATH_BALANCE_MAX ? -LOCKPATH_BALANCE_MAX
					   : n;
}

/* A TryLock (Go 1.18 and later: its result is in a register) succeeds on one path and fails on
 * another. */
static void run__try(struct run *r, struct lockfn lock, struct cpu_value addr, const struct uop *u)
{
	struct cpu_value *result = &r->path->cpu.reg[r->w->isa->args[0]];

	*result = (struct cpu_value){ 0, 8, CPU_HARD };
	run__fork(r, u->addr + u->len);
	*result = (struct cpu_value){ 1, 8, CPU_HARD };
	lockwalk__act(r->w, r->path, lock, addr, 0, u->addr);
}

/* Calls that only a run resolves, in so little code that it is run: the wrapper of a deferred
 * interface call. */
static bool lockwalk__is_thin(struct lockwalk *w, struct gofn *fn, uint64_t target)
{
	return fn->lock.role == LOCKFN_PLAIN && target == fn->entry && !gofns__decode(w->fns, fn) &&
	       fn->calls_unknown && fn->nr_uops <= THIN_UOPS;
}

/* A call that is not followed takes or gives back locks at unknown addresses. */
static void run__leave_effects(struct run *r, unsigned int effects, const struct uop *u)
{
	struct cpu_value unknown = { 0 };

	r->w->done |= (effects & LOCKWALK_DONE) != 0;
	if (effects & LOCKWALK_GIVES)
		lockwalk__give(r->w, r->path, unknown, LOCK_MUTEX, u->addr);
	if (effects & LOCKWALK_TAKES)
		lockwalk__take(r->w, r->path, unknown, LOCK_MUTEX);
}

/* A closure is called with its address in a register, and up to Go 1.16 its arguments on the stack. */
static void lockwalk__run_closure(struct lockwalk *w, struct lockpath *p,
				  const struct lock_defer *d, uint32_t depth)
{
	struct cpu *c = &p->cpu;
	uint64_t sp = c->reg[UOP_SP].v;
	struct cpu_value target = cpu__load(c, w->mem, d->fn, 8), word;
	struct gofn *fn;

	if (target.how == CPU_UNKNOWN || gofns__at(w->fns, target.v, &fn))
		return;
	lockwalk__after_call(w, p, sp);
	c->reg[w->isa->context] = (struct cpu_value){ d->fn, 8, CPU_HARD };
	for (uint32_t off = 0; off < d->args_bytes && off < CLOSURE_ARGS_MAX; off += 8) {
		word = cpu__load(c, w->mem, d->args + off, 8);
		cpu__store(c, sp + w->isa->args_at + off, 8, word);
	}
	if (fn->lock.role == LOCKFN_LOCK)
		lockwalk__act(w, p, fn->lock, lockwalk__argument(w, p, 0),
			      lockwalk__added(w, p, fn->lock), fn->entry);
	if (fn->lock.role != LOCKFN_PLAIN || depth >= LOCKWALK_DEPTH_MAX)
		return;
	lockwalk__enter(w, p);
	lockwalk__run(w, fn, fn->entry, p, depth + 1);
	c->reg[UOP_SP] = (struct cpu_value){ sp, 8, CPU_HARD };
	cpu__drop_below(c, sp);
}

/* Those of the path first: they were deferred later. */
void lockwalk__run_defers(struct lockwalk *w, struct lockpath *p, uint32_t depth)
{
	uint64_t sp = p->cpu.reg[UOP_SP].v;

	while (p->nr_defers && p->defer[p->nr_defers - 1].sp == sp) {
		struct lock_defer d = { .sp = sp };
		struct cpu_value size = { 0 };

		p->nr_defers--;
		d.fn = p->defer[p->nr_defers].fn;
		d.args = p->defer[p->nr_defers].args;
		memset(&p->defer[p->nr_defers], 0, sizeof(p->defer[0])); /* it is hashed */
		if (d.args)
			size = cpu__load(&p->cpu, w->mem, d.args - DEFER_ARGS, 4);
		d.args_bytes = (uint32_t)size.v;
		lockwalk__run_closure(w, p, &d, depth);
	}
	for (size_t i = 0; i < w->nr_defers; i++)
		if (w->defer[i].sp == sp)
			lockwalk__run_closure(w, p, &w->defer[i], depth);
}

/* deferprocStack(d *_defer), deferproc(fn func()): the latter not with arguments, as it was up to
 * Go 1.16. */
static void run__defer(struct run *r, bool on_stack)
{
	struct lockpath *p = r->path;
	struct cpu_value arg = lockwalk__argument(r->w, p, 0), fn = arg;

	if (on_stack && arg.how != CPU_UNKNOWN)
		fn = cpu__load(&p->cpu, r->w->mem, arg.v + DEFER_FN, 8);
	if (fn.how == CPU_UNKNOWN || (!on_stack && !r->w->regabi))
		return;
	if (p->nr_defers == LOCKPATH_DEFERS_MAX) {
		r->w->lost = true;
		return;
	}
	p->defer[p->nr_defers].sp = p->cpu.reg[UOP_SP].v;
	p->defer[p->nr_defers].fn = fn.v;
	p->defer[p->nr_defers].args = on_stack && !r->w->regabi ? arg.v + DEFER_ARGS : 0;
	p->nr_defers++;
}

/* Follows a call of fn, or passes it. false: it does not come back. */
static bool run__call(struct run *r, struct gofn *fn, uint64_t target, const struct uop *u,
		      uint32_t depth)
{
	struct cpu *c = &r->path->cpu;
	const struct isa *isa = r->w->isa;
	struct cpu_value sp = c->reg[UOP_SP], addr;
	unsigned int effects;
	int32_t by;
	int exits;

	/* Behind the last case of a select, up to Go 1.21, stands what follows a panic. */
	if (fn->lock.role == LOCKFN_NO_RETURN ||
	    (fn->lock.role == LOCKFN_DEFERRETURN && r->fn->open_coded))
		return false;
	if (fn->lock.role == LOCKFN_KEEPS_REGS || fn->lock.role == LOCKFN_BARRIER) {
		cpu__lose_regs(c, fn->lock.role == LOCKFN_KEEPS_REGS ? isa->duff_changes
								     : isa->barrier_changes);
		cpu__lose_flags(c);
		return true;
	}
	if (fn->lock.role == LOCKFN_LOCK && target == fn->entry) {
		addr = lockwalk__argument(r->w, r->path, 0);
		by = lockwalk__added(r->w, r->path, fn->lock);
		run__pass_call(r, fn);
		if (fn->lock.act == LOCK_TRY)
			run__try(r, fn->lock, addr, u);
		else
			lockwalk__act(r->w, r->path, fn->lock, addr, by, u->addr);
		return true;
	}
	if (fn->lock.role == LOCKFN_SEMA)
		r->w->sema = lockwalk__argument(r->w, r->path, 0).v;
	if (fn->lock.role == LOCKFN_DEFERRETURN)
		lockwalk__run_defers(r->w, r->path, depth);
	else if (fn->lock.role == LOCKFN_DEFERPROC || fn->lock.role == LOCKFN_DEFERPROC_STACK)
		run__defer(r, fn->lock.role == LOCKFN_DEFERPROC_STACK);
	effects = target == fn->entry ? lockwalk__effects(r->w, fn) : 0;
	if ((!effects && !lockwalk__is_thin(r->w, fn, target)) || r->w->counting ||
	    depth >= LOCKWALK_DEPTH_MAX) {
		run__pass_call(r, fn);
		run__leave_effects(r, effects, u);
		if (fn->lock.role == LOCKFN_DEFERPROC || fn->lock.role == LOCKFN_DEFERPROC_STACK)
			c->reg[isa->args[0]] = (struct cpu_value){ 0, 8, CPU_HARD };
		return true;
	}
	lockwalk__enter(r->w, r->path);
	exits = lockwalk__run(r->w, fn, fn->entry, r->path, depth + 1);
	c->reg[UOP_SP] = sp;
	cpu__drop_below(c, sp.v);
	if (exits < 0)
		run__pass_call(r, fn);
	return exits != 0;
}

static bool run__call_op(struct run *r, const struct uop *u, uint32_t depth)
{
	struct cpu_value to = { u->target, 8, CPU_HARD };
	struct gofn *fn;

	if (!u->target)
		to = cpu__read(&r->path->cpu, r->w->mem, &u->op[0]);
	if (to.how == CPU_UNKNOWN || gofns__at(r->w->fns, to.v, &fn)) {
		run__pass_call(r, NULL);
		return true;
	}
	return run__call(r, fn, to.v, u, depth);
}

/* --- jumps --- */

/*
 * The word of a table that a jump goes by: its own operand, or what the instruction before it has
 * loaded.
 */
static const struct uop_operand *run__table(const struct run *r, const struct uop *u)
{
	const struct uop *before = r->at ? u - 1 : u;

	if (u->op[0].type == UOP_REG && before->kind == UOP_MOV && before->op[0].type == UOP_REG &&
	    before->op[0].reg == u->op[0].reg && before->op[1].type == UOP_MEM &&
	    before->op[1].base != u->op[0].reg)
		return &before->op[1];
	return &u->op[0];
}

/* A jump by table[r] with r unknown: every way that the table knows. */
static void run__jump_table(struct run *r, const struct uop *u)
{
	const struct uop_operand *o = run__table(r, u);
	struct uop_operand base = *o;
	struct cpu_value table;

	base.index = UOP_NO_REG;
	table = cpu__address(&r->path->cpu, &base);
	if (o->type != UOP_MEM || o->index == UOP_NO_REG || o->scale != 8 ||
	    table.how == CPU_UNKNOWN) {
		r->w->lost = true;
		return;
	}
	for (uint64_t i = 0; i < JUMP_TABLE_MAX; i++) {
		uint64_t to;

		if (table.v % 8 || livemem__word(r->w->mem, table.v + 8 * i, &to) ||
		    to < r->fn->entry || to >= r->fn->end)
			break;
		run__fork(r, to);
	}
}

/* Goes to pc. What leaves the function is a tail call, and its return ours. */
static void run__jump(struct run *r, uint64_t pc, uint32_t depth, const struct uop *u)
{
	struct gofn *fn;

	if (!gofn__index(r->fn, pc, &r->at))
		return;
	if ((pc >= r->fn->entry && pc < r->fn->end) || gofns__at(r->w->fns, pc, &fn)) {
		r->w->lost = true;
		run__drop(r);
		return;
	}
	/* as if it were called: the return address is there already */
	r->path->cpu.reg[UOP_SP].v += r->w->isa->pushed;
	if (!run__call(r, fn, pc, u, depth)) {
		run__drop(r);
		return;
	}
	r->path->cpu.reg[UOP_SP].v -= r->w->isa->pushed;
	run__return(r);
}

static void run__branch(struct run *r, const struct uop *u, uint32_t depth)
{
	struct cpu *c = &r->path->cpu;
	struct cpu_value to = { u->target, 8, CPU_HARD };
	int yes = u->kind == UOP_JMP ? 1 : cpu__branches(c, r->w->mem, u);
	bool inside;

	if (!u->target)
		to = cpu__read(c, r->w->mem, &u->op[0]);
	inside = to.v >= r->fn->entry && to.v < r->fn->end;
	if (to.how == CPU_UNKNOWN || (to.how == CPU_SOFT && inside)) {
		run__jump_table(r, u);
		run__drop(r);
		return;
	}
	if (yes < 0)
		run__fork(r, to.v);
	if (yes <= 0)
		r->at++;
	else
		run__jump(r, to.v, depth, u);
}

/* An atomic instruction that is the heart of an inlined Lock or Unlock: it finds what lets the fast
 * path go on. */
static void run__lock_op(struct run *r, const struct uop *u)
{
	struct lockfn lock = { LOCKFN_LOCK, u->lock_act, u->lock_kind };
	struct cpu *c = &r->path->cpu;
	struct cpu_value addr = cpu__address(c, &u->op[0]), by = cpu__read(c, r->w->mem, &u->op[1]);
	uint64_t amount = u->lock_kind == LOCK_WRITE ? RWMUTEX_MAX_READERS : 1;
	uint64_t want = u->lock_act == LOCK_GIVE ? amount : 0 - amount;
	bool count = u->kind == UOP_XADD, rw = u->lock_kind != LOCK_MUTEX;

	if (u->lock_kind != LOCK_WRITE)
		want = 0 - want;
	if (rw && addr.how != CPU_UNKNOWN)
		addr.v -= RWMUTEX_COUNT;
	cpu__exec(c, r->w->mem, u);
	if (count && by.how != CPU_UNKNOWN && (uint32_t)by.v != (uint32_t)want)
		return; /* another word of the lock */
	if (u->lock_act == LOCK_TRY) {
		c->flags_known = 1;
		c->zf = 0;
		run__fork(r, u->addr + u->len); /* it may fail */
	}
	lockwalk__act(r->w, r->path, lock, addr, 0, u->addr);
	if (count && uop_found(u)->type == UOP_REG) {
		uint64_t found = u->lock_act == LOCK_GIVE ? 1 : 0;

		if (u->lock_kind == LOCK_WRITE)
			found = u->lock_act == LOCK_GIVE ? (uint32_t)-RWMUTEX_MAX_READERS : 0;
		cpu__set_reg(c, uop_found(u)->reg, (struct cpu_value){ found, 8, CPU_HARD });
	} else if (u->kind == UOP_CMPXCHG) {
		c->flags_known = c->zf = 1;
	}
}

/* Executes one instruction of the path. */
static void run__step(struct run *r, uint32_t depth)
{
	const struct uop *u = &r->fn->uops[r->at];

	switch (u->kind) {
	case UOP_STOP: run__drop(r); return;
	case UOP_RET: run__return(r); return;
	case UOP_JMP:
	case UOP_JCC: run__branch(r, u, depth); return;
	case UOP_CALL:
		if (run__call_op(r, u, depth))
			r->at++;
		else
			run__drop(r);
		return;
	default:
		if (u->lock_act != LOCK_NONE && u->locked)
			run__lock_op(r, u);
		else
			cpu__exec(&r->path->cpu, r->w->mem, u);
		r->at++;
	}
}

static void run__go(struct run *r, uint32_t depth)
{
	struct lockwalk *w = r->w;

	while (r->path && r->at < r->fn->nr_uops) {
		uint32_t visit = r->visit_of[r->at];

		if (!w->steps || r->path->cpu.lost || r->path->cpu.reg[UOP_SP].known < 8) {
			w->lost = true;
			break;
		}
		w->steps--;
		if (visit && !run__visit(r, &r->visits[visit]))
			break;
		run__step(r, depth);
	}
	run__drop(r);
}

int lockwalk__run(struct lockwalk *w, struct gofn *fn, uint64_t pc, struct lockpath *p,
		  uint32_t depth)
{
	struct run r;
	int32_t delta;
	int err = gofns__decode(w->fns, fn);

	memset(&r, 0, offsetof(struct run, waiting));
	if (!err)
		err = gofn__index(fn, pc, &r.at);
	if (!err)
		err = run__init(&r, w, fn);
	if (!err)
		r.path = lockpath_copy(p);
	if (!err && !r.path)
		err = -ENOMEM;
	if (!err && !w->regabi && !gosym__spdelta(gofns__runtime(w->fns)->sym, pc, &delta))
		r.top = p->cpu.reg[UOP_SP].v + (uint64_t)delta;
	if (!err)
		run__go(&r, depth);
	while (!err && r.nr_waiting) {
		r.nr_waiting--;
		r.path = r.waiting[r.nr_waiting].path;
		r.at = r.waiting[r.nr_waiting].at;
		run__go(&r, depth);
	}
	if (!err && r.exit) {
		memcpy(p, r.exit, lockpath_bytes(r.exit));
		err = 1;
	}
	run__done(&r);
	return err;
}
