/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_types: sizes and member offsets of named structs, out of DWARF, by libdwarf.
 *
 * Only .debug_info and .debug_abbrev are loaded (dwarf_sections). DWARF 2 to 5. Any thread, one at
 * a time.
 *
 * Go's linker puts the types of the whole program into the compilation unit "runtime", after its
 * functions
 * (Go cmd/link/internal/ld/dwarf.go), so that unit is searched first and the others only for what
 * it has not.
 */
#ifndef PARKWATCH_ELF_DWARF_TYPES_H
#define PARKWATCH_ELF_DWARF_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "elf/elf_file.h"

#define DWARF_STRUCTS_MAX 32        /* names asked for */
#define DWARF_DIES_MAX    20000000u /* entries visited before giving up */
#define DWARF_MEMBERS_MAX 4096      /* members of one struct */

struct dwarf_types;

/*
 * Finds the structs `names` (borrowed until free). max_info: largest .debug_info, uncompressed,
 * that is taken.
 * -ENOENT: no DWARF; -EFBIG: larger than max_info; -EBADMSG: damaged; -EOPNOTSUPP: compressed in a
 * way we do not know. Cause is set for the last two. A struct that is not there is no error here.
 */
int dwarf_types__open(const struct elf_file *f, const char *const *names, size_t nr,
		      uint64_t max_info, struct dwarf_types **ret, struct cause *why);
void dwarf_types__free(struct dwarf_types *t);
DEFINE_SCOPED(dwarf_types)

/* -ENOENT: no such struct. */
int dwarf_types__size(struct dwarf_types *t, const char *name, int32_t *ret);

/*
 * Byte offset of a member: path "sched.sp" goes into the struct that member sched is. -ENOENT: no
 * such struct or member.
 */
int dwarf_types__member(struct dwarf_types *t, const char *name, const char *path, int32_t *ret);

#endif
