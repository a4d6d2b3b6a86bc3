/* SPDX-License-Identifier: BSD-2-Clause */
#include "elf/dwarf_vars.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "elf/dwarf_vars_state.h"

#define AT_GO_KIND  0x2900 /* Go cmd/internal/dwarf/dwarf.go DW_AT_go_kind */
#define GO_SLICE    23     /* reflect.Slice */
#define GO_STRING   24
#define GO_KINDS    31 /* the bits of a kind */
#define DIES_MAX    20000000u
#define MEMBERS_MAX 4096

void dwarf_vars__free(struct dwarf_vars *v)
{
	if (!v)
		return;
	if (v->dbg)
		dwarf_sections_close(v->dbg);
	dwarf_sections__done(&v->sections);
	free(v->loc.data);
	free(v->loclists.data);
	free(v);
}

int dwarf_vars__open(const struct elf_file *f, uint64_t max_info, struct dwarf_vars **ret,
		     struct cause *why)
{
	scoped(dwarf_vars) v = calloc(1, sizeof(*v));
	int err;

	if (!v)
		return -ENOMEM;
	err = dwarf_sections__init(&v->sections, f, max_info, why);
	if (!err)
		err = dwarf_sections__open(&v->sections, &v->dbg, why);
	if (err)
		return err;
	/* Without them only the names of variables in frames are lost. */
	if (dwarf_blob_load(f, ".debug_loclists", max_info, &v->loclists) == -ENOMEM ||
	    dwarf_blob_load(f, ".debug_loc", max_info, &v->loc) == -ENOMEM)
		return -ENOMEM;
	*ret = steal(v);
	return 0;
}

/* --- variables --- */

int dwarf_vars__next(struct dwarf_vars *v, Dwarf_Die die, Dwarf_Die *ret)
{
	if (++v->nr_visited <= DIES_MAX)
		return dwarf_die_next(v->dbg, die, ret);
	if (die)
		dwarf_dealloc_die(die);
	return -EBADMSG;
}

static bool is_variable(struct dwarf_vars *v, Dwarf_Die die, const char *variable)
{
	Dwarf_Half tag;
	char *name;

	return !dwarf_die_tag(v->dbg, die, &tag) && tag == DW_TAG_variable &&
	       !dwarf_die_name(v->dbg, die, &name) && !strcmp(name, variable);
}

static int dwarf_vars__in_unit(struct dwarf_vars *v, Dwarf_Die unit, const char *variable,
			       uint64_t *ret_type)
{
	Dwarf_Die die;
	int err = dwarf_die_child(v->dbg, unit, &die);

	while (!err) {
		if (is_variable(v, die, variable)) {
			Dwarf_Off off;

			err = dwarf_die_ref(v->dbg, die, DW_AT_type, &off);
			dwarf_dealloc_die(die);
			if (!err)
				*ret_type = off;
			return err;
		}
		err = dwarf_vars__next(v, die, &die);
	}
	return err;
}

/*
 * Whether a unit of this name has the package of a variable or function of this full name. Of
 * "example.com/x/server.pool" it is all before the first dot behind the last slash.
 */
static bool is_package_of(const char *unit, const char *variable)
{
	const char *slash = strrchr(variable, '/');
	const char *dot = strchr(slash ? slash : variable, '.');
	size_t len = dot ? (size_t)(dot - variable) : 0;

	return len && strlen(unit) == len && !memcmp(unit, variable, len);
}

int dwarf_vars__search(struct dwarf_vars *v, const char *name,
		       int (*in_unit)(struct dwarf_vars *v, Dwarf_Die unit, const char *name,
				      uint64_t *ret),
		       uint64_t *ret)
{
	int found = -ENOENT;

	for (;;) {
		Dwarf_Die unit;
		char *package;
		int err = dwarf_die_unit(v->dbg);

		if (err)
			return err == -ENOENT ? found : err;
		if (found != -ENOENT || dwarf_vars__next(v, NULL, &unit))
			continue;
		if (!dwarf_die_name(v->dbg, unit, &package) && is_package_of(package, name))
			found = in_unit(v, unit, name, ret);
		dwarf_dealloc_die(unit);
	}
}

