/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/goglobals.h"

#include <errno.h>
#include <stdbool.h>

#include "code/isa.h"
#include "code/uop.h"
#include "golang/gofacts.h"

#define TARGETS_MAX     192   /* operands collected */
#define GOGLOBALS_P_MAX 65536 /* bytes of a P */

int goglobals_code(const struct addrspace *as, const struct gofunc *fn, uint8_t *ret,
		   size_t *ret_len)
{
	size_t len;
	int err;

	if (!fn->entry || fn->end <= fn->entry)
		return -EBADMSG;
	len = fn->end - fn->entry < GOGLOBALS_CODE_MAX ? fn->end - fn->entry : GOGLOBALS_CODE_MAX;
	err = addrspace__read(as, fn->entry, ret, len);
	if (!err)
		*ret_len = len;
	return err;
}

static bool is_target(const uint64_t *targets, size_t nr, uint64_t addr)
{
	for (size_t i = 0; i < nr; i++)
		if (targets[i] == addr)
			return true;
	return false;
}

/* From the start of the function; behind its last instruction, or if it is no code, that fails. */
struct walk {
	const struct goarch *arch;
	struct code code;
	uint64_t next;
	struct coderef_regs regs;
	struct coderef ref;
};

static struct walk walk_of(const struct goarch *arch, const uint8_t *code, size_t len,
			   uint64_t addr)
{
	size_t max = len < GOGLOBALS_CODE_MAX ? len : GOGLOBALS_CODE_MAX;

	return (struct walk){ .arch = arch, .code = { addr, code, max }, .next = addr };
}

static bool walk__step(struct walk *w)
{
	if (w->arch->next_ref(&w->code, w->next, &w->regs, &w->ref))
		return false;
	w->next += w->ref.len;
	return true;
}

/* Words that are loaded and stored, each once, in order; at most max. */
static size_t collect_targets(struct walk w, uint64_t *targets, size_t max)
{
	size_t nr = 0;

	while (nr < max && walk__step(&w)) {
		if (w.ref.kind != CODEREF_LOAD && w.ref.kind != CODEREF_STORE)
			continue;
		for (uint64_t i = 0; i < w.ref.words && nr < max; i++)
			if (!is_target(targets, nr, w.ref.at + 8 * i))
				targets[nr++] = w.ref.at + 8 * i;
	}
	return nr;
}

int goglobals_slices(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		     uint64_t *ret, size_t *ret_nr)
{
	uint64_t targets[TARGETS_MAX];
	size_t nr = collect_targets(walk_of(arch, code, len, addr), targets, TARGETS_MAX);
	size_t found = 0;

	for (size_t i = 0; i < nr && found < GOGLOBALS_SLICES_MAX; i++)
		if (targets[i] % 8 == 0 && is_target(targets, nr, targets[i] + 8) &&
		    is_target(targets, nr, targets[i] + 16))
			ret[found++] = targets[i];
	if (!found)
		return -EBADMSG;
	*ret_nr = found;
	return 0;
}

int goglobals_allgs(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		    uint64_t *ret)
{
	uint64_t found[GOGLOBALS_SLICES_MAX];
	size_t nr;
	int err = goglobals_slices(arch, code, len, addr, found, &nr);

	if (err || nr != 1)
		return -EBADMSG;
	*ret = found[0];
	return 0;
}

int goglobals_receiver(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		       uint64_t callee, uint64_t *ret)
{
	struct walk w = walk_of(arch, code, len, addr);
	uint64_t last = 0, found = 0;

	while (walk__step(&w)) {
		if (w.ref.kind == CODEREF_ADDRESS)
			last = w.ref.at;
		if (w.ref.kind != CODEREF_CALL || w.ref.at != callee)
			continue;
		if (!last || (found && found != last))
			return -EBADMSG;
		found = last;
	}
	if (!found || found % 8)
		return -EBADMSG;
	*ret = found;
	return 0;
}

int goglobals_profile_rate(const struct goarch *arch, const uint8_t *code, size_t len,
			   uint64_t addr, int minor, uint64_t *ret)
{
	uint64_t targets[2], rate;

	if (collect_targets(walk_of(arch, code, len, addr), targets, 2) != 2)
		return -EBADMSG;
	rate = targets[gofacts_has(minor, arch->regabi)];
	if (rate % 8)
		return -EBADMSG;
	*ret = rate;
	return 0;
}

int goglobals_gcstart(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		      uint64_t *ret)
{
	struct walk w = walk_of(arch, code, len, addr);

	while (walk__step(&w)) {
		if (w.ref.kind != CODEREF_STORE)
			continue;
		if (w.ref.at % 8)
			return -EBADMSG;
		*ret = w.ref.at;
		return 0;
	}
	return -EBADMSG;
}

