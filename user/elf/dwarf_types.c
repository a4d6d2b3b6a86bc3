/* SPDX-License-Identifier: BSD-2-Clause */
#include "elf/dwarf_types.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "elf/dwarf_die.h"
#include "elf/dwarf_sections.h"

#define PATH_DEPTH_MAX 8
#define TYPEDEF_MAX    8
#define OFFSET_MAX     (1 << 24) /* no struct of Go's runtime is larger */

struct dwarf_types {
	Dwarf_Debug dbg;
	struct dwarf_sections sections;
	const char *const *names; /* borrowed */
	size_t nr, nr_found;
	Dwarf_Off die[DWARF_STRUCTS_MAX]; /* 0: not found; no entry lies at 0 */
	uint64_t nr_visited;
};

/* --- the search --- */

/* As dwarf_die_next(); the number of calls is bounded. */
static int dwarf_types__next(struct dwarf_types *t, Dwarf_Die die, Dwarf_Die *ret)
{
	if (++t->nr_visited <= DWARF_DIES_MAX)
		return dwarf_die_next(t->dbg, die, ret);
	if (die)
		dwarf_dealloc_die(die);
	return -EBADMSG;
}

static void dwarf_types__note(struct dwarf_types *t, Dwarf_Die die)
{
	Dwarf_Half tag;
	Dwarf_Off off;
	char *name;

	if (dwarf_die_tag(t->dbg, die, &tag) || tag != DW_TAG_structure_type ||
	    dwarf_die_name(t->dbg, die, &name))
		return;
	for (size_t i = 0; i < t->nr; i++) {
		if (t->die[i] || strcmp(name, t->names[i]) != 0)
			continue;
		if (!dwarf_die_offset(t->dbg, die, &off)) {
			t->die[i] = off;
			t->nr_found++;
		}
		return;
	}
}

/* Looks at the entries right below the unit's own. */
static int dwarf_types__scan_unit(struct dwarf_types *t, Dwarf_Die unit)
{
	Dwarf_Die die;
	int err = dwarf_die_child(t->dbg, unit, &die);

	while (!err) {
		dwarf_types__note(t, die);
		if (t->nr_found == t->nr) {
			dwarf_dealloc_die(die);
			return 0;
		}
		err = dwarf_types__next(t, die, &die);
	}
	return err == -ENOENT ? 0 : err;
}

/*
 * One pass over all units; runtime_only: only the unit "runtime". libdwarf begins anew after the
 * last unit, so it is run to its end.
 */
static int dwarf_types__scan(struct dwarf_types *t, bool runtime_only)
{
	for (;;) {
		Dwarf_Die unit;
		char *name;
		int err = dwarf_die_unit(t->dbg);

		if (err)
			return err == -ENOENT ? 0 : err;
		if (t->nr_found == t->nr)
			continue;
		err = dwarf_types__next(t, NULL, &unit);
		if (err == -ENOENT)
			continue;
		if (err)
			return err;
		if (!runtime_only ||
		    (!dwarf_die_name(t->dbg, unit, &name) && strcmp(name, "runtime") == 0))
			err = dwarf_types__scan_unit(t, unit);
		dwarf_dealloc_die(unit);
		if (err)
			return err;
	}
}

void dwarf_types__free(struct dwarf_types *t)
{
	if (!t)
		return;
	if (t->dbg)
		dwarf_sections_close(t->dbg);
	dwarf_sections__done(&t->sections);
	free(t);
}

int dwarf_types__open(const struct elf_file *f, const char *const *names, size_t nr,
		      uint64_t max_info, struct dwarf_types **ret, struct cause *why)
{
	scoped(dwarf_types) t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	if (nr > DWARF_STRUCTS_MAX)
		return -EINVAL;
	t->names = names;
	t->nr = nr;
	err = dwarf_sections__init(&t->sections, f, max_info, why);
	if (!err)
		err = dwarf_sections__open(&t->sections, &t->dbg, why);
	if (err)
		return err;
	err = dwarf_types__scan(t, true);
	if (!err && t->nr_found < t->nr)
		err = dwarf_types__scan(t, false);
	if (err)
		return cause__set(why, err, "damaged debug information");
	*ret = steal(t);
	return 0;
}

