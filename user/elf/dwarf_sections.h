/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_sections: the debug sections that dwarf_types needs, uncompressed in memory, and libdwarf
 * over them.
 *
 * Decompresses .zdebug_* and SHF_COMPRESSED itself, so that a section's size is known, and bounded,
 * before memory is taken. Knows both shapes of libdwarf's object access interface: 20210528 (Debian
 * 12) and 0.2 and later (Debian 13).
 */
#ifndef PARKWATCH_ELF_DWARF_SECTIONS_H
#define PARKWATCH_ELF_DWARF_SECTIONS_H

#include <stdint.h>

#include <libdwarf/dwarf.h>
#include <libdwarf/libdwarf.h>

#include "base/cause.h"
#include "elf/elf_file.h"

#define DWARF_SECTIONS_NR 3

struct dwarf_sections {                   /* not to be moved while a Dwarf_Debug is open over it */
	uint8_t *data[DWARF_SECTIONS_NR]; /* owned */
	uint64_t size[DWARF_SECTIONS_NR];
#ifdef DW_LIBDWARF_VERSION_MAJOR
	Dwarf_Obj_Access_Interface_a access;
#else
	Dwarf_Obj_Access_Interface access;
#endif
};

struct dwarf_blob {    /* a section that libdwarf is not asked about */
	uint8_t *data; /* owned by the caller */
	uint64_t size;
};

/* At most max bytes. -ENOENT: there is none; -EBADMSG, -EFBIG, -EOPNOTSUPP, -ENOMEM. */
int dwarf_blob_load(const struct elf_file *f, const char *name, uint64_t max,
		    struct dwarf_blob *ret);

/*
 * Loads .debug_info (at most max_info bytes) and .debug_abbrev. Errors as dwarf_types__open();
 * nothing is held then.
 */
int dwarf_sections__init(struct dwarf_sections *s, const struct elf_file *f, uint64_t max_info,
			 struct cause *why);
void dwarf_sections__done(struct dwarf_sections *s);

/* A reader over the sections, which must outlive it. -EBADMSG. */
int dwarf_sections__open(struct dwarf_sections *s, Dwarf_Debug *ret, struct cause *why);
void dwarf_sections_close(Dwarf_Debug dbg);

#endif