#define LOADED 2

/* What newproc1 did last, of what goglobals_goids() looks for. */
struct goids {
	uint64_t named;      /* by a lea that only a mov and nops came after; 0: not */
	uint8_t address, nr; /* it is in this register; and this one has GOGLOBALS_GOIDS */
	/* the members, of whatever, that were loaded last, the newest first, and into which registers */
	int64_t loaded[LOADED];
	uint8_t loaded_to[LOADED];
	int32_t next; /* the first of two members side by side that were compared last */
};

static uint8_t reg_of(const struct uop_operand *op)
{
	return op->type == UOP_REG ? op->reg : UOP_NO_REG;
}

/* A member of what a register points at; 0: it is none. */
static int64_t member(const struct uop_operand *op)
{
	const int64_t at = op->type == UOP_MEM && op->base != UOP_NO_REG ? (int64_t)op->value : 0;

	return op->size == 8 && at > 0 && at < GOGLOBALS_P_MAX ? at : 0;
}

/* The member that a compare has, from memory or from the register that it was loaded into; 0: none. */
static int64_t goids__compared(const struct goids *g, const struct uop_operand *op)
{
	for (int i = 0; i < LOADED; i++)
		if (g->loaded[i] && reg_of(op) == g->loaded_to[i])
			return g->loaded[i];
	return member(op);
}

static void goids__compare(struct goids *g, const struct uop *u)
{
	const int64_t a = goids__compared(g, &u->op[0]), b = goids__compared(g, &u->op[1]);

	if (a && b && (a == b + 8 || b == a + 8))
		g->next = (int32_t)(a < b ? a : b);
}

static void goids__load(struct goids *g, const struct uop *u)
{
	g->loaded[1] = g->loaded[0];
	g->loaded_to[1] = g->loaded_to[0];
	g->loaded[0] = member(&u->op[1]);
	g->loaded_to[0] = reg_of(&u->op[0]);
}

static void goids__forget(struct goids *g, uint32_t changes)
{
	if (g->nr != UOP_NO_REG && changes >> g->nr & 1)
		g->nr = UOP_NO_REG;
	for (int i = 0; i < LOADED; i++)
		if (g->loaded[i] && changes >> g->loaded_to[i] & 1)
			g->loaded[i] = 0;
}

static void goids__follow(struct goids *g, const struct uop *u)
{
	const struct uop_operand *a = &u->op[0], *b = &u->op[1];

	if (u->kind == UOP_CMP)
		goids__compare(g, u);
	goids__forget(g, u->changes);
	if (u->kind == UOP_LEA) {
		g->named = uop_address(u);
		g->address = reg_of(a);
	} else if (u->kind == UOP_MOV && b->type == UOP_IMM) {
		if (b->value == GOGLOBALS_GOIDS)
			g->nr = reg_of(a);
	} else if (u->kind == UOP_MOV && reg_of(a) != UOP_NO_REG && member(b)) {
		goids__load(g, u);
		g->named = 0;
	} else if (u->kind != UOP_NOP) {
		g->named = 0;
	}
}

/* Ids are taken: sched.goidgen.Add(GOGLOBALS_GOIDS). */
static bool goids__takes(const struct goids *g, const struct uop *u)
{
	const struct uop_operand *to = &u->op[0];

	return g->named && u->kind == UOP_XADD && to->type == UOP_MEM && to->size == 8 &&
	       to->base == g->address && g->address != UOP_NO_REG && !to->value &&
	       g->nr != UOP_NO_REG && reg_of(&u->op[1]) == g->nr;
}

int goglobals_goids(const struct goarch *arch, const uint8_t *code, size_t len, uint64_t addr,
		    uint64_t *ret_gen, int32_t *ret_next)
{
	const struct code all = walk_of(arch, code, len, addr).code;
	const struct isa *isa = isa_of(arch->machine);
	struct goids g = { .address = UOP_NO_REG, .nr = UOP_NO_REG };
	struct uop u[ISA_UOPS_MAX];
	uint64_t found = 0;
	unsigned int times = 0;
	int32_t next = 0;
	int nr;

	for (uint64_t at = addr; (nr = isa->decode(&all, at, u)) > 0; at += u[0].len) {
		for (int i = 0; i < nr; i++) {
			if (goids__takes(&g, &u[i])) {
				if (times++ && (found != g.named || next != g.next))
					return -EBADMSG;
				found = g.named;
				next = g.next;
			}
			goids__follow(&g, &u[i]);
		}
	}
	if (!times || times > arch->atomic_ways || found % 8 || next <= 0 || next % 8)
		return -EBADMSG;
	*ret_gen = found;
	*ret_next = next;
	return 0;
}
