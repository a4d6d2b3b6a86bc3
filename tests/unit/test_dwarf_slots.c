/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/dwarf_vars.h"

/*
 * 1 unit {name}; 2 number {name, size}; 3 function {name, low pc}; 4 argument {name, type,
 * expression}; 5 variable {name, type, list}; 6 block; 7 inlined call {origin}; 8 its argument
 * {origin, expression}; 9 abstract function {name, inline};
 * 10 its argument {name, type}; 11 function that has an origin {origin, low pc}
 */
static const uint8_t abbrevs[] = {
	1,    0x11, 1,    0x03, 0x08, 0,    0,    2,    0x24, 0,    0x03, 0x08, 0x0b, 0x0b,
	0,    0,    3,    0x2e, 1,    0x03, 0x08, 0x11, 0x01, 0,    0,    4,    0x05, 0,
	0x03, 0x08, 0x49, 0x10, 0x02, 0x18, 0,    0,    5,    0x34, 0,    0x03, 0x08, 0x49,
	0x10, 0x02, 0x17, 0,    0,    6,    0x0b, 1,    0,    0,    7,    0x1d, 1,    0x31,
	0x10, 0,    0,    8,    0x05, 0,    0x31, 0x10, 0x02, 0x18, 0,    0,    9,    0x2e,
	1,    0x03, 0x08, 0x20, 0x0b, 0,    0,    10,   0x05, 0,    0x03, 0x08, 0x49, 0x10,
	0,    0,    11,   0x2e, 1,    0x31, 0x10, 0x11, 0x01, 0,    0,    0,
};

struct debug {
	uint8_t info[1024], list[256];
	uint32_t len, list_len;
	bool five; /* .debug_loclists */
};

static void bytes(struct debug *d, const void *p, size_t len)
{
	memcpy(d->info + d->len, p, len);
	d->len += (uint32_t)len;
}

static uint32_t entry(struct debug *d, uint8_t code, const char *name)
{
	const uint32_t at = d->len;

	bytes(d, &code, 1);
	if (name)
		bytes(d, name, strlen(name) + 1);
	return at;
}

static void u32(struct debug *d, uint32_t v)
{
	bytes(d, &v, 4);
}

static void expression(struct debug *d, const void *expr, uint8_t len)
{
	bytes(d, &len, 1);
	bytes(d, expr, len);
}

static void end(struct debug *d)
{
	bytes(d, "", 1);
}

static void low_pc(struct debug *d)
{
	const uint64_t pc = 0x401000;

	bytes(d, &pc, 8);
}

static void in_list(struct debug *d, const void *p, size_t len)
{
	memcpy(d->list + d->list_len, p, len);
	d->list_len += (uint32_t)len;
}

/* One more entry of a list. */
static void stretch(struct debug *d, uint8_t from, uint8_t to, const void *expr, uint8_t len)
{
	const uint64_t range[] = { from, to };
	const uint16_t len4 = len;
	const uint8_t head5[] = { 4, from, to, len };

	if (d->five) {
		in_list(d, head5, sizeof(head5));
	} else {
		in_list(d, range, sizeof(range));
		in_list(d, &len4, sizeof(len4));
	}
	in_list(d, expr, len);
}

static uint32_t list_begin(struct debug *d)
{
	static const uint64_t base4[] = { UINT64_MAX, 0x401000 };
	static const uint8_t base5[] = { 1, 7 };
	const uint32_t at = d->list_len;

	if (d->five)
		in_list(d, base5, sizeof(base5));
	else
		in_list(d, base4, sizeof(base4));
	return at;
}

static void list_end(struct debug *d)
{
	static const uint64_t end4[2];

	in_list(d, end4, d->five ? 1 : sizeof(end4));
}

/*
 * func f(reply [2]int) { at 16 to 31: pair [2]int, in words at -24 and -40; a block: once int at
 * -56 }, which has inlined g(kept int), kept at -16; and g itself.
 */
static void debug__init(struct debug *d, bool five)
{
	static const uint8_t head[] = { 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8 };
	static const uint8_t cfa[] = { 0x9c }, reg[] = { 0x50 }, kept[] = { 0x91, 0x70 },
			     once[] = { 0x91, 0x48 };
	static const uint8_t pieces[] = { 0x91, 0x68, 0x93, 8, 0x91, 0x58, 0x93, 8 };
	static const uint8_t deref[] = { 0x91, 0x78, 0x06 };
	uint32_t word, two, pair, once_at, g, g_kept, len;

	*d = (struct debug){ .five = five };
	pair = list_begin(d);
	stretch(d, 0, 16, reg, sizeof(reg));
	stretch(d, 16, 32, pieces, sizeof(pieces));
	list_end(d);
	once_at = list_begin(d);
	stretch(d, 0, 100, once, sizeof(once));
	list_end(d);
	bytes(d, head, sizeof(head));
	entry(d, 1, "main");
	word = entry(d, 2, "int");
	bytes(d, "\x08", 1);
	two = entry(d, 2, "[2]int");
	bytes(d, "\x10", 1);
	g = entry(d, 9, "main.g");
	bytes(d, "\x01", 1);
	g_kept = entry(d, 10, "kept");
	u32(d, word);
	end(d);
	entry(d, 3, "main.f");
	low_pc(d);
	entry(d, 4, "reply");
	u32(d, two);
	expression(d, cfa, sizeof(cfa));
	entry(d, 4, "computed");
	u32(d, word);
	expression(d, deref, sizeof(deref));
	entry(d, 5, "pair");
	u32(d, two);
	u32(d, pair);
	entry(d, 6, NULL);
	entry(d, 5, "once");
	u32(d, word);
	u32(d, once_at);
	end(d);
	entry(d, 7, NULL);
	u32(d, g);
	entry(d, 8, NULL);
	u32(d, g_kept);
	expression(d, kept, sizeof(kept));
	end(d);
	end(d);
	entry(d, 11, NULL);
	u32(d, g);
	low_pc(d);
	entry(d, 8, NULL);
	u32(d, g_kept);
	expression(d, cfa, sizeof(cfa));
	end(d);
	end(d);
	len = d->len - 4;
	memcpy(d->info, &len, 4);
}

