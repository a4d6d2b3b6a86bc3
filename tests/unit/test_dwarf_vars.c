/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/dwarf_vars.h"

#define SLICE  23 /* reflect.Kind */
#define STRUCT 25

/*
 * 1 unit {name}; 2 struct {name, size, go kind}; 3 member {name, offset, type}; 4 typedef {name,
 * type}; 5 variable {name, type};
 * 6 pointer {name, type}; 7 pointer without type {name}; 8 array {name, size, type}; 9 func {name};
 * 10 number {name, size}
 */
static const uint8_t abbrevs[] = {
	1,    0x11, 1,    0x03, 0x08, 0,    0,    2,    0x13, 1,    0x03, 0x08, 0x0b, 0x0b,
	0x80, 0x52, 0x0b, 0,    0,    3,    0x0d, 0,    0x03, 0x08, 0x38, 0x0b, 0x49, 0x10,
	0,    0,    4,    0x16, 0,    0x03, 0x08, 0x49, 0x10, 0,    0,    5,    0x34, 0,
	0x03, 0x08, 0x49, 0x10, 0,    0,    6,    0x0f, 0,    0x03, 0x08, 0x49, 0x10, 0,
	0,    7,    0x0f, 0,    0x03, 0x08, 0,    0,    8,    0x01, 0,    0x03, 0x08, 0x0b,
	0x0b, 0x49, 0x10, 0,    0,    9,    0x15, 0,    0x03, 0x08, 0,    0,    10,   0x24,
	0,    0x03, 0x08, 0x0b, 0x0b, 0,    0,    0,
};

struct debug {
	uint8_t info[2048];
	uint32_t len, unit;
};

static uint32_t entry(struct debug *d, uint8_t code, const char *name)
{
	uint32_t at = d->len;

	d->info[d->len++] = code;
	memcpy(d->info + d->len, name, strlen(name) + 1);
	d->len += (uint32_t)strlen(name) + 1;
	return at;
}

static void byte(struct debug *d, uint8_t v)
{
	d->info[d->len++] = v;
}

static void ref(struct debug *d, uint32_t type)
{
	memcpy(d->info + d->len, &type, 4);
	d->len += 4;
}

static uint32_t structure(struct debug *d, const char *name, uint8_t size, uint8_t kind)
{
	uint32_t at = entry(d, 2, name);

	byte(d, size);
	byte(d, kind);
	return at;
}

static void member(struct debug *d, const char *name, uint8_t off, uint32_t type)
{
	entry(d, 3, name);
	byte(d, off);
	ref(d, type);
}

static uint32_t referring(struct debug *d, uint8_t code, const char *name, uint32_t type)
{
	uint32_t at = entry(d, code, name);

	ref(d, type);
	return at;
}

static void unit_begin(struct debug *d, const char *name)
{
	static const uint8_t head[] = { 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8 };

	d->unit = d->len;
	memcpy(d->info + d->len, head, sizeof(head));
	d->len += sizeof(head);
	entry(d, 1, name);
}

static void unit_end(struct debug *d)
{
	uint32_t len;

	byte(d, 0);
	len = d->len - d->unit - 4;
	memcpy(d->info + d->unit, &len, 4);
}

/*
 * type conn struct { n int64; next *conn; f func(); any interface{}; raw unsafe.Pointer }
 * type server struct { n int64; conns []*conn; pair [2]conn }		var main.pool alias = server
 */
static void debug__init(struct debug *d)
{
	uint32_t n, raw, func, eface, conn, to_conn, to_to_conn, slice, pair, server, alias;

	memset(d, 0, sizeof(*d));
	unit_begin(d, "runtime");
	n = entry(d, 10, "int64");
	byte(d, 8);
	raw = entry(d, 7, "unsafe.Pointer");
	func = entry(d, 9, "func()");
	eface = structure(d, "runtime.eface", 16, STRUCT);
	member(d, "_type", 0, raw);
	member(d, "data", 8, raw);
	byte(d, 0);
	to_conn = d->len;
	referring(d, 6, "*main.conn", d->len + 16); /* its name and reference take 16 */
	conn = structure(d, "main.conn", 48, STRUCT);
	cr_assert_eq(conn, to_conn + 16);
	member(d, "n", 0, n);
	member(d, "next", 8, to_conn);
	member(d, "f", 16, func);
	member(d, "any", 24, eface);
	member(d, "raw", 40, raw);
	byte(d, 0);
	to_to_conn = referring(d, 6, "**main.conn", to_conn);
	slice = structure(d, "[]*main.conn", 24, SLICE);
	member(d, "array", 0, to_to_conn);
	member(d, "len", 8, n);
	member(d, "cap", 16, n);
	byte(d, 0);
	pair = entry(d, 8, "[2]main.conn");
	byte(d, 96);
	ref(d, conn);
	server = structure(d, "main.server", 128, STRUCT);
	member(d, "n", 0, n);
	member(d, "conns", 8, slice);
	member(d, "pair", 32, pair);
	byte(d, 0);
	alias = referring(d, 4, "main.alias", server);
	unit_end(d);
	unit_begin(d, "main");
	referring(d, 5, "main.pool", alias);
	unit_end(d);
	unit_begin(d, "example.com/x.y/server");
	referring(d, 5, "example.com/x.y/server.one", n);
	unit_end(d);
}