int dwarf_vars__type_of(struct dwarf_vars *v, const char *variable, uint64_t *ret_type)
{
	return dwarf_vars__search(v, variable, dwarf_vars__in_unit, ret_type);
}

/* --- types --- */

static Dwarf_Unsigned number_of(struct dwarf_vars *v, Dwarf_Die die, Dwarf_Half attr)
{
	Dwarf_Unsigned n;

	return dwarf_die_unsigned(v->dbg, die, attr, &n) ? 0 : n;
}

/* An entry that is a type, with what decides what to do with it. */
struct type {
	Dwarf_Die die;
	Dwarf_Half tag;
	uint64_t at;
};

/* Typedefs resolved; *ret is to be freed. */
static int dwarf_vars__enter(struct dwarf_vars *v, uint64_t at, struct type *ret)
{
	for (int i = 0; i < DWARF_VARS_DEPTH_MAX; i++) {
		struct type t = { .at = at };
		Dwarf_Off off;
		int err = dwarf_die_at(v->dbg, at, &t.die);

		if (!err && dwarf_die_tag(v->dbg, t.die, &t.tag)) {
			dwarf_dealloc_die(t.die);
			return -EBADMSG;
		}
		if (err || t.tag != DW_TAG_typedef) {
			if (!err)
				*ret = t;
			return err;
		}
		err = dwarf_die_ref(v->dbg, t.die, DW_AT_type, &off);
		dwarf_dealloc_die(t.die);
		if (err)
			return err;
		at = off;
	}
	return -EBADMSG;
}

int dwarf_vars__size(struct dwarf_vars *v, uint64_t type, uint64_t *ret)
{
	struct type t;
	int err = dwarf_vars__enter(v, type, &t);

	if (err)
		return err;
	*ret = t.tag == DW_TAG_pointer_type || t.tag == DW_TAG_subroutine_type
		       ? 8
		       : number_of(v, t.die, DW_AT_byte_size);
	dwarf_dealloc_die(t.die);
	return 0;
}

int dwarf_vars__name(struct dwarf_vars *v, uint64_t type, char *name, size_t size)
{
	Dwarf_Die die;
	char *s;
	int err = dwarf_die_at(v->dbg, type, &die);

	if (err)
		return err;
	err = dwarf_die_name(v->dbg, die, &s);
	if (!err)
		snprintf(name, size, "%s", s);
	dwarf_dealloc_die(die);
	return err;
}

/* A way down: where it stands and what it went through. */
struct descent {
	uint64_t type, offset;
	char *path;
	size_t size, used;
	/* what the struct around says of a pointer in it; else a word */
	enum dwarf_spot_kind first;
};

static void descent__add(struct descent *d, const char *before, const char *text, const char *after)
{
	int n = snprintf(d->path + d->used, d->size - d->used, "%s%s%s", before, text, after);

	if (n > 0)
		d->used = d->used + (size_t)n < d->size ? d->used + (size_t)n : d->size - 1;
}

/* The member of a struct in which the offset lies. */
static int dwarf_vars__member(struct dwarf_vars *v, Dwarf_Die type, uint64_t offset, Dwarf_Die *ret,
			      uint64_t *ret_begin)
{
	uint64_t begin = 0;
	Dwarf_Die die, best = NULL;
	int err = dwarf_die_child(v->dbg, type, &die);

	for (int i = 0; !err && i < MEMBERS_MAX; i++) {
		uint64_t at = number_of(v, die, DW_AT_data_member_location), size = 0;
		Dwarf_Half tag;
		Dwarf_Off off;

		if (!dwarf_die_tag(v->dbg, die, &tag) && tag == DW_TAG_member && at <= offset &&
		    !dwarf_die_ref(v->dbg, die, DW_AT_type, &off) &&
		    !dwarf_vars__size(v, off, &size) && offset - at < size) {
			best = die;
			begin = at;
			break;
		}
		err = dwarf_vars__next(v, die, &die);
	}
	if (err)
		return err;
	if (!best) {
		dwarf_dealloc_die(die);
		return -EBADMSG;
	}
	*ret = best;
	*ret_begin = begin;
	return 0;
}

