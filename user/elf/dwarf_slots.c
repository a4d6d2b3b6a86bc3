/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_slots: which variable of a function lies in a word of its frame.
 *
 * Go says it in location lists: DW_OP_fbreg, or DW_OP_call_frame_cfa for 0, from the end of the
 * frame; of what is split up, DW_OP_piece by DW_OP_piece (Go cmd/internal/dwarf,
 * cmd/compile/internal/ssa/debug.go). Each list begins with the address of its function, so all in
 * it is relative to that: .debug_loc up to Go 1.24, .debug_loclists from 1.25 on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "elf/dwarf_vars_state.h"

#define NESTED_MAX  16   /* inlined calls in inlined calls */
#define ENTRIES_MAX 4096 /* of one list */
#define OPS_MAX     64   /* of one expression */

/* Bytes that are gone through; what lies behind them is 0. */
struct cursor {
	const uint8_t *at, *end;
};

struct slot_query {
	struct dwarf_vars *v;
	uint64_t at; /* from the start of the function */
	int64_t cfa_offset;
	struct dwarf_slot *ret;
};

static uint64_t get(struct cursor *c, size_t bytes)
{
	uint64_t v = 0;

	if ((size_t)(c->end - c->at) < bytes) {
		c->at = c->end;
		return 0;
	}
	memcpy(&v, c->at, bytes);
	c->at += bytes;
	return v;
}

static uint64_t get_uleb(struct cursor *c)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; c->at < c->end; shift += 7) {
		const uint8_t b = *c->at++;

		v |= shift < 64 ? (uint64_t)(b & 0x7f) << shift : 0;
		if (!(b & 0x80))
			break;
	}
	return v;
}

static int64_t get_sleb(struct cursor *c)
{
	uint64_t v = 0;
	unsigned int shift = 0;
	uint8_t b = 0;

	while (c->at < c->end) {
		b = *c->at++;
		v |= shift < 64 ? (uint64_t)(b & 0x7f) << shift : 0;
		shift += 7;
		if (!(b & 0x80))
			break;
	}
	return (int64_t)(shift < 64 && b & 0x40 ? v | UINT64_MAX << shift : v);
}

/* --- expressions --- */

/* Is the word in question among the size bytes that lie at `where`? */
static bool holds(const struct slot_query *q, int64_t where, uint64_t size, uint64_t *ret_into)
{
	*ret_into = (uint64_t)q->cfa_offset - (uint64_t)where;
	return *ret_into < size;
}

/* size: of the variable. *ret: how far the word is from its start. */
static bool expr_holds(const struct slot_query *q, struct cursor c, uint64_t size, uint64_t *ret)
{
	bool in_frame = false;
	uint64_t before = 0;
	int64_t where = 0;

	for (unsigned int i = 0; c.at < c.end && i < OPS_MAX; i++) {
		const uint8_t op = (uint8_t)get(&c, 1);

		if (op == DW_OP_call_frame_cfa) {
			in_frame = true;
			where = 0;
		} else if (op == DW_OP_fbreg) {
			in_frame = true;
			where = get_sleb(&c);
		} else if (op == DW_OP_piece) {
			const uint64_t bytes = get_uleb(&c);

			if (in_frame && holds(q, where, bytes, ret)) {
				*ret += before;
				return *ret < size;
			}
			before += bytes;
			in_frame = false;
			if (before > size)
				return false;
		} else if (op >= DW_OP_reg0 && op <= DW_OP_reg31) {
			in_frame = false;
		} else {
			return false; /* it is computed: not known here */
		}
	}
	return in_frame && !before && holds(q, where, size, ret);
}

/* --- lists --- */

static bool list4_holds(const struct slot_query *q, struct cursor c, uint64_t size, uint64_t *ret)
{
	for (unsigned int i = 0; c.at < c.end && i < ENTRIES_MAX; i++) {
		const uint64_t from = get(&c, 8), to = get(&c, 8);
		uint64_t len;

		if (!from && !to)
			return false;
		if (from == UINT64_MAX)
			continue; /* the function */
		len = get(&c, 2);
		if (len > (size_t)(c.end - c.at))
			return false;
		if (q->at >= from && q->at < to)
			return expr_holds(q, (struct cursor){ c.at, c.at + len }, size, ret);
		c.at += len;
	}
	return false;
}

static bool list5_holds(const struct slot_query *q, struct cursor c, uint64_t size, uint64_t *ret)
{
	for (unsigned int i = 0; c.at < c.end && i < ENTRIES_MAX; i++) {
		const uint8_t kind = (uint8_t)get(&c, 1);
		uint64_t from, to, len;

		if (kind == DW_LLE_base_addressx) {
			(void)get_uleb(&c);
			continue;
		}
		if (kind != DW_LLE_offset_pair)
			return false;
		from = get_uleb(&c);
		to = get_uleb(&c);
		len = get_uleb(&c);
		if (len > (size_t)(c.end - c.at))
			return false;
		if (q->at >= from && q->at < to)
			return expr_holds(q, (struct cursor){ c.at, c.at + len }, size, ret);
		c.at += len;
	}
	return false;
}

