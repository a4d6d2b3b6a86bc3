/* SPDX-License-Identifier: BSD-2-Clause */
#include "elf/dwarf_die.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

int dwarf_die_err(Dwarf_Debug dbg, int rc, Dwarf_Error e)
{
	if (rc == DW_DLV_OK)
		return 0;
	if (rc == DW_DLV_NO_ENTRY)
		return -ENOENT;
	dwarf_dealloc_error(dbg, e);
	return -EBADMSG;
}

int dwarf_die_tag(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half *ret)
{
	Dwarf_Error e = NULL;

	return dwarf_die_err(dbg, dwarf_tag(die, ret, &e), e);
}

int dwarf_die_name(Dwarf_Debug dbg, Dwarf_Die die, char **ret)
{
	Dwarf_Error e = NULL;

	return dwarf_die_err(dbg, dwarf_diename(die, ret, &e), e);
}

int dwarf_die_child(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Die *ret)
{
	Dwarf_Error e = NULL;

	return dwarf_die_err(dbg, dwarf_child(die, ret, &e), e);
}

int dwarf_die_next(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Die *ret)
{
	Dwarf_Error e = NULL;
	int err = dwarf_die_err(dbg, dwarf_siblingof_b(dbg, die, 1, ret, &e), e);

	if (die)
		dwarf_dealloc_die(die);
	return err;
}

int dwarf_die_at(Dwarf_Debug dbg, Dwarf_Off off, Dwarf_Die *ret)
{
	Dwarf_Error e = NULL;

	return dwarf_die_err(dbg, dwarf_offdie_b(dbg, off, 1, ret, &e), e);
}

int dwarf_die_offset(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Off *ret)
{
	Dwarf_Error e = NULL;

	return dwarf_die_err(dbg, dwarf_dieoffset(die, ret, &e), e);
}

static int dwarf_die_attr(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half attr, Dwarf_Attribute *ret)
{
	Dwarf_Error e = NULL;

	return dwarf_die_err(dbg, dwarf_attr(die, attr, ret, &e), e);
}

int dwarf_die_unsigned(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half attr, Dwarf_Unsigned *ret)
{
	Dwarf_Error e = NULL;
	Dwarf_Attribute a;
	int err = dwarf_die_attr(dbg, die, attr, &a);

	if (err)
		return err;
	err = dwarf_die_err(dbg, dwarf_formudata(a, ret, &e), e);
	dwarf_dealloc_attribute(a);
	return err;
}

int dwarf_die_ref(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half attr, Dwarf_Off *ret)
{
	Dwarf_Error e = NULL;
	Dwarf_Attribute a;
	int err = dwarf_die_attr(dbg, die, attr, &a);

	if (err)
		return err;
	err = dwarf_die_err(dbg, dwarf_global_formref(a, ret, &e), e);
	dwarf_dealloc_attribute(a);
	return err;
}

bool dwarf_die_has(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half attr)
{
	Dwarf_Error e = NULL;
	Dwarf_Bool has = 0;

	return !dwarf_die_err(dbg, dwarf_hasattr(die, attr, &has, &e), e) && has;
}

static int attr_expr(Dwarf_Debug dbg, Dwarf_Attribute a, uint8_t *expr, size_t size,
		     size_t *ret_len)
{
	Dwarf_Error e = NULL;
	Dwarf_Unsigned len;
	Dwarf_Block *block;
	Dwarf_Half form;
	Dwarf_Ptr at;
	int err = dwarf_die_err(dbg, dwarf_whatform(a, &form, &e), e);

	if (err)
		return err;
	if (form == DW_FORM_exprloc) {
		err = dwarf_die_err(dbg, dwarf_formexprloc(a, &len, &at, &e), e);
		if (err || len > size)
			return err ? err : -EFBIG;
		memcpy(expr, at, len);
		*ret_len = len;
		return 0;
	}
	if (form != DW_FORM_block1 && form != DW_FORM_block2 && form != DW_FORM_block4 &&
	    form != DW_FORM_block)
		return -ENOENT;
	err = dwarf_die_err(dbg, dwarf_formblock(a, &block, &e), e);
	if (err)
		return err;
	if (block->bl_len > size) {
		err = -EFBIG;
	} else {
		memcpy(expr, block->bl_data, block->bl_len);
		*ret_len = block->bl_len;
	}
	dwarf_dealloc(dbg, block, DW_DLA_BLOCK);
	return err;
}

int dwarf_die_expr(Dwarf_Debug dbg, Dwarf_Die die, Dwarf_Half attr, uint8_t *expr, size_t size,
		   size_t *ret_len)
{
	Dwarf_Attribute a;
	int err = dwarf_die_attr(dbg, die, attr, &a);

	if (err)
		return err;
	err = attr_expr(dbg, a, expr, size, ret_len);
	dwarf_dealloc_attribute(a);
	return err;
}

int dwarf_die_unit(Dwarf_Debug dbg)
{
	Dwarf_Unsigned len, type_off, next;
	Dwarf_Half version, addr_size, len_size, ext_size, kind;
	Dwarf_Off abbrev;
	Dwarf_Sig8 sig;
	Dwarf_Error e = NULL;

	return dwarf_die_err(dbg,
			     dwarf_next_cu_header_d(dbg, 1, &len, &version, &abbrev, &addr_size,
						    &len_size, &ext_size, &sig, &type_off, &next,
						    &kind, &e),
			     e);
}