/* Slices, strings and interfaces are structs whose fields no program names. */
static bool has_own_words(struct dwarf_vars *v, Dwarf_Die type)
{
	uint64_t kind = number_of(v, type, AT_GO_KIND) & GO_KINDS;
	char *name;

	if (kind == GO_SLICE || kind == GO_STRING)
		return true;
	return !dwarf_die_name(v->dbg, type, &name) &&
	       (!strcmp(name, "runtime.iface") || !strcmp(name, "runtime.eface"));
}

/* Of the pointer that begins there in such a struct. */
static enum dwarf_spot_kind spot_in(struct dwarf_vars *v, Dwarf_Die type, uint64_t begin)
{
	uint64_t kind = number_of(v, type, AT_GO_KIND) & GO_KINDS;

	if (kind == GO_SLICE)
		return begin ? DWARF_SPOT_WORD : DWARF_SPOT_SLICE;
	return kind != GO_STRING && begin && has_own_words(v, type) ? DWARF_SPOT_INTERFACE
								    : DWARF_SPOT_WORD;
}

static int dwarf_vars__into_struct(struct dwarf_vars *v, const struct type *t, struct descent *d)
{
	uint64_t begin;
	Dwarf_Die member;
	Dwarf_Off off;
	char *name;
	int err = dwarf_vars__member(v, t->die, d->offset, &member, &begin);

	if (err)
		return err;
	err = dwarf_die_ref(v->dbg, member, DW_AT_type, &off);
	d->first = spot_in(v, t->die, begin);
	if (!err && !has_own_words(v, t->die) && !dwarf_die_name(v->dbg, member, &name))
		descent__add(d, ".", name, "");
	dwarf_dealloc_die(member);
	if (err)
		return err;
	d->offset -= begin;
	d->type = off;
	return 0;
}

static int dwarf_vars__into_array(struct dwarf_vars *v, const struct type *t, struct descent *d)
{
	uint64_t all = number_of(v, t->die, DW_AT_byte_size), one = 0;
	char index[24];
	Dwarf_Off off;
	int err = dwarf_die_ref(v->dbg, t->die, DW_AT_type, &off);

	if (!err)
		err = dwarf_vars__size(v, off, &one);
	if (err)
		return err;
	if (!one || d->offset >= all)
		return -ENOENT;
	snprintf(index, sizeof(index), "%llu", (unsigned long long)(d->offset / one));
	descent__add(d, "[", index, "]");
	d->offset %= one;
	d->type = off;
	return 0;
}

static void dwarf_vars__spot(struct dwarf_vars *v, const struct type *t, const struct descent *d,
			     struct dwarf_spot *ret)
{
	Dwarf_Off off;

	*ret = (struct dwarf_spot){ 0, DWARF_SPOT_WORD };
	if (d->offset)
		return;
	if (d->first == DWARF_SPOT_INTERFACE) {
		ret->kind = DWARF_SPOT_INTERFACE;
	} else if (t->tag == DW_TAG_subroutine_type) {
		ret->kind = DWARF_SPOT_FUNC;
	} else if (t->tag == DW_TAG_pointer_type &&
		   !dwarf_die_ref(v->dbg, t->die, DW_AT_type, &off)) {
		ret->kind = d->first == DWARF_SPOT_SLICE ? DWARF_SPOT_SLICE : DWARF_SPOT_POINTER;
		ret->to = off;
	}
}

int dwarf_vars__at(struct dwarf_vars *v, uint64_t type, uint64_t offset, char *path, size_t size,
		   struct dwarf_spot *ret)
{
	struct descent d = { .type = type, .offset = offset, .path = path, .size = size };

	path[0] = '\0';
	for (int i = 0; i < DWARF_VARS_DEPTH_MAX; i++) {
		struct type t;
		bool deeper = false;
		int err = dwarf_vars__enter(v, d.type, &t);

		if (err)
			return err;
		if (t.tag == DW_TAG_structure_type || t.tag == DW_TAG_array_type) {
			deeper = true;
			err = t.tag == DW_TAG_array_type ? dwarf_vars__into_array(v, &t, &d)
							 : dwarf_vars__into_struct(v, &t, &d);
		} else {
			dwarf_vars__spot(v, &t, &d, ret);
		}
		dwarf_dealloc_die(t.die);
		if (err || !deeper)
			return err;
	}
	return -EBADMSG;
}
