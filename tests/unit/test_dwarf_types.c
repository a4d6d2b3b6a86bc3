/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

#include "elf/dwarf_types.h"

#define INFO_MAX 4096

/* Debug information of one unit, and the file around it, built byte by byte. */
struct debug {
	uint8_t info[INFO_MAX];
	size_t len;
	int version;
};

/*
 * Codes: 1 unit {name}, 2 struct {name, size}, 3 member {name, offset, type}, 4 typedef {name,
 * type}.
 */
static const uint8_t abbrev[] = {
	1,    0x11, 1,    0x03, 0x08, 0,    0,    2,    0x13, 1,    0x03, 0x08, 0x0b,
	0x0f, 0,    0,    3,    0x0d, 0,    0x03, 0x08, 0x38, 0x0f, 0x49, 0x10, 0,
	0,    4,    0x16, 0,    0x03, 0x08, 0x49, 0x10, 0,    0,    0,
};

static void put(struct debug *d, const void *p, size_t len)
{
	memcpy(d->info + d->len, p, len);
	d->len += len;
}

static void put_u8(struct debug *d, uint8_t v)
{
	put(d, &v, 1);
}

static void put_name(struct debug *d, uint8_t code, const char *name)
{
	put_u8(d, code);
	put(d, name, strlen(name) + 1);
}

static uint32_t begin_struct(struct debug *d, const char *name, uint8_t size)
{
	uint32_t at = (uint32_t)d->len;

	put_name(d, 2, name);
	put_u8(d, size);
	return at;
}

static void add_member(struct debug *d, const char *name, uint8_t off, uint32_t type)
{
	put_name(d, 3, name);
	put_u8(d, off);
	put(d, &type, 4);
}

static uint32_t add_typedef(struct debug *d, const char *name, uint32_t type)
{
	uint32_t at = (uint32_t)d->len;

	put_name(d, 4, name);
	put(d, &type, 4);
	return at;
}

static void debug__init(struct debug *d, int version)
{
	static const uint8_t v4[] = { 4, 0, 0, 0, 0, 0, 8 }, v5[] = { 5, 0, 1, 8, 0, 0, 0, 0 };
	uint32_t gobuf, alias;

	memset(d, 0, sizeof(*d));
	d->version = version;
	d->len = 4;
	put(d, version == 5 ? v5 : v4, version == 5 ? sizeof(v5) : sizeof(v4));
	put_name(d, 1, "runtime");
	gobuf = begin_struct(d, "runtime.gobuf", 48);
	add_member(d, "sp", 0, 0);
	add_member(d, "pc", 8, 0);
	put_u8(d, 0);
	alias = add_typedef(d, "runtime.gobufAlias", gobuf);
	begin_struct(d, "runtime.g", 100);
	add_member(d, "sched", 56, gobuf);
	add_member(d, "other", 40, alias);
	add_member(d, "goid", 99, 0);
	put_u8(d, 0);
	put_u8(d, 0);
	*(uint32_t *)(void *)d->info = (uint32_t)d->len - 4;
}

/* An ELF file with the two sections. */
static int fd_of(const void *abbrevs, size_t abbrevs_len, const void *info, size_t info_len,
		 uint64_t flags)
{
	static const char names[] = "\0.debug_abbrev\0.debug_info";
	Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
			  .e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_phoff = 64,
			  .e_phentsize = 56,
			  .e_phnum = 1,
			  .e_shoff = 120,
			  .e_shentsize = 64,
			  .e_shnum = 4,
			  .e_shstrndx = 1 };
	Elf64_Phdr ph = { .p_type = PT_NULL };
	Elf64_Shdr sh[4] = {
		[1] = { .sh_type = SHT_STRTAB, .sh_offset = 376, .sh_size = sizeof(names) },
		[2] = { .sh_name = 1,
			.sh_type = SHT_PROGBITS,
			.sh_offset = 512,
			.sh_size = abbrevs_len,
			.sh_flags = flags },
		[3] = { .sh_name = 15,
			.sh_type = SHT_PROGBITS,
			.sh_offset = 512 + abbrevs_len,
			.sh_size = info_len,
			.sh_flags = flags },
	};
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert_eq(pwrite(fd, &eh, sizeof(eh), 0), (ssize_t)sizeof(eh));
	cr_assert_eq(pwrite(fd, &ph, sizeof(ph), 64), (ssize_t)sizeof(ph));
	cr_assert_eq(pwrite(fd, sh, sizeof(sh), 120), (ssize_t)sizeof(sh));
	cr_assert_eq(pwrite(fd, names, sizeof(names), 376), (ssize_t)sizeof(names));
	cr_assert_eq(pwrite(fd, abbrevs, abbrevs_len, 512), (ssize_t)abbrevs_len);
	cr_assert_eq(pwrite(fd, info, info_len, (off_t)(512 + abbrevs_len)), (ssize_t)info_len);
	return fd;
}

