/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_die: the few things that dwarf_types and dwarf_vars ask libdwarf of an entry of
 * .debug_info, with errors as ours.
 *
 * -ENOENT: there is none; -EBADMSG: libdwarf says that it is damaged. An entry that is given out is
 * to be freed with dwarf_dealloc_die().
 */
#ifndef PARKWATCH_ELF_DWARF_DIE_H
#define PARKWATCH_ELF_DWARF_DIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libdwarf/dwarf.h>
#include <libdwarf/libdwarf.h>

/* rc and e: what a function of libdwarf left. An error is freed. */
int dwarf_die_err(Dwarf_Debug dbg, int rc, Dwarf_Error e);

int dwarf_die_tag(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half *ret);
int dwarf_die_name(Dwarf_Debug dbg, Dwarf_Die die, char **ret);      /* borrowed from the section */
int dwarf_die_child(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Die *ret); /* the first */
/*
 * The next sibling, or with die NULL the current unit's own entry. Frees `die`, also on an error.
 */
int dwarf_die_next(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Die *ret);
int dwarf_die_at(Dwarf_Debug dbg, Dwarf_Off off, Dwarf_Die *ret);
int dwarf_die_offset(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Off *ret);
int dwarf_die_unsigned(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half attr, Dwarf_Unsigned *ret);
/* where DW_AT_type and the like point */
int dwarf_die_ref(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half attr, Dwarf_Off *ret);
bool dwarf_die_has(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half attr);
/* An expression that stands in the entry itself. -ENOENT: it is none; -EFBIG: longer than size. */
#define DWARF_EXPR_MAX 256
int dwarf_die_expr(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half attr, uint8_t *expr, size_t size,
		   size_t *ret_len);
/*
 * The next unit; its own entry is then dwarf_die_next(NULL). -ENOENT after the last: libdwarf
 * begins anew.
 */
int dwarf_die_unit(Dwarf_Debug dbg);

#endif