/* --- queries --- */

static int dwarf_types__find(struct dwarf_types *t, const char *name, Dwarf_Die *ret)
{
	for (size_t i = 0; i < t->nr; i++)
		if (strcmp(t->names[i], name) == 0)
			return t->die[i] ? dwarf_die_at(t->dbg, t->die[i], ret) : -ENOENT;
	return -ENOENT;
}

static int dwarf_types__unsigned_attr(struct dwarf_types *t, Dwarf_Die die, Dwarf_Half attr,
				      int32_t *ret)
{
	Dwarf_Unsigned v;
	int err = dwarf_die_unsigned(t->dbg, die, attr, &v);

	if (err)
		return err;
	if (v > OFFSET_MAX)
		return -EBADMSG;
	*ret = (int32_t)v;
	return 0;
}

/* The type of a member, typedefs resolved. */
static int dwarf_types__type_of(struct dwarf_types *t, Dwarf_Die die, Dwarf_Die *ret)
{
	Dwarf_Half tag = DW_TAG_typedef;
	Dwarf_Die at = die;

	for (int i = 0; i < TYPEDEF_MAX && tag == DW_TAG_typedef; i++) {
		Dwarf_Off off;
		int err = dwarf_die_ref(t->dbg, at, DW_AT_type, &off);

		if (at != die)
			dwarf_dealloc_die(at);
		if (!err)
			err = dwarf_die_at(t->dbg, off, &at);
		if (err)
			return err;
		if (dwarf_die_tag(t->dbg, at, &tag)) {
			dwarf_dealloc_die(at);
			return -EBADMSG;
		}
	}
	if (tag == DW_TAG_typedef) {
		dwarf_dealloc_die(at);
		return -EBADMSG;
	}
	*ret = at;
	return 0;
}

/* The member called name[0 .. len). */
static int dwarf_types__child_named(struct dwarf_types *t, Dwarf_Die type, const char *name,
				    size_t len, Dwarf_Die *ret)
{
	Dwarf_Die die;
	int err = dwarf_die_child(t->dbg, type, &die);

	for (int i = 0; !err; i++) {
		Dwarf_Half tag;
		char *s;

		if (!dwarf_die_tag(t->dbg, die, &tag) && tag == DW_TAG_member &&
		    !dwarf_die_name(t->dbg, die, &s) && strlen(s) == len &&
		    memcmp(s, name, len) == 0) {
			*ret = die;
			return 0;
		}
		if (i == DWARF_MEMBERS_MAX) {
			dwarf_dealloc_die(die);
			return -EBADMSG;
		}
		err = dwarf_types__next(t, die, &die);
	}
	return err;
}

int dwarf_types__size(struct dwarf_types *t, const char *name, int32_t *ret)
{
	Dwarf_Die die;
	int err = dwarf_types__find(t, name, &die);

	if (err)
		return err;
	err = dwarf_types__unsigned_attr(t, die, DW_AT_byte_size, ret);
	dwarf_dealloc_die(die);
	return err;
}

int dwarf_types__member(struct dwarf_types *t, const char *name, const char *path, int32_t *ret)
{
	int32_t sum = 0;
	Dwarf_Die type;
	int err = dwarf_types__find(t, name, &type);

	for (int depth = 0; !err && depth < PATH_DEPTH_MAX; depth++) {
		size_t len = strcspn(path, ".");
		Dwarf_Die member;
		int32_t off = 0;

		err = dwarf_types__child_named(t, type, path, len, &member);
		dwarf_dealloc_die(type);
		if (err)
			return err;
		err = dwarf_types__unsigned_attr(t, member, DW_AT_data_member_location, &off);
		sum += off;
		if (!err && !path[len]) {
			dwarf_dealloc_die(member);
			*ret = sum;
			return 0;
		}
		if (!err)
			err = dwarf_types__type_of(t, member, &type);
		dwarf_dealloc_die(member);
		path += len + 1;
		if (!err && depth == PATH_DEPTH_MAX - 1) {
			dwarf_dealloc_die(type);
			err = -EINVAL;
		}
	}
	return err;
}