static struct dwarf_vars *open_vars(const struct debug *d)
{
	static const char names4[] = "\0.debug_abbrev\0.debug_info\0.debug_loc";
	static const char names5[] = "\0.debug_abbrev\0.debug_info\0.debug_loclists";
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph;
		Elf64_Shdr sh[5];
		char names[48];
		uint8_t abbrevs[128], info[1024], list[256];
	} file = {
		.eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_phoff = 64,
			.e_phentsize = 56,
			.e_phnum = 1,
			.e_shoff = 120,
			.e_shentsize = 64,
			.e_shnum = 5,
			.e_shstrndx = 1 },
	};
	const Elf64_Shdr sh[] = {
		{ 0 },
		{ .sh_type = SHT_STRTAB,
		  .sh_offset = (uint64_t)((uint8_t *)file.names - (uint8_t *)&file),
		  .sh_size = sizeof(file.names) },
		{ .sh_name = 1,
		  .sh_type = SHT_PROGBITS,
		  .sh_offset = (uint64_t)(file.abbrevs - (uint8_t *)&file),
		  .sh_size = sizeof(file.abbrevs) },
		{ .sh_name = 15,
		  .sh_type = SHT_PROGBITS,
		  .sh_offset = (uint64_t)(file.info - (uint8_t *)&file),
		  .sh_size = d->len },
		{ .sh_name = 27,
		  .sh_type = SHT_PROGBITS,
		  .sh_offset = (uint64_t)(file.list - (uint8_t *)&file),
		  .sh_size = d->list_len },
	};
	scoped(elf_file) f = NULL;
	scoped_fd int fd = memfd_create("test", MFD_CLOEXEC);
	struct dwarf_vars *ret = NULL;

	memcpy(file.sh, sh, sizeof(sh));
	memcpy(file.names, d->five ? names5 : names4, d->five ? sizeof(names5) : sizeof(names4));
	memcpy(file.abbrevs, abbrevs, sizeof(abbrevs));
	memcpy(file.info, d->info, sizeof(d->info));
	memcpy(file.list, d->list, sizeof(d->list));
	cr_assert_eq(pwrite(fd, &file, sizeof(file), 0), (ssize_t)sizeof(file));
	cr_assert_eq(elf_file__open(fd, "x", &f, NULL), 0);
	cr_assert_eq(dwarf_vars__open(f, 1 << 20, &ret, NULL), 0);
	return ret;
}

Test(dwarf_slots, tell_the_variable_of_a_word_of_a_frame)
{
	static const struct {
		const char *why, *func;
		uint64_t at;
		int64_t cfa_offset;
		const char *name; /* NULL: none */
		uint64_t offset;
		bool argument;
	} t[] = {
		{ "an argument", "main.f", 20, 0, "reply", 0, true },
		{ "its second word", "main.f", 20, 8, "reply", 8, true },
		{ "behind it", "main.f", 20, 16, NULL, 0, false },
		{ "a piece", "main.f", 20, -24, "pair", 0, false },
		{ "the other piece", "main.f", 20, -40, "pair", 8, false },
		{ "between them", "main.f", 20, -32, NULL, 0, false },
		{ "before it is there", "main.f", 15, -24, NULL, 0, false },
		{ "when it is gone", "main.f", 32, -24, NULL, 0, false },
		{ "in a block", "main.f", 99, -56, "once", 0, false },
		{ "of an inlined call", "main.f", 99, -16, "kept", 0, true },
		{ "the same, not inlined", "main.g", 0, 0, "kept", 0, true },
		{ "computed", "main.f", 20, -8, NULL, 0, false },
		{ "no such function", "main.h", 20, 0, NULL, 0, false },
		{ "of another package", "other.f", 20, 0, NULL, 0, false },
	};

	for (int five = 0; five < 2; five++) {
		scoped(dwarf_vars) v = NULL;
		struct debug d;

		debug__init(&d, five);
		v = open_vars(&d);
		for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
			struct dwarf_slot s = { "", 0, 0, false };
			const int err =
				dwarf_vars__slot(v, t[i].func, t[i].at, t[i].cfa_offset, &s);

			cr_expect_eq(err, t[i].name ? 0 : -ENOENT, "DWARF %d: %s: %d", 4 + five,
				     t[i].why, err);
			if (!t[i].name)
				continue;
			cr_expect_str_eq(s.name, t[i].name, "%s: %s", t[i].why, s.name);
			cr_expect_eq(s.offset, t[i].offset, "%s", t[i].why);
			cr_expect_eq(s.argument, t[i].argument, "%s", t[i].why);
		}
	}
}

Test(dwarf_slots, end_where_a_list_is_damaged)
{
	for (int five = 0; five < 2; five++) {
		struct debug d;

		debug__init(&d, five);
		for (uint32_t at = 0; at < d.list_len; at++) {
			scoped(dwarf_vars) v = NULL;
			const uint8_t was = d.list[at];
			struct dwarf_slot s;

			d.list[at] = 0xff;
			v = open_vars(&d);
			for (int64_t off = -64; off < 16; off += 8)
				(void)dwarf_vars__slot(v, "main.f", 20, off, &s);
			d.list[at] = was;
		}
	}
}
