/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_file: the headers of one 64-bit little-endian ELF file: what is where, never the contents.
 *
 * The file is hostile: it belongs to whoever runs the target. Reads the ELF header, program
 * headers, section headers and section names with pread(), each bounded and checked against the
 * size of the file; holds at most 300 KiB. Sections may be absent altogether (sstrip); callers then
 * go by segments. Any thread, one at a time.
 * Source: System V gABI chapters 4 and 5; libelf would map or read whole files.
 */
#ifndef PARKWATCH_ELF_ELF_FILE_H
#define PARKWATCH_ELF_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"

/* a Go binary has about 30; a file with more is read as one without sections */
#define ELF_SECTIONS_MAX 1024
#define ELF_SEGMENTS_MAX 128
#define ELF_NAMES_MAX    (64u << 10) /* bytes of section names that are looked at */
#define ELF_BUILD_ID_MAX 128         /* text of a build id, NUL included */

struct elf_file;

struct elf_section {
	const char *name; /* borrowed: as long as the elf_file */
	uint32_t type;    /* SHT_* */
	uint64_t flags;   /* SHF_* */
	/* offset and size lie inside the file unless type is SHT_NOBITS */
	uint64_t addr, offset, size;
	uint64_t align;
};

struct elf_segment {
	uint32_t type, flags; /* PT_*, PF_* */
	uint64_t offset, vaddr, filesz, memsz;
};

/*
 * fd is borrowed until free; path is only for messages. -EBADMSG: no ELF file, or cut off, or
 * damaged;
 * -EOPNOTSUPP: 32-bit, big-endian, or for another machine than x86-64 or arm64. Each with a cause.
 */
int elf_file__open(int fd, const char *path, struct elf_file **ret, struct cause *why);
void elf_file__free(struct elf_file *f);
DEFINE_SCOPED(elf_file)

uint16_t elf_file__type(const struct elf_file *f);    /* ET_EXEC, ET_DYN */
uint16_t elf_file__machine(const struct elf_file *f); /* EM_X86_64, EM_AARCH64 */
uint64_t elf_file__size(const struct elf_file *f);    /* of the file, bytes */

/* NULL: none; borrowed */
const struct elf_section *elf_file__section(const struct elf_file *f, const char *name);
size_t elf_file__nr_sections(const struct elf_file *f);
const struct elf_section *elf_file__section_at(const struct elf_file *f, size_t i);
size_t elf_file__nr_segments(const struct elf_file *f);
const struct elf_segment *elf_file__segment_at(const struct elf_file *f, size_t i);

bool elf_file__has_symtab(const struct elf_file *f); /* .symtab with symbols: not stripped */
bool elf_file__has_interp(const struct elf_file *f); /* PT_INTERP: a dynamic executable */
/* ET_DYN that is a program and no library: PT_INTERP or DF_1_PIE */
bool elf_file__is_pie(const struct elf_file *f);

/*
 * Text of the note into buf (ELF_BUILD_ID_MAX is enough): GNU build id in hex, Go's own as it is.
 * -ENOENT: no such note.
 */
int elf_file__gnu_build_id(const struct elf_file *f, char *buf, size_t size);
int elf_file__go_build_id(const struct elf_file *f, char *buf, size_t size);

/* Reads len bytes at offset of the file; -EBADMSG if the file ends before. */
int elf_file__read(const struct elf_file *f, uint64_t offset, void *buf, size_t len);

#endif
