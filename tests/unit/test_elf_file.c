/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/dwarf_types.h"
#include "elf/elf_file.h"

/* A small program: one segment, a GNU and a Go build id, three sections. */
struct small {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	struct {
		Elf64_Nhdr gnu;
		char gnu_name[4];
		uint8_t gnu_id[4];
		Elf64_Nhdr go;
		char go_name[4];
		char go_id[8];
	} notes;
	char names[32];
	Elf64_Shdr sh[3];
};

static void small__init(struct small *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->eh.e_ident, ELFMAG, SELFMAG);
	s->eh.e_ident[EI_CLASS] = ELFCLASS64;
	s->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	s->eh.e_type = ET_EXEC;
	s->eh.e_machine = EM_X86_64;
	s->eh.e_phoff = offsetof(struct small, ph);
	s->eh.e_phentsize = sizeof(s->ph[0]);
	s->eh.e_phnum = 2;
	s->eh.e_shoff = offsetof(struct small, sh);
	s->eh.e_shentsize = sizeof(s->sh[0]);
	s->eh.e_shnum = 3;
	s->eh.e_shstrndx = 1;
	s->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_filesz = sizeof(*s), .p_vaddr = 0x400000 };
	s->ph[1] = (Elf64_Phdr){ .p_type = PT_NOTE,
				 .p_offset = offsetof(struct small, notes),
				 .p_filesz = sizeof(s->notes) };
	s->notes.gnu = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 4, .n_type = NT_GNU_BUILD_ID };
	memcpy(s->notes.gnu_name, "GNU", 4);
	memcpy(s->notes.gnu_id, "\x01\x02\xfe\xff", 4);
	s->notes.go = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 7, .n_type = 4 };
	memcpy(s->notes.go_name, "Go\0", 4);
	memcpy(s->notes.go_id, "abc/def", 7);
	memcpy(s->names, "\0.text\0.symtab", 15);
	s->sh[1] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				 .sh_offset = offsetof(struct small, names),
				 .sh_size = sizeof(s->names) };
	s->sh[2] = (Elf64_Shdr){ .sh_name = 7, .sh_type = SHT_SYMTAB, .sh_size = 48 };
}

static int fd_of(const void *buf, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, buf, len), (ssize_t)len);
	return fd;
}

Test(elf_file, tells_what_its_headers_say)
{
	struct small s;
	scoped(elf_file) f = NULL;
	char id[ELF_BUILD_ID_MAX];
	scoped_fd int fd = -EBADF;

	small__init(&s);
	fd = fd_of(&s, sizeof(s));
	cr_assert_eq(elf_file__open(fd, "x", &f, NULL), 0);
	cr_expect_eq(elf_file__type(f), ET_EXEC);
	cr_expect(elf_file__has_symtab(f));
	cr_expect_not(elf_file__is_pie(f));
	cr_expect_not(elf_file__has_interp(f));
	cr_expect(elf_file__section(f, ".symtab"));
	cr_expect_null(elf_file__section(f, ".go.buildinfo"));
	cr_expect_eq(elf_file__gnu_build_id(f, id, sizeof(id)), 0);
	cr_expect_str_eq(id, "0102feff");
	cr_expect_eq(elf_file__go_build_id(f, id, sizeof(id)), 0);
	cr_expect_str_eq(id, "abc/def");
}

Test(elf_file, refuses_with_a_reason_what_it_cannot_read)
{
	static const struct {
		const char *why, *words;
		size_t at;
		uint8_t byte;
		int want;
	} t[] = {
		{ "no ELF", "not an ELF file", 1, 'X', -EBADMSG },
		{ "32-bit", "32-bit", EI_CLASS, ELFCLASS32, -EOPNOTSUPP },
		{ "big-endian", "machine", EI_DATA, ELFDATA2MSB, -EOPNOTSUPP },
		{ "a machine of its own", "machine", offsetof(Elf64_Ehdr, e_machine), EM_RISCV,
		  -EOPNOTSUPP },
		{ "an object file", "neither", offsetof(Elf64_Ehdr, e_type), ET_REL, -EOPNOTSUPP },
		{ "no program headers", "program headers", offsetof(Elf64_Ehdr, e_phnum), 0,
		  -EBADMSG },
		{ "segments past the end", "truncated",
		  offsetof(struct small, ph) + offsetof(Elf64_Phdr, p_filesz) + 3, 1, -EBADMSG },
		{ "section headers past the end", "truncated", offsetof(Elf64_Ehdr, e_shoff) + 2, 1,
		  -EBADMSG },
		{ "names in no section", "section headers", offsetof(Elf64_Ehdr, e_shstrndx), 9,
		  -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct small s;
		struct elf_file *f = NULL;
		struct cause why = { "" };
		scoped_fd int fd = -EBADF;

		small__init(&s);
		((uint8_t *)&s)[t[i].at] = t[i].byte;
		fd = fd_of(&s, sizeof(s));
		cr_expect_eq(elf_file__open(fd, "prog", &f, &why), t[i].want, "%s", t[i].why);
		cr_expect_null(f);
		cr_expect(strstr(why.text, "'prog'") && strstr(why.text, t[i].words), "%s: %s",
			  t[i].why, why.text);
	}
}

Test(elf_file, is_never_whole_when_cut_off)
{
	struct small s;

	small__init(&s);
	for (size_t n = 0; n < sizeof(s); n++) {
		struct elf_file *f = NULL;
		struct cause why = { "" };
		scoped_fd int fd = fd_of(&s, n);

		cr_assert_eq(elf_file__open(fd, "x", &f, &why), -EBADMSG, "%zu bytes", n);
		cr_assert_neq(why.text[0], '\0', "%zu bytes", n);
	}
}

Test(elf_file, may_have_no_sections)
{
	struct small s;
	scoped(elf_file) f = NULL;
	scoped_fd int fd = -EBADF;
	struct dwarf_types *t = NULL;
	static const char *const names[] = { "runtime.g" };

	small__init(&s);
	s.eh.e_shoff = s.eh.e_shnum = s.eh.e_shstrndx = 0;
	fd = fd_of(&s, sizeof(s));
	cr_assert_eq(elf_file__open(fd, "x", &f, NULL), 0);
	cr_expect_eq(elf_file__nr_sections(f), 0);
	cr_expect_not(elf_file__has_symtab(f));
	cr_expect_eq(dwarf_types__open(f, names, 1, 1 << 20, &t, NULL), -ENOENT);
}