static bool location_holds(const struct slot_query *q, Dwarf_Die die, uint64_t size, uint64_t *ret)
{
	const struct dwarf_blob *blob = q->v->loclists.size ? &q->v->loclists : &q->v->loc;
	uint8_t expr[DWARF_EXPR_MAX];
	Dwarf_Off list;
	size_t len;

	if (!dwarf_die_expr(q->v->dbg, die, DW_AT_location, expr, sizeof(expr), &len))
		return expr_holds(q, (struct cursor){ expr, expr + len }, size, ret);
	if (dwarf_die_ref(q->v->dbg, die, DW_AT_location, &list) || list >= blob->size)
		return false;
	return (q->v->loclists.size ? list5_holds
				    : list4_holds)(q,
						   (struct cursor){ blob->data + list,
								    blob->data + blob->size },
						   size, ret);
}

/* --- entries --- */

/*
 * Name and type stand at the entry, or at the one of the function that was inlined. *ret is to be
 * freed if it is not die.
 */
static int origin_of(struct dwarf_vars *v, Dwarf_Die die, Dwarf_Die *ret)
{
	Dwarf_Off off;

	*ret = die;
	if (dwarf_die_ref(v->dbg, die, DW_AT_abstract_origin, &off))
		return 0;
	return dwarf_die_at(v->dbg, off, ret);
}

static bool variable_holds(const struct slot_query *q, Dwarf_Die die, Dwarf_Half tag)
{
	struct dwarf_slot s = { .argument = tag == DW_TAG_formal_parameter };
	Dwarf_Die origin;
	uint64_t size;
	Dwarf_Off off;
	char *name;
	bool found;

	if (origin_of(q->v, die, &origin))
		return false;
	found = !dwarf_die_name(q->v->dbg, origin, &name) &&
		!dwarf_die_ref(q->v->dbg, origin, DW_AT_type, &off) &&
		!dwarf_vars__size(q->v, off, &size) && location_holds(q, die, size, &s.offset);
	if (found) {
		snprintf(s.name, sizeof(s.name), "%s", name);
		s.type = off;
		*q->ret = s;
	}
	if (origin != die)
		dwarf_dealloc_die(origin);
	return found;
}

/* Below a function, a block, or a call that was inlined; *found: it is told. */
static int look_below(const struct slot_query *q, Dwarf_Die parent, unsigned int depth, bool *found)
{
	Dwarf_Die die;
	int err = dwarf_die_child(q->v->dbg, parent, &die);

	while (!err) {
		Dwarf_Half tag;

		if (!dwarf_die_tag(q->v->dbg, die, &tag)) {
			if (tag == DW_TAG_variable || tag == DW_TAG_formal_parameter)
				*found = variable_holds(q, die, tag);
			else if ((tag == DW_TAG_lexical_block ||
				  tag == DW_TAG_inlined_subroutine) &&
				 depth < NESTED_MAX)
				err = look_below(q, die, depth + 1, found);
		}
		if (*found || (err && err != -ENOENT)) {
			dwarf_dealloc_die(die);
			return *found ? 0 : err;
		}
		err = dwarf_vars__next(q->v, die, &die);
	}
	return err;
}

/* --- functions --- */

/* An entry with code. */
static bool is_function(struct dwarf_vars *v, Dwarf_Die die, const char *func)
{
	Dwarf_Die origin;
	Dwarf_Half tag;
	bool found;
	char *name;

	if (dwarf_die_tag(v->dbg, die, &tag) || tag != DW_TAG_subprogram ||
	    !dwarf_die_has(v->dbg, die, DW_AT_low_pc) || origin_of(v, die, &origin))
		return false;
	found = !dwarf_die_name(v->dbg, origin, &name) && !strcmp(name, func);
	if (origin != die)
		dwarf_dealloc_die(origin);
	return found;
}

static int find_in_unit(struct dwarf_vars *v, Dwarf_Die unit, const char *func, uint64_t *ret)
{
	Dwarf_Die die;
	int err = dwarf_die_child(v->dbg, unit, &die);

	while (!err) {
		if (is_function(v, die, func)) {
			Dwarf_Off off;

			err = dwarf_die_offset(v->dbg, die, &off);
			dwarf_dealloc_die(die);
			if (!err)
				*ret = off;
			return err;
		}
		err = dwarf_vars__next(v, die, &die);
	}
	return err;
}

static const struct known_func *function(struct dwarf_vars *v, const char *func)
{
	struct known_func *f;

	for (size_t i = 0; i < DWARF_FUNCS_KNOWN && i < v->nr_funcs; i++)
		if (!strcmp(v->funcs[i].name, func))
			return &v->funcs[i];
	f = &v->funcs[v->nr_funcs++ % DWARF_FUNCS_KNOWN];
	snprintf(f->name, sizeof(f->name), "%s", func);
	f->err = dwarf_vars__search(v, func, find_in_unit, &f->die);
	return f;
}

int dwarf_vars__slot(struct dwarf_vars *v, const char *func, uint64_t at, int64_t cfa_offset,
		     struct dwarf_slot *ret)
{
	const struct slot_query q = { v, at, cfa_offset, ret };
	const struct known_func *f;
	bool found = false;
	Dwarf_Die die;
	int err;

	if (strlen(func) >= DWARF_FUNC_NAME_MAX)
		return -ENOENT;
	f = function(v, func);
	if (f->err)
		return f->err;
	err = dwarf_die_at(v->dbg, f->die, &die);
	if (err)
		return err;
	err = look_below(&q, die, 0, &found);
	dwarf_dealloc_die(die);
	return found ? 0 : err ? err : -ENOENT;
}
