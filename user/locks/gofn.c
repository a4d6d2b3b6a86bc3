/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/gofn.h"

#include <errno.h>
#include <string.h>

#include "golang/gofacts.h"
#include "golang/moduledata.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define PAGES_BYTES (256u << 10)
/* FUNCDATA_LocalsPointerMaps: Go internal/abi/symtab.go, all versions */
#define FUNCDATA_LOCALS_MAPS 1
#define LOCALS_WORDS_MAX     (1u << 16)
/* instructions from an atomic one to the branch that decides by it */
#define RESULT_WITHIN 8

struct known {
	uint64_t entry; /* key */
	UT_hash_handle hh;
	struct gofn fn;
};

struct gofns {
	const struct addrspace *as; /* borrowed */
	const struct goruntime *rt; /* borrowed */
	const struct isa *isa;      /* of its code */
	struct pagecache *pages;
	struct pclntab *tables; /* of rt->nr_modules modules; NULL: not to be had, and frames are
				   taken as Go 1.17's */
	struct known *known;
	uint8_t *bytes; /* GOFN_CODE_MAX of them */
	size_t code_bytes;
};

/* The tables of arguments: their place is known for versions that the table of layouts has. */
static int gofns__read_tables(struct gofns *f)
{
	const struct golayout_row *row = golayout_row(f->rt->minor, f->rt->machine);
	struct moduledata md;

	if (!row)
		return 0;
	f->tables = calloc(f->rt->nr_modules, sizeof(*f->tables));
	if (!f->tables)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->rt->nr_modules; i++) {
		int err = moduledata_read(f->as, f->rt->modules[i].moduledata, f->rt->minor,
					  &row->tables, &md);

		if (err)
			return err;
		f->tables[i] = md.tab;
	}
	return 0;
}

int gofns__new(const struct addrspace *as, const struct goruntime *rt, struct gofns **ret)
{
	scoped(gofns) f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->as = as;
	f->rt = rt;
	f->isa = isa_of(rt->machine);
	f->bytes = malloc(GOFN_CODE_MAX);
	if (!f->bytes)
		return -ENOMEM;
	err = pagecache__new(as, PAGES_BYTES, &f->pages);
	if (!err)
		err = gofns__read_tables(f);
	if (err)
		return err;
	*ret = steal(f);
	return 0;
}

void gofns__free(struct gofns *f)
{
	struct known *k, *next;

	if (!f)
		return;
	HASH_ITER(hh, f->known, k, next)
	{
		HASH_DEL(f->known, k);
		free(k->fn.uops);
		free(k);
	}
	pagecache__free(f->pages);
	free(f->tables);
	free(f->bytes);
	free(f);
}

const struct goruntime *gofns__runtime(const struct gofns *f)
{
	return f->rt;
}

size_t gofns__memory_bytes(const struct gofns *f)
{
	return sizeof(*f) + GOFN_CODE_MAX + pagecache__bytes(f->pages) + f->code_bytes +
	       HASH_COUNT(f->known) * sizeof(struct known);
}

void gofns__trim(struct gofns *f)
{
	struct known *k, *next;

	if (f->code_bytes <= GOFN_BYTES_MAX)
		return;
	HASH_ITER(hh, f->known, k, next)
	{
		free(k->fn.uops);
		k->fn.uops = NULL;
	}
	f->code_bytes = 0;
}

/* --- what the tables tell --- */

/*
 * runtime._func.args follows nameOff in all versions (Go runtime/runtime2.go); its sign bit alone:
 * unknown. The pointer map of the locals, runtime.stackmap {n, nbit i32}, has one bit a word, and
 * ends at the top of the frame. FUNCDATA_OpenCodedDeferInfo is 5 in Go 1.15, then 4.
 */
static void gofns__read_frame(struct gofns *f, uint32_t module, struct gofn *fn)
{
	const struct pclntab *t = &f->tables[module];
	struct pcfunc pcfn;
	uint64_t maps, defers;
	uint32_t args, nbit;

	if (pclntab_func_at(t, f->pages, fn->entry, &pcfn))
		return;
	if (!pagecache__u32(f->pages, pcfn.addr + (uint64_t)t->lay.fn_nameoff + 4, &args) &&
	    args <= GOFN_ARGS_MAX)
		fn->args = (int32_t)args;
	if (!pclntab_funcdata(t, f->pages, &pcfn, FUNCDATA_LOCALS_MAPS, &maps) && maps &&
	    !pagecache__u32(f->pages, maps + 4, &nbit) && nbit <= LOCALS_WORDS_MAX)
		fn->pointers = nbit * 8;
	fn->open_coded = !pclntab_funcdata(t, f->pages, &pcfn,
					   gofacts_of(f->rt->minor)->funcdata_opencoded, &defers) &&
			 defers;
}

