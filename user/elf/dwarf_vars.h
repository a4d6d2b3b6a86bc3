/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_vars: the types of a Go program's variables out of DWARF, and what lies at an offset in a
 * type: which field of which field, and what the pointer there points to.
 *
 * A type is the offset of its entry in .debug_info. Only .debug_info and .debug_abbrev are loaded
 * (dwarf_sections). The file is
 * hostile: types may be circles, so each way down is bounded. Any thread, one at a time.
 *
 * Go's linker puts a variable below the unit of its package, under its full name ("main.pool"), and
 * all types below the unit "runtime" (Go cmd/link/internal/ld/dwarf.go, which also says what
 * slices, maps and interfaces look like).
 */
#ifndef PARKWATCH_ELF_DWARF_VARS_H
#define PARKWATCH_ELF_DWARF_VARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "elf/elf_file.h"

#define DWARF_VARS_DEPTH_MAX 32 /* fields in fields */

struct dwarf_vars;

/* f: for this call. Errors as dwarf_types__open(). */
int dwarf_vars__open(const struct elf_file *f, uint64_t max_info, struct dwarf_vars **ret,
		     struct cause *why);
void dwarf_vars__free(struct dwarf_vars *v);
DEFINE_SCOPED(dwarf_vars)

/* The type of the variable of this full name. -ENOENT: no such variable; -EBADMSG. */
int dwarf_vars__type_of(struct dwarf_vars *v, const char *variable, uint64_t *ret_type);

/* Its size in bytes; 0: it has none. -ENOENT, -EBADMSG. */
int dwarf_vars__size(struct dwarf_vars *v, uint64_t type, uint64_t *ret);
/* Its name, cut to size - 1 bytes. -ENOENT: it has none. */
int dwarf_vars__name(struct dwarf_vars *v, uint64_t type, char *name, size_t size);

enum dwarf_spot_kind {
	DWARF_SPOT_WORD,      /* nothing that is known to point anywhere; also unsafe.Pointer */
	DWARF_SPOT_POINTER,   /* to `to` */
	DWARF_SPOT_SLICE,     /* to an array of `to` */
	DWARF_SPOT_INTERFACE, /* the data of an interface: the word before says of what type */
	DWARF_SPOT_FUNC,      /* to a closure */
};

struct dwarf_spot {
	uint64_t to; /* type; 0: not known */
	enum dwarf_spot_kind kind;
};

/*
 * What lies at offset in a value of this type. path: which field, "" for none: ".pool.conns[3]";
 * cut to size - 1 bytes.
 * -ENOENT: nothing does (it is no type, or smaller); -EBADMSG.
 */
int dwarf_vars__at(struct dwarf_vars *v, uint64_t type, uint64_t offset, char *path, size_t size,
		   struct dwarf_spot *ret);

#define DWARF_FUNC_NAME_MAX 256
#define DWARF_SLOT_NAME_MAX 128 /* longer names are cut */

struct dwarf_slot {
	char name[DWARF_SLOT_NAME_MAX];
	uint64_t type;
	uint64_t offset; /* of the word in the variable */
	bool argument;
};

/*
 * The variable of the function of this full name that has the word at cfa_offset from the end of
 * its frame (which is where its caller's stack pointer was before the call), while the code is `at`
 * bytes behind the start of the function. -ENOENT: none that is known; -EBADMSG.
 */
int dwarf_vars__slot(struct dwarf_vars *v, const char *func, uint64_t at, int64_t cfa_offset,
		     struct dwarf_slot *ret);

#endif
