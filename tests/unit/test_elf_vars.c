/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/elf_vars.h"

/* A file with a symbol table: names are at 1, 10 and 20 of strtab. */
struct small {
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	Elf64_Sym syms[6];
	char strtab[32];
	char names[32];
	Elf64_Shdr sh[4];
};

static void small__init(struct small *s)
{
	const uint8_t object = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT),
		      func = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);

	*s = (struct small){
		.eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_phoff = offsetof(struct small, ph),
			.e_phentsize = sizeof(s->ph),
			.e_phnum = 1,
			.e_shoff = offsetof(struct small, sh),
			.e_shentsize = sizeof(s->sh[0]),
			.e_shnum = 4,
			.e_shstrndx = 1 },
		.ph = { .p_type = PT_NULL },
		.syms = { { 0 },
			  { .st_name = 10,
			    .st_info = object,
			    .st_shndx = 3,
			    .st_value = 0x2000,
			    .st_size = 64 },
			  { .st_name = 1,
			    .st_info = object,
			    .st_shndx = 3,
			    .st_value = 0x1000,
			    .st_size = 8 },
			  { .st_name = 20,
			    .st_info = func,
			    .st_shndx = 3,
			    .st_value = 0x1008,
			    .st_size = 8 },
			  { .st_name = 20,
			    .st_info = object,
			    .st_shndx = SHN_UNDEF,
			    .st_value = 0x1010,
			    .st_size = 8 },
			  { .st_name = 9999,
			    .st_info = object,
			    .st_shndx = 3,
			    .st_value = 0x3000,
			    .st_size = 8 } },
		.strtab = "\0main.one\0main.two\0\0func",
		.names = "\0.symtab\0.strtab",
		.sh = { [1] = { .sh_type = SHT_STRTAB,
				.sh_offset = offsetof(struct small, names),
				.sh_size = sizeof(s->names) },
			[2] = { .sh_name = 1,
				.sh_type = SHT_SYMTAB,
				.sh_offset = offsetof(struct small, syms),
				.sh_size = sizeof(s->syms) },
			[3] = { .sh_name = 9,
				.sh_type = SHT_STRTAB,
				.sh_offset = offsetof(struct small, strtab),
				.sh_size = sizeof(s->strtab) } },
	};
}

static int open_vars(const struct small *s, struct elf_file **f, struct elf_vars **v)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert_eq(pwrite(fd, s, sizeof(*s), 0), (ssize_t)sizeof(*s));
	cr_assert_eq(elf_file__open(fd, "x", f, NULL), 0);
	return elf_vars__open(*f, v); /* the test's end closes fd */
}

Test(elf_vars, finds_the_variable_that_holds_an_address)
{
	static const struct {
		const char *why;
		uint64_t addr;
		int want;
		const char *name;
		uint64_t begin;
	} t[] = {
		{ "its first byte", 0x2000, 0, "main.two", 0x2000 },
		{ "its last byte", 0x203f, 0, "main.two", 0x2000 },
		{ "behind it", 0x2040, -ENOENT, "", 0 },
		{ "before all", 0xfff, -ENOENT, "", 0 },
		{ "another", 0x1004, 0, "main.one", 0x1000 },
		{ "a function", 0x1008, -ENOENT, "", 0 },
		{ "a symbol of another file", 0x1010, -ENOENT, "", 0 },
		{ "a name outside of the table", 0x3000, -EBADMSG, "", 0 },
	};
	struct elf_vars *v = NULL;
	struct elf_file *f = NULL;
	struct small s;

	small__init(&s);
	cr_assert_eq(open_vars(&s, &f, &v), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char name[32] = "";
		uint64_t begin = 0, size = 0;

		cr_expect_eq(elf_vars__at(v, t[i].addr, &begin, &size, name, sizeof(name)),
			     t[i].want, "%s", t[i].why);
		cr_expect_eq(begin, t[i].begin, "%s", t[i].why);
		if (!t[i].want)
			cr_expect_str_eq(name, t[i].name, "%s", t[i].why);
	}
	elf_vars__free(v);
	elf_file__free(f);
}

Test(elf_vars, cuts_long_names_and_needs_a_symbol_table)
{
	struct elf_vars *v = NULL;
	struct elf_file *f = NULL;
	uint64_t begin, size;
	struct small s;
	char name[5];

	small__init(&s);
	cr_assert_eq(open_vars(&s, &f, &v), 0);
	cr_expect_eq(elf_vars__at(v, 0x1000, &begin, &size, name, sizeof(name)), 0);
	cr_expect_str_eq(name, "main");
	elf_vars__free(v);
	elf_file__free(f);
	v = NULL;
	f = NULL;
	s.sh[2].sh_type = SHT_NOBITS;
	cr_expect_eq(open_vars(&s, &f, &v), -ENOENT);
	cr_expect_null(v);
	elf_file__free(f);
}