/*
 * The table does not tell for package sync/atomic up to Go 1.16, which is assembly. What sync.Once
 * defers takes an address and a word.
 */
static int32_t args_by_name(const char *name)
{
	return strncmp(name, "sync/atomic.Store", 17) ? -1 : 16;
}

static const char *gofns__name(struct gofns *f, uint64_t entry)
{
	struct goframe frame;

	/* Of several frames the last is the function's own: see gosym__frames(). */
	if (gosym__frames(f->rt->sym, entry, false, &frame, 1) < 1)
		return "";
	return frame.func;
}

int gofns__at(struct gofns *f, uint64_t pc, struct gofn **ret)
{
	const char *name;
	struct gofunc at;
	struct known *k;
	int err;

	HASH_FIND(hh, f->known, &pc, sizeof(pc), k); /* as a rule it is an entry */
	if (k) {
		*ret = &k->fn;
		return 0;
	}
	err = gosym__func_at(f->rt->sym, pc, &at);
	if (err)
		return err;
	HASH_FIND(hh, f->known, &at.entry, sizeof(at.entry), k);
	if (!k) {
		if (HASH_COUNT(f->known) >= GOFN_NR_MAX)
			return -ENOSPC;
		k = calloc(1, sizeof(*k));
		if (!k)
			return -ENOMEM;
		k->entry = at.entry;
		name = gofns__name(f, at.entry);
		k->fn = (struct gofn){ .entry = at.entry,
				       .end = at.end,
				       .args = args_by_name(name),
				       .lock = lockfn_of(name) };
		if (f->tables && at.module < f->rt->nr_modules)
			gofns__read_frame(f, at.module, &k->fn);
		HASH_ADD(hh, f->known, entry, sizeof(k->entry), k);
		if (!k->hh.tbl) {
			free(k);
			return -ENOMEM;
		}
	}
	*ret = &k->fn;
	return 0;
}

/* --- code --- */

int gofn__index(const struct gofn *fn, uint64_t pc, uint32_t *ret)
{
	uint32_t lo = 0, hi = fn->nr_uops;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (fn->uops[mid].addr < pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == fn->nr_uops || fn->uops[lo].addr != pc)
		return -ENOENT;
	*ret = lo;
	return 0;
}

static struct lockfn gofns__inlined_at(struct gofns *f, uint64_t pc)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	const char *names[GOSYM_INLINE_MAX];
	int nr = gosym__frames(f->rt->sym, pc, false, frames, GOSYM_INLINE_MAX);

	for (int i = 0; i < nr; i++)
		names[i] = frames[i].func;
	return lockfn_of_inlined(names, nr > 0 ? (size_t)nr : 0);
}

/* Whether `next` looks at what the atomic instruction u has found. */
static bool uses_result(const struct uop *u, const struct uop *next)
{
	if (u->kind == UOP_CMPXCHG)
		return next->kind == UOP_SETCC || next->kind == UOP_TEST || next->kind == UOP_JCC;
	for (int i = 0; u->kind == UOP_XADD && i < 3; i++)
		if ((next->op[i].type == UOP_REG && next->op[i].reg == uop_found(u)->reg) ||
		    (next->op[i].type == UOP_MEM && next->op[i].base == uop_found(u)->reg))
			return true;
	return false;
}

/*
 * An atomic instruction whose address is computed in it is the caller's by its place in the source;
 * what looks at its result, up to the branch that decides by it, is still the inlined function's.
 */
static void gofns__mark_lock(struct gofns *f, struct gofn *fn, uint32_t i)
{
	struct uop *u = &fn->uops[i];
	struct lockfn lock;

	if (!u->locked || u->op[0].type != UOP_MEM)
		return;
	lock = gofns__inlined_at(f, u->addr);
	for (uint32_t k = i + 1;
	     lock.role != LOCKFN_LOCK && k < fn->nr_uops && k <= i + RESULT_WITHIN; k++) {
		const struct uop *next = &fn->uops[k];

		if (uses_result(u, next))
			lock = gofns__inlined_at(f, next->addr);
		if (next->locked || next->kind == UOP_JCC || next->kind == UOP_CALL)
			break;
	}
	u->lock_act = lock.act;
	u->lock_kind = lock.kind;
	if (lock.act != LOCK_NONE)
		fn->touches = true;
}