static int open_vars(const struct debug *d, struct dwarf_vars **ret)
{
	static const char names[] = "\0.debug_abbrev\0.debug_info";
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph;
		Elf64_Shdr sh[4];
		char names[32];
		uint8_t abbrevs[128], info[2048];
	} file = {
		.eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_phoff = 64,
			.e_phentsize = 56,
			.e_phnum = 1,
			.e_shoff = 120,
			.e_shentsize = 64,
			.e_shnum = 4,
			.e_shstrndx = 1 },
		.sh = { [1] = { .sh_type = SHT_STRTAB, .sh_offset = 376, .sh_size = sizeof(names) },
			[2] = { .sh_name = 1,
				.sh_type = SHT_PROGBITS,
				.sh_offset = 408,
				.sh_size = sizeof(abbrevs) },
			[3] = { .sh_name = 15,
				.sh_type = SHT_PROGBITS,
				.sh_offset = 536,
				.sh_size = d->len } },
	};
	scoped(elf_file) f = NULL;
	scoped_fd int fd = memfd_create("test", MFD_CLOEXEC);

	memcpy(file.names, names, sizeof(names));
	memcpy(file.abbrevs, abbrevs, sizeof(abbrevs));
	memcpy(file.info, d->info, sizeof(d->info));
	cr_assert_eq(pwrite(fd, &file, sizeof(file), 0), (ssize_t)sizeof(file));
	cr_assert_eq(elf_file__open(fd, "x", &f, NULL), 0);
	return dwarf_vars__open(f, 1 << 20, ret, NULL);
}

Test(dwarf_vars, tell_the_type_of_a_variable)
{
	scoped(dwarf_vars) v = NULL;
	struct debug d;
	uint64_t type = 0, size = 0;
	char name[32];

	debug__init(&d);
	cr_assert_eq(open_vars(&d, &v), 0);
	cr_assert_eq(dwarf_vars__type_of(v, "main.pool", &type), 0);
	cr_expect_eq(dwarf_vars__name(v, type, name, sizeof(name)), 0);
	cr_expect_str_eq(name, "main.alias");
	cr_expect_eq(dwarf_vars__size(v, type, &size), 0);
	cr_expect_eq(size, 128, "of what the typedef names");
	cr_expect_eq(dwarf_vars__type_of(v, "example.com/x.y/server.one", &type), 0,
		     "a dot in the path");
	cr_expect_eq(dwarf_vars__type_of(v, "main.poo", &type), -ENOENT);
	cr_expect_eq(dwarf_vars__type_of(v, "other.pool", &type), -ENOENT);
	cr_expect_eq(dwarf_vars__type_of(v, "", &type), -ENOENT);
}

Test(dwarf_vars, tell_what_lies_at_an_offset)
{
	static const struct {
		const char *why;
		uint64_t off;
		int want;
		const char *path;
		enum dwarf_spot_kind kind;
		const char *to;
	} t[] = {
		{ "a number", 0, 0, ".n", DWARF_SPOT_WORD, "" },
		{ "a slice", 8, 0, ".conns", DWARF_SPOT_SLICE, "*main.conn" },
		{ "its length", 16, 0, ".conns", DWARF_SPOT_WORD, "" },
		{ "an array of structs", 32 + 48 + 8, 0, ".pair[1].next", DWARF_SPOT_POINTER,
		  "main.conn" },
		{ "the middle of a pointer", 32 + 12, 0, ".pair[0].next", DWARF_SPOT_WORD, "" },
		{ "a func", 32 + 16, 0, ".pair[0].f", DWARF_SPOT_FUNC, "" },
		{ "the type of an interface", 32 + 24, 0, ".pair[0].any", DWARF_SPOT_WORD, "" },
		{ "its data", 32 + 32, 0, ".pair[0].any", DWARF_SPOT_INTERFACE, "" },
		{ "unsafe.Pointer", 32 + 40, 0, ".pair[0].raw", DWARF_SPOT_WORD, "" },
		{ "behind it", 128, -ENOENT, "", DWARF_SPOT_WORD, "" },
	};
	scoped(dwarf_vars) v = NULL;
	struct debug d;
	uint64_t type = 0;

	debug__init(&d);
	cr_assert_eq(open_vars(&d, &v), 0);
	cr_assert_eq(dwarf_vars__type_of(v, "main.pool", &type), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct dwarf_spot s = { 0, DWARF_SPOT_WORD };
		char path[64] = "", to[64] = "";

		cr_expect_eq(dwarf_vars__at(v, type, t[i].off, path, sizeof(path), &s), t[i].want,
			     "%s", t[i].why);
		cr_expect_str_eq(path, t[i].path, "%s: %s", t[i].why, path);
		cr_expect_eq(s.kind, t[i].kind, "%s: %d", t[i].why, s.kind);
		if (s.to)
			cr_expect_eq(dwarf_vars__name(v, s.to, to, sizeof(to)), 0);
		cr_expect_str_eq(to, t[i].to, "%s", t[i].why);
	}
}

Test(dwarf_vars, are_not_led_in_circles)
{
	scoped(dwarf_vars) v = NULL;
	struct debug d = { .len = 0 };
	struct dwarf_spot s;
	uint64_t type = 0;
	char path[8];

	unit_begin(&d, "main");
	referring(&d, 5, "main.pool", d.len + 15);
	referring(&d, 4, "main.alias", d.len);
	unit_end(&d);
	cr_assert_eq(open_vars(&d, &v), 0);
	cr_assert_eq(dwarf_vars__type_of(v, "main.pool", &type), 0);
	cr_expect_eq(dwarf_vars__at(v, type, 0, path, sizeof(path), &s), -EBADMSG);
	cr_expect_lt(dwarf_vars__at(v, 3, 0, path, sizeof(path), &s), 0, "no entry");
	cr_expect_lt(dwarf_vars__at(v, 1 << 30, 0, path, sizeof(path), &s), 0, "outside");
}
