/* SPDX-License-Identifier: BSD-2-Clause */
#include "elf/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NOTE_MAX         4096 /* bytes of a note section or segment that are looked at */
#define DYNAMIC_MAX      512  /* entries of the dynamic section that are looked at */
#define NOTE_GO_BUILD_ID 4    /* Go cmd/link/internal/ld/elf.go ELF_NOTE_GOBUILDID_TAG */

#ifndef DF_1_PIE
#define DF_1_PIE 0x08000000
#endif

struct elf_file {
	int fd; /* borrowed */
	uint64_t size;
	uint16_t type, machine;
	size_t nr_segments, nr_sections;
	struct elf_segment *segments;
	struct elf_section *sections;
	char *names; /* ends with a NUL */
};

void elf_file__free(struct elf_file *f)
{
	if (!f)
		return;
	free(f->segments);
	free(f->sections);
	free(f->names);
	free(f);
}

int elf_file__read(const struct elf_file *f, uint64_t offset, void *buf, size_t len)
{
	char *out = buf;

	if (offset > f->size || len > f->size - offset)
		return -EBADMSG;
	while (len) {
		ssize_t n = pread(f->fd, out, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EBADMSG; /* it shrank meanwhile */
		out += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int check_header(const Elf64_Ehdr *h, uint64_t size, const char *path, struct cause *why)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return cause__set(why, -EBADMSG, "'%s' is not an ELF file", path);
	if (size < sizeof(*h))
		return cause__set(why, -EBADMSG, "'%s' is cut off inside its ELF header", path);
	if (h->e_ident[EI_CLASS] == ELFCLASS32)
		return cause__set(why, -EOPNOTSUPP,
				  "'%s' is a 32-bit program; only 64-bit ones can be watched",
				  path);
	if (h->e_ident[EI_CLASS] != ELFCLASS64)
		return cause__set(why, -EBADMSG, "damaged ELF header in '%s'", path);
	if (h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    (h->e_machine != EM_X86_64 && h->e_machine != EM_AARCH64))
		return cause__set(why, -EOPNOTSUPP, "'%s' is for machine type %u, not x86-64", path,
				  h->e_machine);
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return cause__set(why, -EOPNOTSUPP,
				  "'%s' is neither a program nor a shared library", path);
	return 0;
}

static int elf_file__read_segments(struct elf_file *f, const Elf64_Ehdr *h, const char *path,
				   struct cause *why)
{
	scoped_mem Elf64_Phdr *ph = NULL;
	size_t nr = h->e_phnum;
	int err;

	if (!nr || nr > ELF_SEGMENTS_MAX || h->e_phentsize != sizeof(*ph))
		return cause__set(why, -EBADMSG, "damaged program headers in '%s'", path);
	ph = reallocarray(NULL, nr, sizeof(*ph));
	f->segments = calloc(nr, sizeof(*f->segments));
	if (!ph || !f->segments)
		return -ENOMEM;
	err = elf_file__read(f, h->e_phoff, ph, nr * sizeof(*ph));
	if (err)
		return cause__set(why, err, "'%s' is cut off inside its program headers", path);
	for (size_t i = 0; i < nr; i++) {
		f->segments[i] = (struct elf_segment){
			.type = ph[i].p_type,
			.flags = ph[i].p_flags,
			.offset = ph[i].p_offset,
			.vaddr = ph[i].p_vaddr,
			.filesz = ph[i].p_filesz,
			.memsz = ph[i].p_memsz,
		};
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (ph[i].p_offset > f->size || ph[i].p_filesz > f->size - ph[i].p_offset)
			return cause__set(why, -EBADMSG,
					  "'%s' is truncated: its segments need %llu bytes, the "
					  "file has %llu",
					  path,
					  (unsigned long long)(ph[i].p_offset + ph[i].p_filesz),
					  (unsigned long long)f->size);
	}
	f->nr_segments = nr;
	return 0;
}

static int elf_file__read_names(struct elf_file *f, const Elf64_Shdr *sh, size_t *ret_len)
{
	size_t len = sh->sh_size < ELF_NAMES_MAX ? sh->sh_size : ELF_NAMES_MAX;
	int err;

	f->names = calloc(1, len + 1);
	if (!f->names)
		return -ENOMEM;
	err = elf_file__read(f, sh->sh_offset, f->names, len);
	if (!err)
		*ret_len = len;
	return err;
}

/* No section headers at all is fine (sstrip); headers that point outside the file are not. */
static int elf_file__read_sections(struct elf_file *f, const Elf64_Ehdr *h, const char *path,
				   struct cause *why)
{
	scoped_mem Elf64_Shdr *sh = NULL;
	size_t nr = h->e_shnum, names_len = 0;
	int err;

	if (!h->e_shoff || !nr || nr > ELF_SECTIONS_MAX)
		return 0;
	if (h->e_shentsize != sizeof(*sh) || h->e_shstrndx >= nr)
		return cause__set(why, -EBADMSG, "damaged section headers in '%s'", path);
	sh = reallocarray(NULL, nr, sizeof(*sh));
	f->sections = calloc(nr, sizeof(*f->sections));
	if (!sh || !f->sections)
		return -ENOMEM;
	err = elf_file__read(f, h->e_shoff, sh, nr * sizeof(*sh));
	if (!err)
		err = elf_file__read_names(f, &sh[h->e_shstrndx], &names_len);
	if (err)
		return cause__set(why, err, "'%s' is truncated: it ends before its section headers",
				  path);
	for (size_t i = 0; i < nr; i++) {
		if (sh[i].sh_type != SHT_NOBITS &&
		    (sh[i].sh_offset > f->size || sh[i].sh_size > f->size - sh[i].sh_offset))
			return cause__set(why, -EBADMSG,
					  "'%s' is truncated: a section ends after the file", path);
		f->sections[i] = (struct elf_section){
			.name = f->names + (sh[i].sh_name < names_len ? sh[i].sh_name : names_len),
			.type = sh[i].sh_type,
			.flags = sh[i].sh_flags,
			.addr = sh[i].sh_addr,
			.offset = sh[i].sh_offset,
			.size = sh[i].sh_size,
			.align = sh[i].sh_addralign,
		};
	}
	f->nr_sections = nr;
	return 0;
}

int elf_file__open(int fd, const char *path, struct elf_file **ret, struct cause *why)
{
	scoped(elf_file) f = calloc(1, sizeof(*f));
	struct stat st;
	Elf64_Ehdr h;
	int err;

	if (!f)
		return -ENOMEM;
	if (fstat(fd, &st) < 0) {
		err = -errno;
		return cause__set(why, err, "cannot read '%s': %s", path, strerror(-err));
	}
	f->fd = fd;
	f->size = (uint64_t)st.st_size;
	memset(&h, 0, sizeof(h));
	err = elf_file__read(f, 0, &h, f->size < sizeof(h) ? f->size : sizeof(h));
	if (err)
		return cause__set(why, err, "cannot read '%s': %s", path, strerror(-err));
	err = check_header(&h, f->size, path, why);
	if (err)
		return err;
	f->type = h.e_type;
	f->machine = h.e_machine;
	err = elf_file__read_segments(f, &h, path, why);
	if (!err)
		err = elf_file__read_sections(f, &h, path, why);
	if (err)
		return err;
	*ret = steal(f);
	return 0;
}

uint16_t elf_file__type(const struct elf_file *f)
{
	return f->type;
}

uint16_t elf_file__machine(const struct elf_file *f)
{
	return f->machine;
}

uint64_t elf_file__size(const struct elf_file *f)
{
	return f->size;
}

const struct elf_section *elf_file__section(const struct elf_file *f, const char *name)
{
	for (size_t i = 0; i < f->nr_sections; i++)
		if (strcmp(f->sections[i].name, name) == 0)
			return &f->sections[i];
	return NULL;
}

size_t elf_file__nr_sections(const struct elf_file *f)
{
	return f->nr_sections;
}

const struct elf_section *elf_file__section_at(const struct elf_file *f, size_t i)
{
	return i < f->nr_sections ? &f->sections[i] : NULL;
}

size_t elf_file__nr_segments(const struct elf_file *f)
{
	return f->nr_segments;
}

const struct elf_segment *elf_file__segment_at(const struct elf_file *f, size_t i)
{
	return i < f->nr_segments ? &f->segments[i] : NULL;
}

bool elf_file__has_symtab(const struct elf_file *f)
{
	for (size_t i = 0; i < f->nr_sections; i++)
		if (f->sections[i].type == SHT_SYMTAB && f->sections[i].size > sizeof(Elf64_Sym))
			return true;
	return false;
}

static const struct elf_segment *elf_file__segment(const struct elf_file *f, uint32_t type)
{
	for (size_t i = 0; i < f->nr_segments; i++)
		if (f->segments[i].type == type)
			return &f->segments[i];
	return NULL;
}

bool elf_file__has_interp(const struct elf_file *f)
{
	return elf_file__segment(f, PT_INTERP) != NULL;
}

bool elf_file__is_pie(const struct elf_file *f)
{
	const struct elf_segment *s = elf_file__segment(f, PT_DYNAMIC);

	if (f->type != ET_DYN)
		return false;
	if (elf_file__has_interp(f))
		return true;
	for (size_t i = 0; s && i < DYNAMIC_MAX && i < s->filesz / sizeof(Elf64_Dyn); i++) {
		Elf64_Dyn d;

		if (elf_file__read(f, s->offset + i * sizeof(d), &d, sizeof(d)) ||
		    d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_FLAGS_1)
			return d.d_un.d_val & DF_1_PIE;
	}
	return false;
}

/*
 * Copies the note's contents to buf; *ret_len at most size. Go counts the padding of its owner's
 * name in.
 */
static int find_note(const uint8_t *notes, size_t len, const char *owner, uint32_t type,
		     uint8_t *buf, size_t size, size_t *ret_len)
{
	size_t owner_len = strlen(owner) + 1;

	for (size_t at = 0; len - at >= sizeof(Elf64_Nhdr);) {
		Elf64_Nhdr n;
		uint64_t desc, next;

		memcpy(&n, notes + at, sizeof(n));
		desc = at + sizeof(n) + (((uint64_t)n.n_namesz + 3) & ~3ull);
		next = desc + (((uint64_t)n.n_descsz + 3) & ~3ull);
		if (desc > len || n.n_descsz > len - desc)
			return -ENOENT;
		if (n.n_type == type && n.n_namesz >= owner_len &&
		    n.n_namesz <= ((owner_len + 3) & ~3ul) &&
		    memcmp(notes + at + sizeof(n), owner, owner_len) == 0) {
			*ret_len = n.n_descsz < size ? n.n_descsz : size;
			memcpy(buf, notes + desc, *ret_len);
			return 0;
		}
		if (next > len)
			return -ENOENT;
		at = next;
	}
	return -ENOENT;
}

static int elf_file__note(const struct elf_file *f, const char *owner, uint32_t type, uint8_t *buf,
			  size_t size, size_t *ret_len)
{
	uint8_t notes[NOTE_MAX];

	for (size_t i = 0; i < f->nr_segments; i++) {
		const struct elf_segment *s = &f->segments[i];
		size_t len = s->filesz < sizeof(notes) ? s->filesz : sizeof(notes);

		if (s->type == PT_NOTE && !elf_file__read(f, s->offset, notes, len) &&
		    !find_note(notes, len, owner, type, buf, size, ret_len))
			return 0;
	}
	for (size_t i = 0; i < f->nr_sections; i++) {
		const struct elf_section *s = &f->sections[i];
		size_t len = s->size < sizeof(notes) ? s->size : sizeof(notes);

		if (s->type == SHT_NOTE && !elf_file__read(f, s->offset, notes, len) &&
		    !find_note(notes, len, owner, type, buf, size, ret_len))
			return 0;
	}
	return -ENOENT;
}

int elf_file__gnu_build_id(const struct elf_file *f, char *buf, size_t size)
{
	uint8_t id[ELF_BUILD_ID_MAX / 2 - 1];
	size_t len;
	int err = elf_file__note(f, "GNU", NT_GNU_BUILD_ID, id, sizeof(id), &len);

	if (err)
		return err;
	if (!len || size < 2 * len + 1)
		return -ENOENT;
	for (size_t i = 0; i < len; i++)
		snprintf(buf + 2 * i, 3, "%02x", id[i]);
	return 0;
}

int elf_file__go_build_id(const struct elf_file *f, char *buf, size_t size)
{
	uint8_t id[ELF_BUILD_ID_MAX - 1];
	size_t len;
	int err = elf_file__note(f, "Go", NOTE_GO_BUILD_ID, id, sizeof(id), &len);

	if (err)
		return err;
	if (!len || size < len + 1)
		return -ENOENT;
	for (size_t i = 0; i < len; i++)
		buf[i] = id[i] >= ' ' && id[i] < 0x7f ? (char)id[i] : '?';
	buf[len] = '\0';
	return 0;
}
