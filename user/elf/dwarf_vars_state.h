/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_vars_state: what elf/dwarf_vars.c opens, and elf/dwarf_slots.c asks too. For these two
 * only.
 */
#ifndef PARKWATCH_ELF_DWARF_VARS_STATE_H
#define PARKWATCH_ELF_DWARF_VARS_STATE_H

#include <stdbool.h>

#include "elf/dwarf_die.h"
#include "elf/dwarf_sections.h"
#include "elf/dwarf_vars.h"

#define DWARF_FUNCS_KNOWN 16

struct known_func { /* that was asked for lately */
	char name[DWARF_FUNC_NAME_MAX];
	uint64_t die;
	int err; /* of finding it */
};

struct dwarf_vars {
	Dwarf_Debug dbg;
	struct dwarf_sections sections;
	struct dwarf_blob loc, loclists; /* where variables lie: DWARF 4, DWARF 5 */
	struct known_func funcs[DWARF_FUNCS_KNOWN];
	size_t nr_funcs; /* asked for in all */
	uint64_t nr_visited;
};

/* As dwarf_die_next(), but bounded in all. */
int dwarf_vars__next(struct dwarf_vars *v, Dwarf_Die die, Dwarf_Die *ret);
/*
 * Asks in_unit() for a variable or function of this full name, in each unit of its package until
 * one has it. All units are gone through: libdwarf begins anew after the last only. -ENOENT: none
 * has it; others of libdwarf and of in_unit().
 */
int dwarf_vars__search(struct dwarf_vars *v, const char *name,
		       int (*in_unit)(struct dwarf_vars *v, Dwarf_Die unit, const char *name,
				      uint64_t *ret),
		       uint64_t *ret);

#endif