/* A sum of the stack pointer: the address of a variable, unless it is the frame pointer or the check
 * of the stack's end. */
static bool takes_address(const struct isa *isa, const struct uop *u)
{
	const struct uop_operand *o = &u->op[1];

	return u->kind == UOP_LEA && o->type == UOP_MEM && o->base == UOP_SP &&
	       o->index == UOP_NO_REG && u->op[0].reg != isa->frame && u->op[0].reg != UOP_SP &&
	       o->value <= INT32_MAX;
}

static void gofn__mark_shared(struct gofn *fn, const struct isa *isa, const struct uop *u)
{
	if (!takes_address(isa, u))
		return;
	for (uint32_t i = 0; i < fn->nr_shared; i++)
		if ((uint64_t)fn->shared[i] == u->op[1].value)
			return;
	if (fn->nr_shared < GOFN_SHARED_MAX)
		fn->shared[fn->nr_shared++] = (int32_t)u->op[1].value;
}

size_t gofns__shared_with_call(const struct gofns *f, const struct gofn *fn, uint64_t pc,
			       int32_t ret[GOFN_SHARED_MAX])
{
	size_t nr = 0;
	uint32_t i;

	if (gofn__index(fn, pc, &i) || !i)
		return 0;
	for (i--; i > 0 && nr < GOFN_SHARED_MAX && fn->uops[i - 1].kind != UOP_CALL; i--)
		if (takes_address(f->isa, &fn->uops[i - 1]))
			ret[nr++] = (int32_t)fn->uops[i - 1].op[1].value;
	return nr;
}

static void gofns__mark(struct gofns *f, struct gofn *fn)
{
	struct gofn *callee;
	uint32_t to;

	fn->nr_shared = 0;
	for (uint32_t i = 0; i < fn->nr_uops; i++) {
		struct uop *u = &fn->uops[i];

		gofns__mark_lock(f, fn, i);
		gofn__mark_shared(fn, f->isa, u);
		if (u->kind == UOP_CALL && !u->target)
			fn->calls_unknown = true;
		else if (u->kind == UOP_CALL && !gofns__at(f, u->target, &callee) &&
			 (callee->lock.role == LOCKFN_LOCK ||
			  callee->lock.role == LOCKFN_DEFERRETURN))
			fn->touches = true;
		else if ((u->kind == UOP_JCC || u->kind == UOP_JMP) && u->target &&
			 !gofn__index(fn, u->target, &to))
			fn->uops[to].is_target = true;
	}
}

static int gofns__decode_bytes(struct gofns *f, struct gofn *fn)
{
	struct code code = { fn->entry, f->bytes, (size_t)(fn->end - fn->entry) };
	size_t room = code.len / 3 + 16;
	scoped_mem struct uop *uops = reallocarray(NULL, room, sizeof(*uops));
	uint32_t nr = 0;
	struct uop *all;

	if (!uops)
		return -ENOMEM;
	for (uint64_t at = fn->entry; at < fn->end; at += uops[nr - 1].len) {
		int more;

		if (nr + ISA_UOPS_MAX > room) {
			room += room / 2;
			all = reallocarray(uops, room, sizeof(*uops));
			if (!all)
				return -ENOMEM;
			uops = all;
		}
		more = f->isa->decode(&code, at, &uops[nr]);
		if (more < 0)
			break; /* padding, or data behind the code */
		nr += (uint32_t)more;
	}
	while (nr && uops[nr - 1].kind == UOP_STOP && uops[nr - 1].len == 1)
		nr--; /* int3, up to the next function */
	if (!nr)
		return -EBADMSG;
	all = reallocarray(uops, nr, sizeof(*uops));
	fn->uops = all ? all : uops;
	fn->nr_uops = nr;
	uops = NULL;
	f->code_bytes += nr * sizeof(*uops);
	return 0;
}

int gofns__decode(struct gofns *f, struct gofn *fn)
{
	int err;

	if (fn->refused || !f->isa)
		return -EBADMSG;
	if (fn->uops)
		return 0;
	err = fn->end <= fn->entry || fn->end - fn->entry > GOFN_CODE_MAX ? -E2BIG : 0;
	if (!err)
		err = addrspace__read(f->as, fn->entry, f->bytes, (size_t)(fn->end - fn->entry));
	if (!err)
		err = gofns__decode_bytes(f, fn);
	if (err) {
		fn->refused = err != -ENOMEM;
		return err;
	}
	gofns__mark(f, fn);
	return 0;
}
