/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_vars: the variables of a program by address, out of its symbol table.
 *
 * Only symbols of data objects are kept, 24 bytes each; names stay in the file and are read when
 * they are asked for. The file is
 * hostile: each index is checked against the size of its section. Any thread, one at a time.
 * Source: System V gABI chapter 4, symbol table; Go's linker writes its variables there as
 * STT_OBJECT with their size
 * (cmd/link/internal/ld/symtab.go).
 */
#ifndef PARKWATCH_ELF_ELF_VARS_H
#define PARKWATCH_ELF_ELF_VARS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "elf/elf_file.h"

#define ELF_VARS_MAX      (1u << 20) /* if there are more, only the first ones are known */
#define ELF_VARS_SYMS_MAX (8u << 20) /* entries of the table that are looked at */

struct elf_vars;

/* f: borrowed until free. -ENOENT: it has no symbol table; -EBADMSG: a damaged one; -ENOMEM. */
int elf_vars__open(const struct elf_file *f, struct elf_vars **ret);
void elf_vars__free(struct elf_vars *v);
DEFINE_SCOPED(elf_vars)

/*
 * The variable that holds addr (as the file has it). Its name is cut to size - 1 bytes. -ENOENT:
 * none; -EBADMSG.
 */
int elf_vars__at(const struct elf_vars *v, uint64_t addr, uint64_t *ret_addr, uint64_t *ret_size,
		 char *name, size_t size);

#endif