static const char *const wanted[] = { "runtime.g", "runtime.absent" };

static int open_types(int fd, uint64_t max, struct dwarf_types **ret)
{
	scoped(elf_file) f = NULL;

	cr_assert_eq(elf_file__open(fd, "x", &f, NULL), 0);
	return dwarf_types__open(f, wanted, 2, max, ret, NULL);
}

static void expect_offsets(struct dwarf_types *t)
{
	static const struct {
		const char *why, *type, *path;
		int want;
		int32_t off;
	} q[] = {
		{ "a member", "runtime.g", "goid", 0, 99 },
		{ "a member of a member", "runtime.g", "sched.pc", 0, 64 },
		{ "through a typedef", "runtime.g", "other.pc", 0, 48 },
		{ "no such member", "runtime.g", "sched.lr", -ENOENT, 0 },
		{ "a part of a name", "runtime.g", "go", -ENOENT, 0 },
		{ "no such struct", "runtime.absent", "goid", -ENOENT, 0 },
		{ "a struct that was not asked for", "runtime.gobuf", "pc", -ENOENT, 0 },
	};
	int32_t v = 0;

	for (size_t i = 0; i < ARRAY_SIZE(q); i++) {
		v = 0;
		cr_expect_eq(dwarf_types__member(t, q[i].type, q[i].path, &v), q[i].want, "%s",
			     q[i].why);
		cr_expect_eq(v, q[i].off, "%s", q[i].why);
	}
	cr_expect_eq(dwarf_types__member(t, "runtime.g", "goid.x", &v) < 0, 1,
		     "a member of no struct");
	cr_expect_eq(dwarf_types__size(t, "runtime.g", &v), 0);
	cr_expect_eq(v, 100);
}

Test(dwarf_types, finds_members_in_versions_4_and_5)
{
	for (int version = 4; version <= 5; version++) {
		struct debug d;
		scoped(dwarf_types) t = NULL;
		scoped_fd int fd = -EBADF;

		debug__init(&d, version);
		fd = fd_of(abbrev, sizeof(abbrev), d.info, d.len, 0);
		cr_assert_eq(open_types(fd, d.len - 1, &t), -EFBIG);
		cr_assert_eq(open_types(fd, d.len, &t), 0, "DWARF %d", version);
		expect_offsets(t);
	}
}

static size_t deflated(const void *data, size_t len, uint8_t *out, size_t size)
{
	Elf64_Chdr ch = { .ch_type = ELFCOMPRESS_ZLIB, .ch_size = len, .ch_addralign = 1 };
	uLongf n = size - sizeof(ch);

	memcpy(out, &ch, sizeof(ch));
	cr_assert_eq(compress(out + sizeof(ch), &n, data, len), Z_OK);
	return sizeof(ch) + n;
}

Test(dwarf_types, finds_members_in_compressed_sections_and_refuses_cut_ones)
{
	struct debug d;
	uint8_t a[512], i[INFO_MAX];
	size_t a_len, i_len;
	scoped(dwarf_types) t = NULL;
	struct dwarf_types *none = NULL;
	scoped_fd int fd = -EBADF, cut = -EBADF, lie = -EBADF;

	debug__init(&d, 5);
	a_len = deflated(abbrev, sizeof(abbrev), a, sizeof(a));
	i_len = deflated(d.info, d.len, i, sizeof(i));
	fd = fd_of(a, a_len, i, i_len, SHF_COMPRESSED);
	cr_assert_eq(open_types(fd, 1 << 20, &t), 0);
	expect_offsets(t);
	cut = fd_of(a, a_len, i, i_len - 8, SHF_COMPRESSED);
	cr_expect_eq(open_types(cut, 1 << 20, &none), -EBADMSG, "ends too early");
	((Elf64_Chdr *)(void *)i)->ch_size = 1 << 20;
	lie = fd_of(a, a_len, i, i_len, SHF_COMPRESSED);
	cr_expect_eq(open_types(lie, 1 << 20, &none), -EBADMSG, "no deflate stream is that good");
	cr_expect_null(none);
}

Test(dwarf_types, any_cut_is_an_error_or_finds_less)
{
	struct debug d;

	debug__init(&d, 4);
	for (size_t n = 0; n < d.len; n++) {
		struct dwarf_types *t = NULL;
		scoped_fd int fd = fd_of(abbrev, sizeof(abbrev), d.info, n, 0);
		int32_t v;

		if (!open_types(fd, 1 << 20, &t)) {
			cr_expect_eq(dwarf_types__size(t, "runtime.absent", &v), -ENOENT);
			dwarf_types__free(t);
		}
	}
}
